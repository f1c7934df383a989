//! The one place that reads a clock.
//!
//! Time goes on steadily while the process runs, whatever happens to the wall clock: it is the wall
//! time at the start plus what the monotonic clock counted since. When the two drift apart (the clock was set,
//! the machine slept) [`Clock::step`] says by how much, and the engine is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use procfs::{Current, Uptime};
use tokio::time::Instant;

use crate::core::time::Time;

/// Whoever is not awake for longer than this stood still: a client's patience for a ping.
const STOOD_STILL: Duration = Duration::from_secs(2);
/// Differences up to this are the slewing of NTP, and taken over without a word.
const SLEW: Duration = Duration::from_millis(1_500);

/// Why the steady clock was behind or ahead of the wall clock: what was `from` is now `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The machine was suspended in between.
    Slept { from: Time, to: Time },
    /// Somebody set the wall clock.
    Set { from: Time, to: Time },
}

/// Whether it means that we stood still (the process was stopped, or had no processor) when what is awake every `nap`
/// was not for this `gap`.
pub fn stood_still(gap: Duration, nap: Duration) -> bool {
    gap > STOOD_STILL + nap
}

/// A steady clock. Clones go together.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    /// Wall time, in milliseconds, at `started`.
    base: Arc<AtomicI64>,
    /// How long the machine had been up at `started`, suspension included, less what was told as slept since.
    booted: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows the wall time now.
    pub fn start() -> Self {
        let clock = Self {
            started: Instant::now(),
            base: Arc::default(),
            booted: Arc::default(),
        };
        clock.base.store(wall().millis(), Ordering::Relaxed);
        clock
            .booted
            .store(uptime().unwrap_or_default(), Ordering::Relaxed);
        clock
    }

    /// Now.
    pub fn now(&self) -> Time {
        Time::from_millis(self.base.load(Ordering::Relaxed)) + self.started.elapsed()
    }

    /// Follows the wall clock. A difference too large for slewing is returned; where the machine slept and the
    /// clock was set, the sleep comes first and the rest at the next call.
    pub fn step(&self) -> Option<Step> {
        let (from, wall) = (self.now(), wall());
        let apart = wall.since(from).max(from.since(wall));
        let slept = if apart > SLEW {
            self.slept()
        } else {
            Duration::ZERO
        };
        let (to, step) = if slept > SLEW {
            let to = from + slept;
            (to, Some(Step::Slept { from, to }))
        } else {
            let step = (apart > SLEW).then_some(Step::Set { from, to: wall });
            (wall, step)
        };
        self.base
            .fetch_add(to.millis() - from.millis(), Ordering::Relaxed);
        step
    }

    /// How long the machine was suspended since this was last asked: the time since it was started goes on
    /// meanwhile, the monotonic clock does not.
    fn slept(&self) -> Duration {
        let Some(up) = uptime() else {
            return Duration::ZERO;
        };
        let awake = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let slept = up - self.booted.load(Ordering::Relaxed) - awake;
        self.booted.fetch_add(slept, Ordering::Relaxed);
        Duration::from_millis(u64::try_from(slept).unwrap_or_default())
    }
}

/// How long the machine is up, in milliseconds: `CLOCK_BOOTTIME`, which counts suspension (proc(5)).
fn uptime() -> Option<i64> {
    let seconds = Uptime::current().ok()?.uptime_duration();
    i64::try_from(seconds.as_millis()).ok()
}

/// The wall clock as it stands, in nanoseconds since 1970: to be compared with somebody else's, and for nothing
/// that lasts.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the clock"
)]
pub fn wall_nanos() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos();
    i128::try_from(nanos).unwrap_or_default()
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
