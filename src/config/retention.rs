//! `[retention]`: how long the journal keeps what.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::settings::Section;

const DAY: Duration = Duration::from_hours(24);
/// Below an hour there is nothing to look at; a century is for ever.
const SPANS: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(24 * 36_500);
/// Below 16 MiB the journal would be busy forgetting; the upper end is where SQLite's ends are not near.
const SIZES: RangeInclusive<u64> = (16 << 20)..=(1 << 40);

/// How long, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Single outcomes.
    pub outcomes: Duration,
    /// Pings with their bodies.
    pub pings: Duration,
    /// Tallies, turns, incidents and notifications.
    pub history: Duration,
    /// Size of the journal, in bytes, above which the oldest outcomes go before their time.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            outcomes: DAY * 14,
            pings: DAY * 30,
            history: DAY * 400,
            max_bytes: 2 << 30,
        }
    }
}

impl Retention {
    pub(super) fn read(section: Option<Section<'_>>) -> Self {
        let usual = Self::default();
        let Some(mut section) = section else {
            return usual;
        };
        let retention = Self {
            outcomes: section
                .duration("outcomes", SPANS)
                .unwrap_or(usual.outcomes),
            pings: section.duration("pings", SPANS).unwrap_or(usual.pings),
            history: section.duration("history", SPANS).unwrap_or(usual.history),
            max_bytes: section.size("max", SIZES).unwrap_or(usual.max_bytes),
        };
        section.finish();
        retention
    }
}
