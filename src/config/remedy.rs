//! `remedy = { … }` of a check or heartbeat: what is done about a failure before people are told of it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::core::check::Check;
use crate::core::remedy::{Limit, Rule, Then};
use crate::probe::Errand;
use crate::remedy::Remedy;
use crate::settings::{Section, units};

const KEY: &str = "remedy";
/// The keys that say what is done.
const ACTS: [&str; 3] = ["run", "restart", "start"];
/// As long as a unit of systemd may take to start by default (`DefaultTimeoutStartSec=`).
const TIMEOUT: Duration = Duration::from_secs(90);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// What a service needs to answer after it says that it has started.
const SETTLE: Duration = Duration::from_secs(10);
const SETTLES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
/// As for restarts of a unit: minutes and hours.
const WITHIN: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(7 * 24);
/// Most failures that can be asked for.
const MAX_AFTER: i64 = 1_000;

/// Gives `check` the rule of a remedy that `section` says; returns how it is done.
pub(super) fn add(section: &mut Section<'_>, check: &mut Check) -> Option<Arc<Remedy>> {
    let (rule, remedy) = read(section, check)?;
    check.remedy = Some(Arc::new(rule));
    Some(Arc::new(remedy))
}

fn read(section: &mut Section<'_>, check: &Check) -> Option<(Rule, Remedy)> {
    if section.has(KEY) {
        section.must_be_ours(KEY);
    }
    let mut section = section.table(KEY)?;
    let remedy = act(&mut section);
    let after = section.integer("after", 1..=MAX_AFTER);
    if check.heartbeat.is_some() && after.is_some_and(|after| after > 1) {
        let hint = "leave it out: a job is overdue once";
        section.refuse("after", "a heartbeat fails once, not in a row", hint);
    }
    let after = after.and_then(|after| u32::try_from(after).ok());
    let limit = limit(&mut section);
    let timeout = section.duration("timeout", TIMEOUTS);
    let settle = section.duration("settle", SETTLES);
    let words = Then::WORDS.map(|(word, _)| word);
    let then = section.choice("then", &words);
    let quiet = section.boolean("quiet");
    section.finish();
    let remedy = remedy?;
    let then = then.and_then(|said| Then::WORDS.into_iter().find(|(word, _)| *word == said));
    let rule = Rule {
        what: remedy.what().into(),
        after: after.unwrap_or(u32::from(check.fail_after.bad)),
        limit: limit.unwrap_or(Limit::DEFAULT),
        timeout: timeout.unwrap_or(TIMEOUT),
        steps: remedy.steps(),
        settle: settle.unwrap_or(SETTLE),
        then: then.map_or(Then::Alert, |(_, then)| then),
        quiet: quiet.unwrap_or(true),
    };
    Some((rule, remedy))
}

/// What is done: exactly one of [`ACTS`].
fn act(section: &mut Section<'_>) -> Option<Remedy> {
    let said: Vec<&str> = ACTS.into_iter().filter(|key| section.has(key)).collect();
    match said.as_slice() {
        [] => {
            let hint = "add restart = \"nginx.service\" or run = [\"/usr/local/bin/fix\"]";
            section.refuse(KEY, "it is not said what the remedy does", hint);
        }
        [_] => {}
        [_, second, ..] => {
            let message = format!("\"{second}\" is a second remedy");
            section.refuse(second, message, "keep one of run, restart, start");
        }
    }
    let mut run = Errand::read(section, "run");
    let restart = section.string("restart").and_then(|unit| {
        let unit = unit_name(section, "restart", &unit)?;
        Some((Errand::unit("stop", &unit), Errand::unit("start", &unit)))
    });
    let has_stop = section.has("stop");
    let (mut stop, mut start) = (
        unit_or_command(section, "stop"),
        unit_or_command(section, "start"),
    );
    if has_stop && !section.has("start") {
        let hint = "say how it is begun again, too: start = …";
        section.refuse("stop", "\"stop\" alone is no remedy", hint);
    }
    Errand::surround(section, run.iter_mut().chain(&mut stop).chain(&mut start));
    let restart = restart.map(|(stop, start)| (Some(stop), start));
    let restart = restart.or_else(|| Some((stop, start?)));
    let restart = restart.map(|(stop, start)| Remedy::Restart {
        stop: stop.map(Box::new),
        start: Box::new(start),
    });
    run.map(Remedy::Run).or(restart).filter(|_| said.len() == 1)
}

/// A text is a unit of systemd, a list a command.
fn unit_or_command(section: &mut Section<'_>, key: &'static str) -> Option<Errand> {
    if !section.is_text(key) {
        return Errand::read(section, key);
    }
    let unit = section.string(key)?;
    if unit.starts_with('/') {
        let hint = format!("a command is a list: {key} = [\"{unit}\"]");
        section.refuse(key, "this is no unit of systemd", hint);
        return None;
    }
    Some(Errand::unit(key, &unit_name(section, key, &unit)?))
}

/// The name of a unit as systemd.unit(5) has it; without a suffix it is a service.
fn unit_name(section: &Section<'_>, key: &str, name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if name.is_empty() || name.len() > 255 || name.starts_with('-') || !name.chars().all(plain) {
        let hint = "write it as systemctl shows it: nginx.service";
        section.refuse(key, format!("\"{name}\" is no unit of systemd"), hint);
        return None;
    }
    let has_suffix = name.contains('.');
    Some(if has_suffix {
        name.to_owned()
    } else {
        format!("{name}.service")
    })
}

/// `"3 per 15m"`.
fn limit(section: &mut Section<'_>) -> Option<Limit> {
    const KEY: &str = "limit";
    let text = section.string(KEY)?;
    let limit = text.split_once(" per ").and_then(|(times, within)| {
        let times = times.trim().parse().ok()?;
        let within = units::duration(within.trim()).ok()?;
        let holds = (1..=Limit::MAX).contains(&times) && WITHIN.contains(&within);
        holds.then_some(Limit { times, within })
    });
    if limit.is_none() {
        let (least, most) = (
            units::write_duration(*WITHIN.start()),
            units::write_duration(*WITHIN.end()),
        );
        let hint = format!(
            "write {KEY} = \"3 per 15m\" (1 to {} times per {least} to {most})",
            Limit::MAX
        );
        section.refuse(KEY, format!("\"{text}\" is no limit"), hint);
    }
    limit
}
