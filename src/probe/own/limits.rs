//! Levels of figures about ourselves.

use std::time::Duration;

use crate::core::outcome::Verdict;
use crate::core::time::human;

/// From which figure on a part is warned of, and from which on it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub warn: u64,
    /// None: it is never more than a warning.
    pub fail: Option<u64>,
}

/// Levels in microseconds, as the gauges count.
pub(super) const fn spans(warn: Duration, fail: Option<Duration>) -> Limits {
    // What is written with it is far below where this would wrap.
    const fn micros(span: Duration) -> u64 {
        span.as_secs() * 1_000_000 + span.subsec_micros() as u64
    }
    Limits {
        warn: micros(warn),
        fail: match fail {
            Some(fail) => Some(micros(fail)),
            None => None,
        },
    }
}

impl Limits {
    /// What `value` is worth.
    pub(super) fn judge(self, value: u64) -> Verdict {
        if self.fail.is_some_and(|fail| value >= fail) {
            Verdict::Fail
        } else if value >= self.warn {
            Verdict::Warn
        } else {
            Verdict::Pass
        }
    }

    /// The level that makes `verdict` of a value, for people, with a blank before it; nothing where none does.
    pub(super) fn reached(self, verdict: Verdict, show: fn(u64) -> String) -> String {
        let level = match verdict {
            Verdict::Warn => Some(self.warn),
            Verdict::Fail => self.fail,
            Verdict::Pass | Verdict::Unknown => None,
        };
        level.map_or_else(String::new, |level| {
            format!(" ({} at {})", verdict.word(), show(level))
        })
    }
}

/// A figure in microseconds.
pub(super) fn span(micros: u64) -> String {
    human(Duration::from_micros(micros))
}
