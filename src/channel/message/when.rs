//! Instants as people read them: in their zone, with its name, and in UTC beside it.

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::core::time::Time;

/// Writes instants in a time zone.
#[derive(Clone, Debug)]
pub(super) struct Calendar(pub(super) TimeZone);

impl Calendar {
    fn local(&self, at: Time) -> Zoned {
        at.within(&self.0)
    }

    /// `2026-11-23 22:54:07 CET (21:54:07 UTC)`; the date is said twice only where it differs.
    pub(super) fn full(&self, at: Time) -> String {
        let (local, utc) = (self.local(at), at.within(&TimeZone::UTC));
        if self.0 == TimeZone::UTC {
            return local.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        }
        let beside = if local.date() == utc.date() {
            "%H:%M:%S UTC"
        } else {
            "%Y-%m-%d %H:%M:%S UTC"
        };
        format!("{} ({})", self.short(at), utc.strftime(beside))
    }

    /// `2026-11-23 22:54:07 CET`, for lists.
    pub(super) fn short(&self, at: Time) -> String {
        at.shown(&self.0)
    }

    /// `2026-11-23`.
    pub(super) fn date(&self, at: Time) -> String {
        self.local(at).strftime("%Y-%m-%d").to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;

    use super::*;

    #[test]
    fn an_instant_is_told_in_the_zone_and_in_utc() {
        let zone = |name| {
            let zone = TimeZoneDatabase::bundled().get(name);
            Calendar(zone.expect("a zone of the IANA database"))
        };
        let night = Time::from_millis(1_795_476_847_000);
        assert_eq!(
            Calendar(TimeZone::UTC).full(night),
            "2026-11-23 23:34:07 UTC"
        );
        assert_eq!(
            zone("Europe/Berlin").full(night),
            "2026-11-24 00:34:07 CET (2026-11-23 23:34:07 UTC)"
        );
        assert_eq!(
            zone("America/New_York").full(night),
            "2026-11-23 18:34:07 EST (23:34:07 UTC)"
        );
    }
}
