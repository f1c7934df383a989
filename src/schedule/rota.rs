//! The jobs and the queue of their due times.
//!
//! A job with an interval has a grid of due times that never drifts: the points are spread evenly over the
//! interval among all jobs, and each due time is the next point of the grid. A job with a calendar is due at
//! instants of the wall clock. Beside its rhythm a job may be wanted once out of turn, which leaves the rhythm
//! as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::Id;
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

use super::Job;
use super::dates::{Dates, NAP};
use crate::clock::Clock;
use crate::core::check::CheckId;
use crate::core::schedule::Schedule;
use crate::core::time::Time;

#[cfg(test)]
mod tests;

/// Within this the first look at everything happens, unless its interval is shorter or there are more than
/// [`FIRST_RATE`] allows.
const FIRST_LOOKS: Duration = Duration::from_secs(5);
/// Most first looks a second: a third of what two cores can do with the targets on the same machine, so that a start
/// with 100,000 checks is no storm that the first minutes are spent on catching up with.
const FIRST_RATE: u32 = 2_000;

/// Now, on the steady clock that intervals go by and on the one on the wall that calendars go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) steady: Instant,
    pub(super) wall: Time,
}

impl Moment {
    pub(super) fn now(clock: &Clock) -> Self {
        Self {
            steady: Instant::now(),
            wall: clock.now(),
        }
    }
}

/// When a job is due by its schedule.
#[derive(Debug)]
enum Rhythm {
    /// The next point of the grid.
    Interval {
        every: Duration,
        next: Instant,
    },
    Calendar(Dates),
}

/// A job with its place in the queue.
pub(super) struct Slot {
    pub(super) job: Job,
    /// The look that is under way.
    pub(super) running: Option<Id>,
    rhythm: Rhythm,
    /// When a look is wanted out of turn: the first one, and one more after a failure.
    soon: Option<Instant>,
    /// When the queue gives it out: when it is due, or after a nap on the way to a calendar's date.
    wake: Instant,
    key: Option<delay_queue::Key>,
}

/// All jobs and the queue of their due times.
#[derive(Default)]
pub(super) struct Rota {
    pub(super) slots: BTreeMap<CheckId, Slot>,
    pub(super) queue: DelayQueue<CheckId>,
}

impl Rota {
    /// Takes over a new list of jobs. What is unchanged keeps its rhythm; what is new gets its first look
    /// within seconds, or at the first date of its calendar.
    pub(super) fn adopt(&mut self, jobs: &[Job], now: Moment) {
        let mut old = std::mem::take(&mut self.slots);
        self.queue.clear();
        let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX).max(1);
        for (place, job) in (0u32..).zip(jobs) {
            let known = old.remove(&job.check);
            let running = known.as_ref().and_then(|slot| slot.running);
            let slot = known.filter(|slot| slot.job == *job);
            let slot = slot.unwrap_or_else(|| Slot::new(job, running, (place, count), now));
            self.slots.insert(job.check, Slot { key: None, ..slot });
            self.queue(job.check, now);
        }
    }

    /// A slot that the queue has given out: how late its look is, and the slot goes on to its next due time.
    /// None when it was only a nap on the way to a calendar's date.
    pub(super) fn take_due(&mut self, check: CheckId, now: Moment) -> Option<Duration> {
        let slot = self.slots.get_mut(&check)?;
        slot.key = None;
        let late = slot.take(now);
        self.queue(check, now);
        late
    }

    /// Wants a look at `soon`, unless the next one comes before.
    pub(super) fn hasten(&mut self, check: CheckId, soon: Instant, now: Moment) {
        if let Some(slot) = self.slots.get_mut(&check)
            && soon < slot.due(now)
        {
            slot.soon = Some(soon);
            self.queue(check, now);
        }
    }

    /// The check whose look is this task.
    pub(super) fn running(&self, task: Id) -> Option<CheckId> {
        self.slots
            .iter()
            .find(|(_, slot)| slot.running == Some(task))
            .map(|(&check, _)| check)
    }

    /// Puts a slot into the queue at its due time; on the way to a calendar's date, at the next nap.
    fn queue(&mut self, check: CheckId, now: Moment) {
        let Some(slot) = self.slots.get_mut(&check) else {
            return;
        };
        if let Some(key) = slot.key.take() {
            self.queue.remove(&key);
        }
        let due = slot.due(now);
        slot.wake = match slot.rhythm {
            Rhythm::Interval { .. } => due,
            Rhythm::Calendar(_) => due.min(now.steady + NAP),
        };
        slot.key = Some(self.queue.insert_at(check, slot.wake));
    }
}

impl Slot {
    /// A job that was not there before, the one at `place` of `count`.
    fn new(job: &Job, running: Option<Id>, (place, count): (u32, u32), now: Moment) -> Self {
        let (rhythm, soon) = match &job.schedule {
            Schedule::Every(interval) => {
                let every = (*interval).max(Duration::from_millis(1));
                let next = now.steady + every * place / count;
                let first = now.steady + first_window(every, count) * place / count;
                // Where the first looks take the interval, the first point of the grid is the first look.
                let soon = (first < next).then_some(first);
                (Rhythm::Interval { every, next }, soon)
            }
            Schedule::Calendar(calendar) => {
                let dates = Dates::after(calendar.clone(), now.wall);
                (Rhythm::Calendar(dates), None)
            }
        };
        Self {
            job: job.clone(),
            running,
            rhythm,
            soon,
            wake: now.steady,
            key: None,
        }
    }

    /// When the next look is due.
    fn due(&self, now: Moment) -> Instant {
        let turn = match &self.rhythm {
            Rhythm::Interval { next, .. } => *next,
            Rhythm::Calendar(dates) => now.steady + dates.ahead(now.wall),
        };
        self.soon.map_or(turn, |soon| soon.min(turn))
    }

    /// How late the look is that is due now, if one is; what it was due for is then done with.
    fn take(&mut self, now: Moment) -> Option<Duration> {
        let turn = match &mut self.rhythm {
            Rhythm::Interval { every, next } => behind(*next, now.steady).inspect(|late| {
                let points = late.as_nanos() / every.as_nanos() + 1;
                *next += *every * u32::try_from(points).unwrap_or(u32::MAX);
            }),
            // A date that was skipped because the clock was set forward is no delay of ours.
            Rhythm::Calendar(dates) => dates.take(now.wall).map(|date| {
                let asleep = now.steady.saturating_duration_since(self.wake);
                now.wall.since(date).min(asleep)
            }),
        };
        let wanted = self.soon.and_then(|soon| behind(soon, now.steady));
        let late = turn.max(wanted);
        if late.is_some() {
            self.soon = None;
        }
        late
    }
}

/// Over how long the first looks at `count` jobs spread. Where that is most of their interval, they are no sooner
/// than by the grid.
fn first_window(every: Duration, count: u32) -> Duration {
    let needed = Duration::from_secs(1) * count / FIRST_RATE;
    if needed > FIRST_LOOKS && needed > every / 2 {
        every
    } else {
        every.min(FIRST_LOOKS.max(needed))
    }
}

/// How long ago `due` was, if it was.
fn behind(due: Instant, now: Instant) -> Option<Duration> {
    now.checked_duration_since(due)
}
