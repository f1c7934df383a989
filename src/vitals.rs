//! What the parts of the daemon tell of themselves: counters that must move, and figures for pages,
//! metrics and the checks on ourselves. Numbers only, written without locks by whoever owns them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::core::sketch::{self, Sketch};

/// A number that one part writes and anybody reads.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Replaces the number.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Counts up by one.
    pub fn bump(&self) {
        self.add(1);
    }

    /// Counts up.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Counts down.
    pub fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    /// The number.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Replaces it by a duration in microseconds.
    pub fn set_duration(&self, span: Duration) {
        self.set(u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
    }

    /// It as a duration, where it is one.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.value())
    }
}

/// How durations spread: counts in the buckets of [`sketch`], forgetting by half now and then.
pub struct Spread([AtomicU64; 256]);

/// When the counts are halved: figures then tell of the last some ten thousand, not of all times.
const HALVE_AT: u64 = 20_000;

impl Spread {
    /// Counts one.
    pub fn note(&self, span: Duration) {
        let bucket = sketch::bucket(u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
        self.0[usize::from(bucket)].fetch_add(1, Ordering::Relaxed);
        if self.0[usize::from(bucket)].load(Ordering::Relaxed) > HALVE_AT {
            for count in &self.0 {
                count.store(count.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
        }
    }

    /// The duration below which the share `q` (0 to 1) lies, within 5 %; none before the first.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        let sketch = Sketch::of((0u8..=255).zip(counts));
        sketch
            .quantile_us(q)
            .map(|us| Duration::from_secs_f64(us / 1e6))
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl std::fmt::Debug for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Spread(p50 {:?}, p99 {:?})",
            self.quantile(0.5),
            self.quantile(0.99)
        )
    }
}

/// Counters of the loops; each goes up at least once a second while its loop is alive.
#[derive(Debug, Default)]
pub struct Progress {
    pub scheduler: Gauge,
    pub engine: Gauge,
    pub journal: Gauge,
    pub courier: Gauge,
    pub web: Gauge,
}

/// Figures of the daemon. Durations are in microseconds, see [`Gauge::set_duration`].
#[derive(Debug, Default)]
pub struct Vitals {
    pub progress: Progress,
    /// How late the last probe began, without the time in which it waited for others at its own target.
    pub lateness: Gauge,
    /// The worst lateness within the last minute.
    pub lateness_max: Gauge,
    /// How lateness spreads.
    pub lateness_spread: Spread,
    /// How the time spreads in which looks waited for others at their own target.
    pub target_wait_spread: Spread,
    /// Probes under way.
    pub probes_running: Gauge,
    /// Probes ever begun.
    pub probes: Gauge,
    /// Outcomes that were dropped because the engine did not keep up.
    pub outcomes_dropped: Gauge,
    /// How long the last commit took.
    pub commit: Gauge,
    pub commits: Gauge,
    /// Commits that failed since the last one that did not; not zero means: nothing is durable now.
    pub commit_failures: Gauge,
    /// Why the last one failed; nothing when it did not.
    pub commit_error: ArcSwapOption<String>,
    pub journal_bytes: Gauge,
    /// Age of the oldest notification that is due and not delivered, in microseconds.
    pub outbox_age: Gauge,
    pub outbox_waiting: Gauge,
    /// Recipients whom every relay refused to tell within a day, and who have got nothing since.
    pub outbox_refused: Gauge,
    /// Batches that wait for the archive, and how old the oldest is.
    pub archive_waiting: Gauge,
    pub archive_lag: Gauge,
    /// 0 not configured, 1 reachable, 2 not reachable.
    pub archive_state: Gauge,
    pub pings: Gauge,
    pub pings_refused: Gauge,
    /// More than the configuration lets be taken.
    pub pings_limited: Gauge,
    pub connections: Gauge,
    pub requests: Gauge,
    pub watchers: Gauge,
    /// Configurations taken into force, and refused.
    pub reloads: Gauge,
    pub reloads_refused: Gauge,
}
