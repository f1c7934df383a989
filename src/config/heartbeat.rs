//! `[heartbeat.NAME]`: jobs that must report in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::check::{self, About, Base, Draft};
use super::document::Spot;
use super::rules::{self, INTERVALS, Rules};
use super::{accept, remedy, schedule};
use crate::core::check::Check;
use crate::core::heartbeat::{Filter, GROUP, KIND, Rule};
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::settings::Section;

/// Longest grace if none is said: a job may be late by as much as its own interval, but not by more than an hour.
const LONGEST_USUAL_GRACE: Duration = Duration::from_hours(1);

/// Longest list of words, in characters, as at healthchecks.io.
const WORDS_CHARS: usize = 200;
/// Longest slug, in characters, as healthchecks.io stores at most.
const SLUG_CHARS: usize = 100;

/// The UUIDs of the configuration, and where they are written.
pub(super) type Uuids<'a> = BTreeMap<Uuid, Spot<'a>>;

/// A heartbeat. It has no probe. Where nothing else is said, one report of failure is enough, and one missing ping;
/// one success ends it.
pub(super) fn read<'a>(
    name: &str,
    mut section: Section<'a>,
    base: &Base,
    uuids: &mut Uuids<'a>,
) -> Draft<'a> {
    let has_schedule = schedule::KEYS.iter().any(|key| section.has(key));
    let schedule = schedule::read(&mut section, &base.zone);
    if !has_schedule {
        section.report.at(
            section.source,
            section.span(),
            "it is not said when it must report in",
            Some(format!(
                "add every = \"1d\", cron = \"0 3 * * *\" or on_calendar = \"daily\" to [{}]",
                section.path
            )),
        );
    }
    let schedule = schedule.unwrap_or(Schedule::Every(base.rules.every));
    let grace = section.duration("grace", INTERVALS);
    let usual = || schedule.typical(schedule::ANY_DAY).min(LONGEST_USUAL_GRACE);
    let rule = Rule {
        grace: grace.unwrap_or_else(usual),
        missed_after: section
            .integer("missed_after", 1..=i64::from(Threshold::MAX))
            .and_then(|count| u8::try_from(count).ok())
            .unwrap_or(1),
        uuid: uuid(&mut section, uuids),
        fresh: Uuid::new_v4(),
        slug: slug(&mut section),
        manual_resume: section.boolean("manual_resume").unwrap_or_default(),
        filter: filter(&mut section),
    };
    // Jobs report from here, where it is not said that they do from elsewhere.
    let behind = base.isolation.behind(&mut section, None);
    let about = About::read(&mut section, GROUP, base);
    let rules = Rules {
        fail_after: rules::fail_after(&mut section).unwrap_or(Threshold::in_a_row(1)),
        recover_after: 1,
        alert_degraded: section
            .boolean("alert_degraded")
            .unwrap_or(base.rules.alert_degraded),
        ..base.rules.clone()
    };
    let mut check = Check {
        kind: KIND.into(),
        target: schedule.to_string().into(),
        retry_every: None,
        behind,
        heartbeat: Some(rule),
        ..check::judged(name, schedule, &rules, &about)
    };
    let remedy = remedy::add(&mut section, &mut check);
    let origin = Some(about.origin(&section));
    section.finish();
    Draft {
        check,
        probe: None,
        remedy,
        origin,
    }
}

/// Which pings count, and as what; none where nothing is said of it.
fn filter(section: &mut Section<'_>) -> Option<Arc<Filter>> {
    let only_post = match section.string("methods").as_deref() {
        None | Some("") => false,
        Some("POST") => true,
        Some(_) => {
            let hint = "write methods = \"POST\", or leave it out for all";
            section.refuse("methods", "\"methods\" can only be \"POST\"", hint);
            false
        }
    };
    let mut flag = |key| section.boolean(key).unwrap_or_default();
    let (http_body, default_fail) = (flag("filter_http_body"), flag("filter_default_fail"));
    let (subject, body) = (flag("filter_subject"), flag("filter_body"));
    let filter = Filter {
        only_post,
        subject,
        body,
        http_body,
        default_fail,
        start: words(section, "start_kw"),
        success: words(section, "success_kw"),
        failure: words(section, "failure_kw"),
    };
    let all = [&filter.start, &filter.success, &filter.failure];
    let has_words = all.iter().any(|words| !words.is_empty());
    let places = [
        ("filter_http_body", http_body),
        ("filter_subject", subject),
        ("filter_body", body),
    ];
    let place = places.into_iter().find_map(|(key, on)| on.then_some(key));
    if let Some(key) = place
        && !has_words
        && !default_fail
    {
        let hint = "write success_kw = \"done\", failure_kw = \"error\" or start_kw = \"began\"";
        let message = format!("\"{key}\" has no words to look for: no ping would count");
        section.refuse(key, message, hint);
    } else if place.is_none() && (has_words || default_fail) {
        let keys = [
            "start_kw",
            "success_kw",
            "failure_kw",
            "filter_default_fail",
        ];
        let key = keys.into_iter().find(|key| section.has(key));
        let key = key.unwrap_or_default();
        let message = format!("\"{key}\" does nothing by itself");
        let hint = "add filter_http_body = true; for pings by e-mail filter_subject or filter_body";
        section.refuse(key, message, hint);
    }
    (filter != Filter::default()).then(|| Arc::new(filter))
}

/// Words, parted by commas, as healthchecks.io writes them.
fn words(section: &mut Section<'_>, key: &'static str) -> Arc<str> {
    let words = section.string(key).unwrap_or_default();
    if words.chars().count() > WORDS_CHARS {
        let message = format!("\"{key}\" is longer than {WORDS_CHARS} characters");
        section.refuse(key, message, "keep the words that tell most");
    }
    words.into()
}

/// What it is called in addresses with the ping key.
fn slug(section: &mut Section<'_>) -> Option<Arc<str>> {
    let slug = section.string("slug")?;
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    if slug.is_empty() || slug.len() > SLUG_CHARS || !slug.bytes().all(plain) {
        let hint =
            format!("write at most {SLUG_CHARS} small letters, digits, - and _: slug = \"backup\"");
        section.refuse("slug", "\"slug\" cannot stand in an address", hint);
        return None;
    }
    Some(slug.into())
}

/// The UUID of its address, which no other heartbeat may have.
fn uuid<'a>(section: &mut Section<'a>, uuids: &mut Uuids<'a>) -> Option<Uuid> {
    let text = section.string("uuid")?;
    let Ok(uuid) = Uuid::try_parse(&text) else {
        let hint = format!("write uuid = \"{}\", or leave it out", Uuid::new_v4());
        section.refuse("uuid", "\"uuid\" is no UUID", hint);
        return None;
    };
    // RFC 9562 section 5.4: whoever knows the time or the machine must not be able to guess it.
    if uuid.get_version_num() != 4 || accept::is_example(&text) {
        let hint = format!("write uuid = \"{}\", or leave it out", Uuid::new_v4());
        section.refuse("uuid", "\"uuid\" is no random UUID of its own: it can be guessed, or is the example of the manual", hint);
    }
    if let Some(other) = uuids.insert(uuid, Spot::of(section)) {
        let hint = format!("the heartbeat at {other} has it; leave one of them out");
        section.refuse("uuid", "two heartbeats cannot have the same \"uuid\"", hint);
    }
    Some(uuid)
}
