//! Instants as people read them: in their zone, with its name, and in UTC beside it.

use chrono::DateTime;
use chrono_tz::Tz;

use crate::core::time::Time;

/// Writes instants in a time zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar(pub(super) Tz);

impl Calendar {
    fn local(self, at: Time) -> DateTime<Tz> {
        at.utc().with_timezone(&self.0)
    }

    /// `2026-11-23 22:54:07 CET (21:54:07 UTC)`; the date is said twice only where it differs.
    pub(super) fn full(self, at: Time) -> String {
        let (local, utc) = (self.local(at), at.utc());
        if self.0 == Tz::UTC {
            return local.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        }
        let beside = if local.date_naive() == utc.date_naive() {
            "%H:%M:%S UTC"
        } else {
            "%Y-%m-%d %H:%M:%S UTC"
        };
        format!(
            "{} ({})",
            local.format("%Y-%m-%d %H:%M:%S %Z"),
            utc.format(beside)
        )
    }

    /// `2026-11-23 22:54:07 CET`, for lists.
    pub(super) fn short(self, at: Time) -> String {
        self.local(at).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// `2026-11-23`.
    pub(super) fn date(self, at: Time) -> String {
        self.local(at).format("%Y-%m-%d").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_told_in_the_zone_and_in_utc() {
        let night = Time::from_millis(1_795_476_847_000);
        assert_eq!(Calendar(Tz::UTC).full(night), "2026-11-23 23:34:07 UTC");
        assert_eq!(
            Calendar(Tz::Europe__Berlin).full(night),
            "2026-11-24 00:34:07 CET (2026-11-23 23:34:07 UTC)"
        );
        assert_eq!(
            Calendar(Tz::America__New_York).full(night),
            "2026-11-23 18:34:07 EST (23:34:07 UTC)"
        );
    }
}
