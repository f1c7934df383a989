//! The clock on the wall of a time zone: what it shows when, and when it shows what.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// When a clock on the wall shows a time.
pub(super) enum Instants {
    Once(Timestamp),
    /// The clock was set back in between.
    Twice(Timestamp, Timestamp),
    /// Never: the clock was set forward over it at `shift`.
    Skipped {
        shift: Timestamp,
    },
}

/// The clock.
#[derive(Clone, Copy)]
pub(super) struct Wall<'a>(pub(super) &'a TimeZone);

impl Wall<'_> {
    /// What it shows at `at`.
    pub(super) fn at(self, at: Timestamp) -> DateTime {
        self.0.to_datetime(at)
    }

    /// When it shows `wall`; none at the end of time.
    pub(super) fn instants(self, wall: DateTime) -> Option<Instants> {
        let at = |offset: Offset| offset.to_timestamp(wall).ok();
        Some(match self.0.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => Instants::Once(at(offset)?),
            AmbiguousOffset::Fold { before, after } => Instants::Twice(at(before)?, at(after)?),
            // Counted by the offset after the shift it lies before it, and the other way round.
            AmbiguousOffset::Gap { before, after } => Instants::Skipped {
                shift: self.shift_between(at(after)?, at(before)?)?,
            },
        })
    }

    /// The first second between the two at which the offset is that of `after`.
    pub(super) fn shift_between(self, before: Timestamp, after: Timestamp) -> Option<Timestamp> {
        let (mut old, mut new) = (before.as_second(), after.as_second());
        let offset = self.0.to_offset(after);
        while new - old > 1 {
            let middle = old + (new - old) / 2;
            if self.0.to_offset(Timestamp::from_second(middle).ok()?) == offset {
                new = middle;
            } else {
                old = middle;
            }
        }
        Timestamp::from_second(new).ok()
    }
}

/// The second before: a search from there finds `wall` itself too.
pub(super) fn just_before(wall: DateTime) -> Option<DateTime> {
    wall.checked_sub(Duration::from_secs(1)).ok()
}
