//! Calendars in a time zone, through the shifts of daylight-saving time: cron expressions, and the calendar events of
//! systemd (see [`event`]).
//!
//! croner finds the times of a cron expression on the wall clock; which instants they are is decided here, by the
//! rules of Debian's cron, which tells two kinds of expressions apart:
//!
//! - **Fixed times** (neither the minute nor the hour begins with `*`: `30 2 * * *`, `0 6,18 * * *`) are due
//!   once for each time on the wall clock. A time that a shift skips is due at the shift; several that the
//!   same shift skips are due there once. A time that comes twice is due the first time.
//! - **Wildcards** (`*/5 * * * *`, `0 * * * *`, `*/10 2 * * *`) mean a rhythm, and go by the time that
//!   passes: what a shift skips does not exist, what comes twice is due twice.
//!
//! croner's own rules are not used: to them only one single minute of one single hour is a fixed time, so that
//! `0 2,3 * * *` would lose its run in the night of the shift.

use croner::Cron;
use croner::parser::{CronParser, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::core::time::Time;
use event::Event;
use wall::{Instants, Wall, just_before};

mod event;
mod wall;
mod words;

/// Most calendar events of one calendar, a line each.
const MOST_EVENTS: usize = 16;

/// When something is due by the calendar of a time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// As it was written.
    pub text: String,
    language: Language,
    /// Where the text says no other.
    pub zone: TimeZone,
}

/// What a calendar is written in.
#[derive(Clone, Debug)]
enum Language {
    Cron(Box<Cron>),
    /// The first of them counts each time.
    Events(Vec<Event>),
}

impl Calendar {
    /// Reads a cron expression of five fields (six, where the first is the second), or a name such as
    /// `@daily`. The error says what is wrong with it.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        let parser = CronParser::builder().year(Year::Disallowed).build();
        let cron = parser.parse(text);
        let cron = cron.map_err(|_| words::wrong(parser, text))?;
        Ok(Self {
            text: text.trim().to_owned(),
            language: Language::Cron(Box::new(cron)),
            zone,
        })
    }

    /// Reads calendar events of systemd, one on each line; `find` looks up the zones that they name themselves.
    /// The error says what is wrong with the first that is.
    pub fn on_calendar(
        text: &str,
        zone: TimeZone,
        find: impl Fn(&str) -> Option<TimeZone>,
    ) -> Result<Self, String> {
        let lines: Vec<&str> = text.trim().lines().collect();
        if lines.len() > MOST_EVENTS {
            return Err(format!("these are more than {MOST_EVENTS} events"));
        }
        let read = |line: &&str| Event::read(line, &find);
        let events: Result<Vec<Event>, String> = lines.iter().map(read).collect();
        let events = events?;
        if events.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Self {
            text: text.trim().to_owned(),
            language: Language::Events(events),
            zone,
        })
    }

    /// Reads either, as healthchecks.io tells them apart: five fields on one line are cron.
    pub fn of_either(
        text: &str,
        zone: TimeZone,
        find: impl Fn(&str) -> Option<TimeZone>,
    ) -> Result<Self, String> {
        if text.trim().lines().count() <= 1 && text.split_whitespace().count() == 5 {
            Self::parse(text, zone)
        } else {
            Self::on_calendar(text, zone, find)
        }
    }

    /// The key under which it stands in the configuration.
    pub fn key(&self) -> &'static str {
        match self.language {
            Language::Cron(_) => "cron",
            Language::Events(_) => "on_calendar",
        }
    }

    /// Whether the text itself says in which zone it is, all of it.
    pub(super) fn says_zone(&self) -> bool {
        match &self.language {
            Language::Cron(_) => false,
            Language::Events(events) => events.iter().all(Event::has_zone),
        }
    }

    /// The first instant after `at` at which this is due; none for a date that never comes.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        let at = at.utc();
        let next = match &self.language {
            Language::Cron(cron) => Due {
                cron,
                wall: Wall(&self.zone),
            }
            .next_after(at),
            Language::Events(events) => {
                let next = |event: &Event| event.next_after(at, &self.zone);
                events.iter().filter_map(next).min()
            }
        };
        next.map(Time::from)
    }
}

/// The times of a cron expression as instants.
struct Due<'a> {
    cron: &'a Cron,
    wall: Wall<'a>,
}

impl Due<'_> {
    fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_rhythm() {
            self.next_by_elapsed_time(at)
        } else {
            self.next_by_wall_clock(at)
        }
    }

    /// Whether the minute or the hour begins with `*`.
    fn is_rhythm(&self) -> bool {
        self.cron.pattern.minutes.from_wildcard || self.cron.pattern.hours.from_wildcard
    }

    /// Instants of wall times never go back when each is taken where it comes first, or at the shift that
    /// skips it: so the first one that lies ahead is the next.
    fn next_by_wall_clock(&self, at: Timestamp) -> Option<Timestamp> {
        let mut wall = self.wall.at(at);
        loop {
            wall = self.wall_after(wall)?;
            let (Instants::Once(instant)
            | Instants::Twice(instant, _)
            | Instants::Skipped { shift: instant }) = self.wall.instants(wall)?;
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
        let mut wall = self.wall.at(at);
        loop {
            wall = self.wall_after(wall)?;
            match self.wall.instants(wall)? {
                Instants::Once(instant) => return Some(instant),
                Instants::Twice(first, _) if first > at => return Some(first),
                Instants::Twice(_, second) => return Some(second),
                Instants::Skipped { shift } => wall = just_before(self.wall.at(shift))?,
            }
        }
    }

    /// Where `at` lies in a stretch that will come again: the first match of that second time.
    fn next_in_repetition(&self, at: Timestamp) -> Option<Timestamp> {
        let Instants::Twice(_, again) = self.wall.instants(self.wall.at(at))? else {
            return None;
        };
        if at >= again {
            return None;
        }
        let back = self.wall.shift_between(at, again)?;
        let wall = self.wall_after(just_before(self.wall.at(back))?)?;
        match self.wall.instants(wall)? {
            Instants::Once(instant) | Instants::Twice(_, instant) => Some(instant),
            Instants::Skipped { .. } => None,
        }
    }

    /// The next match after `wall`, on a clock that knows no shifts.
    fn wall_after(&self, wall: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&wall, false).ok()
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key() && self.text == other.text && self.zone == other.zone
    }
}

impl Eq for Calendar {}

#[cfg(test)]
mod tests;
