//! The checks that are always there: Belfry on itself. `[check."belfry.hello"]` tunes one of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::check::{self, About, Base, Draft};
use super::rules::Rules;
use super::{Listen, Planned, accept, schedule};
use crate::core::check::Check;
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::probe::{Probe, own, port};
use crate::settings::Section;

/// How the names of built-in checks begin.
pub(super) const PREFIX: &str = "belfry.";
const GROUP: &str = "Belfry itself";
/// The check that is told of every reading of the configuration; it has no probe.
pub(super) const CONFIG: &str = "belfry.config";
/// The check that has a meaning only where there is an archive.
const ARCHIVE: &str = "belfry.archive";
/// The checks of our pages, in the order of [`Listen::pages`], and what each is asked for: something cheap.
const PORTS: [(&str, &str); 3] = [
    ("belfry.status", "/healthz"),
    ("belfry.hello", "/"),
    ("belfry.shrunken", "/"),
];
/// Often enough to be told within half a minute, seldom enough to cost nothing.
const EVERY: Duration = Duration::from_secs(10);
/// The uplink is asked more often, and soon given up, because all that is behind it waits for what it says. Three
/// failures in a row, so that one lost packet is no isolation.
const UPLINK_EVERY: Duration = Duration::from_secs(5);
const UPLINK_TIMEOUT: Duration = Duration::from_secs(2);
const UPLINK_FAILURES: u8 = 3;

/// One built-in check.
struct Own {
    name: String,
    kind: &'static str,
    target: String,
    probe: Option<Probe>,
    rules: Rules,
}

/// All built-in checks, tuned by the sections of that name; the rest of the sections is complained of.
pub(super) fn read<'a>(
    sections: Vec<(String, Section<'a>)>,
    listen: &Listen,
    has_archive: bool,
    source: &str,
    base: &Base,
) -> Vec<Draft<'a>> {
    let mut tuning: BTreeMap<String, Section<'a>> = BTreeMap::new();
    let known: Vec<String> = names(base).collect();
    let known = || known.iter().map(String::as_str);
    for (name, section) in sections {
        if !known().any(|known| known == name) {
            let hint = accept::nearest(&name, known()).map_or_else(
                || {
                    format!(
                        "built in are {}; choose a name without \"{PREFIX}\"",
                        known().collect::<Vec<_>>().join(", ")
                    )
                },
                |near| format!("did you mean \"{near}\"?"),
            );
            let message = format!("there is no built-in check \"{name}\"");
            section
                .report
                .at(section.source, section.span(), message, Some(hint));
        } else if let Some(first) = tuning.get(&name) {
            let hint = format!(
                "the first is at {}; keep one of them",
                super::document::Spot::of(first)
            );
            let message = format!("the built-in check \"{name}\" is tuned twice");
            section
                .report
                .at(section.source, section.span(), message, Some(hint));
        } else {
            tuning.insert(name, section);
        }
    }
    let mut drafts = Vec::new();
    for own in all(listen, has_archive, source, base) {
        let section = tuning.remove(&own.name);
        drafts.push(draft(own, section, base));
    }
    // What is switched off may be tuned all the same: its keys are read, and nothing comes of them.
    for (_, section) in tuning {
        tune(section, &rules(2, base), base);
    }
    drafts
}

/// The names, whether switched on or not.
fn names(base: &Base) -> impl Iterator<Item = String> {
    let ports = PORTS.into_iter().map(|(name, _)| name);
    let own = own::all().into_iter().map(|(name, _)| name);
    let fixed = ports.chain(own).chain([CONFIG]).map(str::to_owned);
    fixed.chain(base.isolation.checks().map(|(name, _)| name))
}

