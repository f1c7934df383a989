//! `[heartbeat.NAME]`: jobs that must report in.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::check::{self, About, Base, Draft};
use super::document::place_of;
use super::rules::{INTERVALS, Rules};
use super::{remedy, schedule};
use crate::core::check::Check;
use crate::core::heartbeat::Rule;
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::settings::Section;

/// The heading of heartbeats that say none.
const GROUP: &str = "Jobs";
/// Longest grace if none is said: a job may be late by as much as its own interval, but not by more than an hour.
const LONGEST_USUAL_GRACE: Duration = Duration::from_hours(1);

/// The UUIDs of the configuration, and where they are written.
pub(super) type Uuids = BTreeMap<Uuid, String>;

/// A heartbeat. It has no probe; one report of failure is enough, and one success ends it.
pub(super) fn read<'a>(
    name: &str,
    mut section: Section<'a>,
    base: &Base,
    uuids: &mut Uuids,
) -> Draft<'a> {
    let has_schedule = section.has("every") || section.has("cron");
    let schedule = schedule::read(&mut section, &base.zone);
    if !has_schedule {
        section.report.at(
            section.source,
            section.span(),
            "it is not said when it must report in",
            Some(format!(
                "add every = \"1d\" or cron = \"0 3 * * *\" to [{}]",
                section.path
            )),
        );
    }
    let schedule = schedule.unwrap_or(Schedule::Every(base.rules.every));
    let grace = section.duration("grace", INTERVALS);
    let usual = || schedule.typical(schedule::ANY_DAY).min(LONGEST_USUAL_GRACE);
    let rule = Rule {
        grace: grace.unwrap_or_else(usual),
        uuid: uuid(&mut section, uuids),
        fresh: Uuid::new_v4(),
    };
    let about = About::read(&mut section, GROUP, base);
    let rules = Rules {
        fail_after: Threshold::in_a_row(1),
        recover_after: 1,
        ..base.rules.clone()
    };
    let mut check = Check {
        kind: "heartbeat".into(),
        target: schedule.to_string().into(),
        retry_every: None,
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

/// The UUID of its address, which no other heartbeat may have.
fn uuid(section: &mut Section<'_>, uuids: &mut Uuids) -> Option<Uuid> {
    let text = section.string("uuid")?;
    let Ok(uuid) = Uuid::try_parse(&text) else {
        let hint = format!("write uuid = \"{}\", or leave it out", Uuid::new_v4());
        section.refuse("uuid", "\"uuid\" is no UUID", hint);
        return None;
    };
    if let Some(other) = uuids.insert(uuid, place_of(section)) {
        let hint = format!("the heartbeat at {other} has it; leave one of them out");
        section.refuse("uuid", "two heartbeats cannot have the same \"uuid\"", hint);
    }
    Some(uuid)
}
