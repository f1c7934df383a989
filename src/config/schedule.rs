//! When something is due: `every = "10s"`, or `cron = "0 3 * * *"` in the daemon's time zone.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::rules::INTERVALS;
use crate::core::schedule::{Calendar, Schedule};
use crate::core::time::Time;
use crate::settings::Section;

/// From here the next time of a calendar is sought when it is read: 2026, so that the answer does not
/// depend on the day of the reading. A date that comes at all comes within the eight years without a 29th of February.
pub(super) const ANY_DAY: Time = Time::from_millis(1_767_225_600_000);

/// The schedule that `section` says; none where it says nothing (or nothing that can be understood).
pub(super) fn read(section: &mut Section<'_>, zone: &TimeZone) -> Option<Schedule> {
    let (has_every, has_cron) = (section.has("every"), section.has("cron"));
    let every = section.duration("every", INTERVALS).map(Schedule::Every);
    let cron = calendar(section, "cron", zone);
    if has_every && has_cron {
        section.refuse(
            "cron",
            "\"every\" and \"cron\" are two schedules",
            "keep one of them",
        );
    }
    every.or(cron.map(|calendar| Schedule::Calendar(Box::new(calendar))))
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
