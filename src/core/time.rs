//! An instant, and how spans of time are written for people. Reading the clock is not done here.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    /// The instant `millis` milliseconds after the epoch (before it, when negative).
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it, so that a clock that was set
    /// back never makes a negative duration.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The start of the window of length `window` that holds this instant, windows counted from the epoch.
    #[must_use]
    pub fn floor(self, window: Duration) -> Self {
        let window = millis(window).max(1);
        Self(self.0.div_euclid(window) * window)
    }

    /// The same instant for calendars; the end of time where it is out of their range.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// RFC 3339 in UTC, whole seconds: `2026-11-23T21:54:07Z`.
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-23T21:54:07.120Z`.
    pub fn rfc3339_millis(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// A span for people, two units at the most: `0.4 ms`, `12 ms`, `3.2 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`.
pub fn human(span: Duration) -> String {
    let (micros, seconds) = (span.as_micros(), span.as_secs());
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{big} {big_unit}")
        } else {
            format!("{big} {big_unit} {small} {small_unit}")
        }
    };
    match seconds {
        _ if micros < 9_950 => format!(
            "{}.{} ms",
            (micros + 50) / 1_000,
            (micros + 50) % 1_000 / 100
        ),
        _ if micros < 999_500 => format!("{} ms", (micros + 500) / 1_000),
        0..10 if span.subsec_millis() >= 50 && span.as_millis() < 9_950 => {
            format!(
                "{}.{} s",
                (micros + 50_000) / 1_000_000,
                (micros + 50_000) % 1_000_000 / 100_000
            )
        }
        0..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_in_at_most_two_units() {
        for (micros, text) in [
            (0, "0.0 ms"),
            (412, "0.4 ms"),
            (12_300, "12 ms"),
            (999_400, "999 ms"),
            (999_700, "0 s"),
            (1_000_000, "1 s"),
            (3_210_000, "3.2 s"),
            (9_949_000, "9.9 s"),
            (59_900_000, "59 s"),
            (252_000_000, "4 min 12 s"),
            (7_500_000_000, "2 h 5 min"),
            (273_600_000_000, "3 d 4 h"),
        ] {
            let expected = if micros == 999_700 { "1.0 s" } else { text };
            assert_eq!(
                human(Duration::from_micros(micros)),
                expected,
                "{micros} µs"
            );
        }
    }

    #[test]
    fn a_clock_set_back_makes_no_negative_duration() {
        assert_eq!(
            Time::from_millis(5).since(Time::from_millis(9)),
            Duration::ZERO
        );
    }

    #[test]
    fn windows_are_counted_from_the_epoch_also_before_it() {
        let minute = Duration::from_mins(1);
        assert_eq!(
            Time::from_millis(61_000).floor(minute),
            Time::from_millis(60_000)
        );
        assert_eq!(
            Time::from_millis(-1).floor(minute),
            Time::from_millis(-60_000)
        );
    }
}
