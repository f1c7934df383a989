//! When something is due: a fixed interval, or a calendar with a time zone.

use std::fmt;
use std::time::Duration;

use super::time::{Time, human, zone_name};

mod calendar;

pub use calendar::Calendar;

/// When a check runs or a heartbeat is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    Every(Duration),
    Calendar(Box<Calendar>),
}

impl Schedule {
    /// The first instant after `at` at which this is due; none for a date that never comes.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        match self {
            Self::Every(interval) => Some(at + *interval),
            Self::Calendar(calendar) => calendar.next_after(at),
        }
    }

    /// The interval, or for a calendar the span from the next time to the one after.
    pub fn typical(&self, at: Time) -> Duration {
        match self {
            Self::Every(interval) => *interval,
            Self::Calendar(_) => {
                let first = self.next_after(at);
                let second = first.and_then(|first| self.next_after(first));
                first
                    .zip(second)
                    .map_or(Duration::from_hours(24), |(first, second)| {
                        second.since(first)
                    })
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => write!(f, "every {}", human(*interval).replace(".0 ", " ")),
            Self::Calendar(calendar) => {
                let text = calendar.text.replace('\n', "; ");
                write!(f, "{} {text}", calendar.key())?;
                if calendar.says_zone() {
                    return Ok(());
                }
                write!(f, " ({})", zone_name(&calendar.zone))
            }
        }
    }
}
