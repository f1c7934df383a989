//! The dates of a calendar, one after the other, by a clock on the wall that may be set.

use std::time::Duration;

use crate::core::schedule::Calendar;
use crate::core::time::Time;

/// Longest sleep towards a date, so that a clock that was set is followed.
pub(super) const NAP: Duration = Duration::from_secs(30);
/// When a date that never comes is asked for again.
const NEVER: Duration = Duration::from_hours(24);

/// A calendar, and its next date.
#[derive(Debug)]
pub(super) struct Dates {
    calendar: Box<Calendar>,
    /// None for a date that never comes.
    next: Option<Time>,
    /// When that was asked for.
    asked: Time,
}

impl Dates {
    /// The dates after `now`.
    pub(super) fn after(calendar: Box<Calendar>, now: Time) -> Self {
        Self {
            next: calendar.next_after(now),
            asked: now,
            calendar,
        }
    }

    /// How long it is until the next date.
    pub(super) fn ahead(&self, now: Time) -> Duration {
        self.next.map_or(NEVER, |next| next.since(now))
    }

    /// The date that has come by `now`, if one has; of several that were skipped, the first stands for all.
    pub(super) fn take(&mut self, now: Time) -> Option<Time> {
        let come = self.next.filter(|next| *next <= now);
        // Asked again when the clock was set back behind the question, too.
        if come.is_some() || self.next.is_none() || now < self.asked {
            (self.next, self.asked) = (self.calendar.next_after(now), now);
        }
        come
    }
}
