//! An instant, and how spans of time are written for people. Reading the clock is not done here.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
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
    pub fn utc(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX)
    }

    /// The same instant as the clocks and calendars of `zone` show it.
    pub fn within(self, zone: &TimeZone) -> Zoned {
        self.utc().to_zoned(zone.clone())
    }

    /// What the clocks of `zone` go by at that instant: `CET`, `CEST`, `-03`. jiff's `%Z` would write it in
    /// capitals, which `ChST` (Guam) is not.
    pub fn abbreviation(self, zone: &TimeZone) -> String {
        let info = zone.to_offset_info(self.utc());
        info.abbreviation().to_owned()
    }

    /// As the clocks of `zone` show it, for people: `2026-11-23 22:54:07 CET`.
    pub fn shown(self, zone: &TimeZone) -> String {
        let local = self.within(zone).strftime("%Y-%m-%d %H:%M:%S");
        format!("{local} {}", self.abbreviation(zone))
    }

    /// RFC 3339 in UTC, whole seconds: `2026-11-23T21:54:07Z`.
    pub fn rfc3339(self) -> String {
        format!("{:.0}", self.utc())
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-23T21:54:07.120Z`.
    pub fn rfc3339_millis(self) -> String {
        format!("{:.3}", self.utc())
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at.as_millisecond())
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

/// The name of a zone in the IANA database. A zone without one is UTC: every other was asked for by its name.
pub fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
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
    use jiff::tz::TimeZoneDatabase;

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
    fn instants_are_written_in_utc() {
        for (millis, seconds, exact) in [
            (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z"),
            (
                1_795_476_847_120,
                "2026-11-23T23:34:07Z",
                "2026-11-23T23:34:07.120Z",
            ),
            (
                1_795_476_847_999,
                "2026-11-23T23:34:07Z",
                "2026-11-23T23:34:07.999Z",
            ),
        ] {
            let at = Time::from_millis(millis);
            assert_eq!(at.rfc3339(), seconds);
            assert_eq!(at.rfc3339_millis(), exact);
            assert_eq!(Time::from(at.utc()), at);
        }
    }

    #[test]
    fn clocks_are_called_what_they_are_called_there() {
        let (winter, summer) = (1_795_476_847_000, 1_784_000_000_000);
        for (zone, millis, name) in [
            ("UTC", winter, "UTC"),
            ("Europe/Berlin", winter, "CET"),
            ("Europe/Berlin", summer, "CEST"),
            ("America/Santiago", winter, "-03"),
            ("Pacific/Guam", winter, "ChST"),
        ] {
            let zone = TimeZoneDatabase::bundled().get(zone);
            let zone = zone.expect("a zone of the IANA database");
            assert_eq!(Time::from_millis(millis).abbreviation(&zone), name);
        }
    }

    #[test]
    fn beyond_the_calendar_is_the_end_of_time() {
        let end = Time::from_millis(i64::MAX);
        assert_eq!(end.utc(), Timestamp::MAX);
        assert_eq!(end.within(&TimeZone::UTC).year(), 9999);
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