fn all(listen: &Listen, has_archive: bool, source: &str, base: &Base) -> Vec<Own> {
    let ports = PORTS
        .into_iter()
        .zip(listen.pages())
        .filter_map(|((name, path), addresses)| {
            let address = *addresses.first()?;
            let probe = asked(address, path);
            Some(Own {
                name: name.to_owned(),
                kind: "port",
                target: target(address, probe.as_ref()),
                probe,
                rules: rules(2, base),
            })
        });
    let own = own::all()
        .into_iter()
        .filter(|(name, _)| has_archive || *name != ARCHIVE)
        .map(|(name, settings)| probed(name, Probe::Own(settings), rules(2, base)));
    let config = Own {
        name: CONFIG.to_owned(),
        kind: "config",
        target: source.to_owned(),
        probe: None,
        rules: rules(1, base),
    };
    let uplinks = base.isolation.checks();
    let uplinks = uplinks.filter_map(|(name, probe)| Some(probed(&name, probe?, hasty(base))));
    ports.chain(own).chain(uplinks).chain([config]).collect()
}

/// How to ask at the address of a page; none while its port is not known.
fn asked(address: SocketAddr, path: &str) -> Option<Probe> {
    port::Settings::new(address, path).ok().map(Probe::Port)
}

fn target(address: SocketAddr, probe: Option<&Probe>) -> String {
    probe.map_or_else(|| address.to_string(), Probe::target)
}

/// Directs the checks of the pages at the addresses that they are really at.
pub(super) fn redirect(checks: &mut [Planned], bound: &Listen) {
    for ((name, path), addresses) in PORTS.into_iter().zip(bound.pages()) {
        let planned = checks
            .iter_mut()
            .find(|planned| planned.check.name.as_ref() == name);
        if let Some((planned, &address)) = planned.zip(addresses.first()) {
            let probe = asked(address, path);
            let target = target(address, probe.as_ref());
            planned.probe = probe.map(Arc::new);
            Arc::make_mut(&mut planned.check).target = target.into();
        }
    }
}

fn probed(name: &str, probe: Probe, rules: Rules) -> Own {
    Own {
        name: name.to_owned(),
        kind: probe.kind(),
        target: probe.target(),
        probe: Some(probe),
        rules,
    }
}

/// Not the `[defaults]`, which are made for other people's servers.
fn rules(fail_after: u8, base: &Base) -> Rules {
    Rules {
        every: EVERY,
        retry_every: EVERY,
        fail_after: Threshold::in_a_row(fail_after),
        flapping: base.rules.flapping,
        ..Rules::default()
    }
}

/// Those of an uplink.
fn hasty(base: &Base) -> Rules {
    Rules {
        every: UPLINK_EVERY,
        retry_every: UPLINK_EVERY,
        timeout: UPLINK_TIMEOUT,
        ..rules(UPLINK_FAILURES, base)
    }
}

fn draft<'a>(own: Own, section: Option<Section<'a>>, base: &Base) -> Draft<'a> {
    let rules = own.rules;
    let (rules, schedule, about, origin) = if let Some(section) = section {
        tune(section, &rules, base)
    } else {
        (rules, None, About::usual(GROUP, base), None)
    };
    let schedule = schedule.unwrap_or(Schedule::Every(rules.every));
    let check = Check {
        kind: own.kind.into(),
        target: Arc::from(own.target),
        ..check::judged(&own.name, schedule, &rules, &about)
    };
    Draft {
        check,
        probe: own.probe,
        remedy: None,
        origin,
    }
}

type Tuned<'a> = (Rules, Option<Schedule>, About, Option<check::Origin<'a>>);

/// What a section says of a built-in check: everything but what is looked at.
fn tune<'a>(mut section: Section<'a>, rules: &Rules, base: &Base) -> Tuned<'a> {
    for &key in Probe::KEYS {
        if section.entry(key).is_some() {
            let hint = "remove it: what a built-in check looks at is built in";
            section.refuse(key, format!("[{}] cannot have a probe", section.path), hint);
        }
    }
    let rules = rules.with(&mut section);
    let schedule = schedule::read(&mut section, &base.zone);
    let about = About::read(&mut section, GROUP, base);
    let origin = about.origin(&section);
    section.finish();
    (rules, schedule, about, Some(origin))
}
