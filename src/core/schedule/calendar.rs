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

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::core::time::Time;

mod words;

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// As it was written.
    pub text: String,
    cron: Cron,
    pub zone: TimeZone,
}

impl Calendar {
    /// Reads an expression of five fields (six, where the first is the second), or a name such as
    /// `@daily`. The error says what is wrong with it.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        let parser = CronParser::builder().year(Year::Disallowed).build();
        let cron = parser.parse(text);
        let cron = cron.map_err(|_| words::wrong(parser, text))?;
        Ok(Self {
            text: text.trim().to_owned(),
            cron,
            zone,
        })
    }

    /// The first instant after `at` at which this is due; none for a date that never comes.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        let at = at.utc();
        let next = if self.is_rhythm() {
            self.next_by_elapsed_time(at)
        } else {
            self.next_by_wall_clock(at)
        };
        next.map(Time::from)
    }

    /// Whether the minute or the hour begins with `*`.
    fn is_rhythm(&self) -> bool {
        self.cron.pattern.minutes.from_wildcard || self.cron.pattern.hours.from_wildcard
    }

    /// Instants of wall times never go back when each is taken where it comes first, or at the shift that
    /// skips it: so the first one that lies ahead is the next.
    fn next_by_wall_clock(&self, at: Timestamp) -> Option<Timestamp> {
        let mut wall = self.wall(at);
        loop {
            wall = self.wall_after(wall)?;
            let (Instants::Once(instant)
            | Instants::Twice(instant, _)
            | Instants::Skipped { shift: instant }) = self.instants(wall)?;
            if instant > at {
                return Some(instant);
            }
        }
    }

    fn next_by_elapsed_time(&self, at: Timestamp) -> Option<Timestamp> {
        let ahead = self.next_that_exists(at);
        let again = self.next_in_repetition(at);
        match (ahead, again) {
            (Some(ahead), Some(again)) => Some(ahead.min(again)),
            (ahead, again) => ahead.or(again),
        }
    }

    /// The next match with a later time on the wall clock.
    fn next_that_exists(&self, at: Timestamp) -> Option<Timestamp> {
        let mut wall = self.wall(at);
        loop {
            wall = self.wall_after(wall)?;
            match self.instants(wall)? {
                Instants::Once(instant) => return Some(instant),
                Instants::Twice(first, _) if first > at => return Some(first),
                Instants::Twice(_, second) => return Some(second),
                Instants::Skipped { shift } => wall = just_before(self.wall(shift))?,
            }
        }
    }

    /// Where `at` lies in a stretch that will come again: the first match of that second time.
    fn next_in_repetition(&self, at: Timestamp) -> Option<Timestamp> {
        let Instants::Twice(_, again) = self.instants(self.wall(at))? else {
            return None;
        };
        if at >= again {
            return None;
        }
        let back = self.shift_between(at, again)?;
        let wall = self.wall_after(just_before(self.wall(back))?)?;
        match self.instants(wall)? {
            Instants::Once(instant) | Instants::Twice(_, instant) => Some(instant),
            Instants::Skipped { .. } => None,
        }
    }

    /// The first second between the two at which the offset is that of `after`.
    fn shift_between(&self, before: Timestamp, after: Timestamp) -> Option<Timestamp> {
        let (mut old, mut new) = (before.as_second(), after.as_second());
        let offset = self.zone.to_offset(after);
        while new - old > 1 {
            let middle = old + (new - old) / 2;
            if self.zone.to_offset(Timestamp::from_second(middle).ok()?) == offset {
                new = middle;
            } else {
                old = middle;
            }
        }
        Timestamp::from_second(new).ok()
    }

    /// What the clock on the wall shows at `at`.
    fn wall(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// When the clock on the wall shows `wall`; none at the end of time.
    fn instants(&self, wall: DateTime) -> Option<Instants> {
        let at = |offset: Offset| offset.to_timestamp(wall).ok();
        Some(match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => Instants::Once(at(offset)?),
            AmbiguousOffset::Fold { before, after } => Instants::Twice(at(before)?, at(after)?),
            // Counted by the offset after the shift it lies before it, and the other way round.
            AmbiguousOffset::Gap { before, after } => Instants::Skipped {
                shift: self.shift_between(at(after)?, at(before)?)?,
            },
        })
    }

    /// The next match after `wall`, on a clock that knows no shifts.
    fn wall_after(&self, wall: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&wall, false).ok()
    }
}

/// When a clock on the wall shows a time.
enum Instants {
    Once(Timestamp),
    /// The clock was set back in between.
    Twice(Timestamp, Timestamp),
    /// Never: the clock was set forward over it at `shift`.
    Skipped {
        shift: Timestamp,
    },
}

/// The second before: a search from there finds `wall` itself too.
fn just_before(wall: DateTime) -> Option<DateTime> {
    wall.checked_sub(Duration::from_secs(1)).ok()
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl Eq for Calendar {}

#[cfg(test)]
mod tests;
