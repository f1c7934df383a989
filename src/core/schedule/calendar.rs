//! Cron expressions in a time zone, through the shifts of daylight-saving time.
//!
//! croner finds the times on the wall clock; which instants they are is decided here, by the rules of
//! Debian's cron, which tells two kinds of expressions apart:
//!
//! - **Fixed times** (neither the minute nor the hour begins with `*`: `30 2 * * *`, `0 6,18 * * *`) are due
//!   once for each time on the wall clock. A time that a shift skips is due at the shift; several that the
//!   same shift skips are due there once. A time that comes twice is due the first time.
//! - **Wildcards** (`*/5 * * * *`, `0 * * * *`, `*/10 2 * * *`) mean a rhythm, and go by the time that
//!   passes: what a shift skips does not exist, what comes twice is due twice.
//!
//! croner's own rules are not used: to them only one single minute of one single hour is a fixed time, so that
//! `0 2,3 * * *` would lose its run in the night of the shift.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{GapInfo, Tz};
use croner::Cron;
use croner::parser::{CronParser, Year};

use crate::core::time::Time;

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// As it was written.
    pub text: String,
    cron: Cron,
    pub zone: Tz,
}

impl Calendar {
    /// Reads an expression of five fields (six, where the first is the second), or a name such as
    /// `@daily`. The error says what is wrong with it.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, String> {
        let parser = CronParser::builder().year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| error.to_string())?;
        Ok(Self {
            text: text.trim().to_owned(),
            cron,
            zone,
        })
    }

    /// The first instant after `at` at which this is due; none for a date that never comes.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        let local = at.utc().with_timezone(&self.zone);
        let next = if self.is_rhythm() {
            self.next_by_elapsed_time(&local)
        } else {
            self.next_by_wall_clock(&local)
        };
        next.map(|next| next.to_utc().into())
    }

    /// Whether the minute or the hour begins with `*`.
    fn is_rhythm(&self) -> bool {
        self.cron.pattern.minutes.from_wildcard || self.cron.pattern.hours.from_wildcard
    }

    /// Instants of wall times never go back when each is taken where it comes first, or at the shift that
    /// skips it: so the first one that lies ahead is the next.
    fn next_by_wall_clock(&self, at: &DateTime<Tz>) -> Option<DateTime<Tz>> {
        let mut wall = at.naive_local();
        loop {
            wall = self.wall_after(wall)?;
            let instant = match self.zone.from_local_datetime(&wall) {
                MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
                    instant
                }
                MappedLocalTime::None => GapInfo::new(&wall, &self.zone)?.end?,
            };
            if instant > *at {
                return Some(instant);
            }
        }
    }

    fn next_by_elapsed_time(&self, at: &DateTime<Tz>) -> Option<DateTime<Tz>> {
        let ahead = self.next_that_exists(at);
        let again = self.next_in_repetition(at);
        match (ahead, again) {
            (Some(ahead), Some(again)) => Some(ahead.min(again)),
            (ahead, again) => ahead.or(again),
        }
    }

    /// The next match with a later time on the wall clock.
    fn next_that_exists(&self, at: &DateTime<Tz>) -> Option<DateTime<Tz>> {
        let mut wall = at.naive_local();
        loop {
            wall = self.wall_after(wall)?;
            match self.zone.from_local_datetime(&wall) {
                MappedLocalTime::Single(instant) => return Some(instant),
                MappedLocalTime::Ambiguous(first, _) if first > *at => return Some(first),
                MappedLocalTime::Ambiguous(_, second) => return Some(second),
                MappedLocalTime::None => {
                    let end = GapInfo::new(&wall, &self.zone)?.end?;
                    wall = end.naive_local() - TimeDelta::seconds(1);
                }
            }
        }
    }

    /// Where `at` lies in a stretch that will come again: the first match of that second time.
    fn next_in_repetition(&self, at: &DateTime<Tz>) -> Option<DateTime<Tz>> {
        let MappedLocalTime::Ambiguous(_, again) = self.zone.from_local_datetime(&at.naive_local())
        else {
            return None;
        };
        if *at >= again {
            return None;
        }
        let back = self.shift_between(at, &again)?;
        let wall = self.wall_after(back.naive_local() - TimeDelta::seconds(1))?;
        self.zone.from_local_datetime(&wall).latest()
    }

    /// The first second between the two at which the offset is that of `after`.
    fn shift_between(&self, before: &DateTime<Tz>, after: &DateTime<Tz>) -> Option<DateTime<Tz>> {
        let (mut old, mut new) = (before.timestamp(), after.timestamp());
        while new - old > 1 {
            let middle = old + (new - old) / 2;
            let instant = self.zone.timestamp_opt(middle, 0).single()?;
            if instant.offset().fix() == after.offset().fix() {
                new = middle;
            } else {
                old = middle;
            }
        }
        self.zone.timestamp_opt(new, 0).single()
    }

    /// The next match after `wall`, on a clock that knows no shifts.
    fn wall_after(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.cron.find_next_occurrence(&wall, false).ok()
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl Eq for Calendar {}

#[cfg(test)]
mod tests;
