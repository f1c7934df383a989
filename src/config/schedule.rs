//! When something is due: `every = "10s"`, `cron = "0 3 * * *"` or `on_calendar = "Mon..Fri 03:00"`, the latter in a time
//! zone of their own (`timezone`) or the daemon's.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::rules::INTERVALS;
use super::{daemon, zone_named};
use crate::core::schedule::{Calendar, Schedule};
use crate::core::time::Time;
use crate::settings::Section;

/// From here the next time of a calendar is sought when it is read: 2026, so that the answer does not
/// depend on the day of the reading. A date that comes at all comes within the eight years without a 29th of February.
pub(super) const ANY_DAY: Time = Time::from_millis(1_767_225_600_000);

/// The keys that say it, of which one is enough.
pub(super) const KEYS: [&str; 3] = ["every", "cron", "on_calendar"];

/// Those of them that go by a clock on the wall, and the key that says which.
const CALENDARS: [&str; 2] = ["cron", "on_calendar"];
const ZONE: &str = "timezone";

/// The schedule that `section` says; none where it says nothing (or nothing that can be understood).
pub(super) fn read(section: &mut Section<'_>, zone: &TimeZone) -> Option<Schedule> {
    let said: Vec<&str> = KEYS.into_iter().filter(|key| section.has(key)).collect();
    let own = daemon::timezone(section);
    if section.has(ZONE) && !said.iter().any(|key| CALENDARS.contains(key)) {
        let message = format!("\"{ZONE}\" without a calendar");
        section.refuse(ZONE, message, "add cron or on_calendar, or remove it");
    }
    let zone = own.as_ref().unwrap_or(zone);
    let every = section.duration("every", INTERVALS).map(Schedule::Every);
    let cron = calendar(section, "cron", zone);
    let events = on_calendar(section, zone);
    if let [first, second, ..] = said[..] {
        section.refuse(
            second,
            format!("\"{first}\" and \"{second}\" are two schedules"),
            "keep one of them",
        );
    }
    let calendar = cron.or(events);
    every.or(calendar.map(|calendar| Schedule::Calendar(Box::new(calendar))))
}

/// Calendar events of systemd, in `zone` where they say no other: one, or a list of which the next one counts.
fn on_calendar(section: &mut Section<'_>, zone: &TimeZone) -> Option<Calendar> {
    const KEY: &str = "on_calendar";
    let events = section.strings(KEY)?;
    let mut lines = Vec::with_capacity(events.len());
    let mut is_sound = true;
    for (event, span) in events {
        // Each by itself, so that what is wrong is shown where it stands.
        match Calendar::on_calendar(&event, zone.clone(), zone_named) {
            Ok(calendar) if calendar.next_after(ANY_DAY).is_some() => lines.push(event),
            Ok(_) => {
                let message = format!("\"{event}\" is a date that never comes");
                section.wrong(
                    &span,
                    message,
                    Some("correct the year, the day or the month".to_owned()),
                );
                is_sound = false;
            }
            Err(error) => {
                let message = format!("\"{event}\" is no calendar event: {error}");
                let hint = "write what OnCalendar= of a timer says: \"Mon..Fri 03:00\", \"*-*-01 04:30 Europe/Berlin\"";
                section.wrong(&span, message, Some(hint.to_owned()));
                is_sound = false;
            }
        }
    }
    let all = lines.join("\n");
    let calendar = is_sound.then(|| Calendar::on_calendar(&all, zone.clone(), zone_named))?;
    calendar
        .inspect_err(|error| {
            let message = format!("\"{KEY}\" says no events: {error}");
            section.refuse(KEY, message, "keep those that matter");
        })
        .ok()
}

/// A cron expression in `zone`.
pub(super) fn calendar(
    section: &mut Section<'_>,
    key: &'static str,
    zone: &TimeZone,
) -> Option<Calendar> {
    let text = section.string(key)?;
    match Calendar::parse(&text, zone.clone()) {
        Ok(calendar) if calendar.next_after(ANY_DAY).is_some() => Some(calendar),
        Ok(_) => {
            let message = format!("\"{text}\" is a date that never comes");
            section.refuse(key, message, "correct the day or the month");
            None
        }
        Err(error) => {
            let hint =
                "write minute, hour, day, month and weekday: \"0 3 * * *\" is every day at three";
            section.refuse(
                key,
                format!("\"{text}\" is no cron expression: {error}"),
                hint,
            );
            None
        }
    }
}

/// The interval while a failure is not confirmed; none where the schedule itself is as fast.
pub(super) fn retry(schedule: &Schedule, retry_every: Duration) -> Option<Duration> {
    match schedule {
        Schedule::Every(interval) => Some(retry_every).filter(|retry| retry < interval),
        Schedule::Calendar(_) => Some(retry_every),
    }
}
