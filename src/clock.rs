//! The one place that reads a clock.
//!
//! Time goes on steadily while the process runs, whatever happens to the wall clock: it is the wall
//! time at the start plus what the monotonic clock counted since. When the two drift apart (the clock was set,
//! the machine slept) [`Clock::step`] says by how much, and the engine is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::core::time::Time;

/// Differences up to this are the slewing of NTP, and taken over without a word.
const SLEW: Duration = Duration::from_millis(1_500);

/// A steady clock. Clones go together.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    /// Wall time, in milliseconds, at `started`.
    base: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows the wall time now.
    pub fn start() -> Self {
        let clock = Self {
            started: Instant::now(),
            base: Arc::default(),
        };
        clock.base.store(wall().millis(), Ordering::Relaxed);
        clock
    }

    /// Now.
    pub fn now(&self) -> Time {
        Time::from_millis(self.base.load(Ordering::Relaxed)) + self.started.elapsed()
    }

    /// Follows the wall clock. A difference too large for slewing is returned: what was the first is now
    /// the second.
    pub fn step(&self) -> Option<(Time, Time)> {
        let (steady, wall) = (self.now(), wall());
        self.base
            .fetch_add(wall.millis() - steady.millis(), Ordering::Relaxed);
        let apart = wall.since(steady).max(steady.since(wall));
        (apart > SLEW).then_some((steady, wall))
    }
}

/// The wall clock. A clock before 1970 reads as 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn wall() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::default() + since
}
