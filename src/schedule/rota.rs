//! The jobs and the queue of their due times.
//!
//! A job with an interval has a grid of due times that never drifts: the points are spread evenly over the
//! interval among all jobs, and each due time is the next point of the grid.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::Id;
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

use super::Job;
use crate::clock::Clock;
use crate::core::check::CheckId;
use crate::core::schedule::Schedule;
use crate::core::time::Time;

/// Within this the first look at everything happens, unless its interval is shorter.
const FIRST_LOOKS: Duration = Duration::from_secs(5);
/// Longest sleep towards a calendar time, so that a clock that was set is followed.
const CALENDAR_NAP: Duration = Duration::from_secs(30);
/// When a calendar date that never comes is asked for again.
const NEVER: Duration = Duration::from_hours(24);

/// A job with its place in the queue.
pub(super) struct Slot {
    pub(super) job: Job,
    pub(super) due: Instant,
    /// The look that is under way.
    pub(super) running: Option<Id>,
    /// A point of the grid of an interval.
    base: Instant,
    /// The next time of a calendar.
    next: Option<Time>,
    key: Option<delay_queue::Key>,
}

/// All jobs and the queue of their due times.
#[derive(Default)]
pub(super) struct Rota {
    pub(super) slots: BTreeMap<CheckId, Slot>,
    pub(super) queue: DelayQueue<CheckId>,
}

impl Rota {
    /// Takes over a new list of jobs. What is unchanged keeps its due time; what is new gets its first look
    /// within seconds.
    pub(super) fn adopt(&mut self, jobs: &[Job], clock: &Clock) {
        let mut old = std::mem::take(&mut self.slots);
        self.queue.clear();
        let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX).max(1);
        let now = Instant::now();
        for (place, job) in (0u32..).zip(jobs) {
            let known = old.remove(&job.check);
            let running = known.as_ref().and_then(|slot| slot.running);
            let slot = known.filter(|slot| slot.job == *job).unwrap_or_else(|| {
                let (base, due, next) = match &job.schedule {
                    Schedule::Every(interval) => {
                        let first = (*interval).min(FIRST_LOOKS);
                        (
                            now + *interval * place / count,
                            now + first * place / count,
                            None,
                        )
                    }
                    calendar @ Schedule::Calendar(_) => {
                        (now, now + NEVER, calendar.next_after(clock.now()))
                    }
                };
                Slot {
                    job: job.clone(),
                    due,
                    running,
                    base,
                    next,
                    key: None,
                }
            });
            self.slots.insert(job.check, Slot { key: None, ..slot });
            self.queue(job.check, clock);
        }
    }

    /// The slot whose time has come; none when it was only a nap on the way to a calendar time.
    pub(super) fn take_due(&mut self, check: CheckId, clock: &Clock) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(&check)?;
        slot.key = None;
        let waits = matches!(slot.job.schedule, Schedule::Calendar(_))
            && slot.next.is_none_or(|next| clock.now() < next)
            && Instant::now() < slot.due;
        if waits {
            self.queue(check, clock);
            return None;
        }
        self.slots.get_mut(&check)
    }

    /// Moves a slot to its next due time after now.
    pub(super) fn advance(&mut self, check: CheckId, clock: &Clock) {
        let Some(slot) = self.slots.get_mut(&check) else {
            return;
        };
        let now = Instant::now();
        match &slot.job.schedule {
            Schedule::Every(interval) => {
                let interval = (*interval).max(Duration::from_millis(1));
                let behind =
                    now.saturating_duration_since(slot.base).as_nanos() / interval.as_nanos();
                let ahead = if slot.base > now {
                    0
                } else {
                    u32::try_from(behind).unwrap_or(u32::MAX - 1) + 1
                };
                slot.base += interval * ahead;
                slot.due = slot.base;
            }
            calendar @ Schedule::Calendar(_) => {
                slot.next = calendar.next_after(clock.now());
                slot.due = now + NEVER;
            }
        }
        self.queue(check, clock);
    }

    /// Makes a slot due at `soon` if it is not due before.
    pub(super) fn hasten(&mut self, check: CheckId, soon: Instant, clock: &Clock) {
        if let Some(slot) = self.slots.get_mut(&check).filter(|slot| soon < slot.due) {
            slot.due = soon;
            self.queue(check, clock);
        }
    }

    /// The check whose look is this task.
    pub(super) fn running(&self, task: Id) -> Option<CheckId> {
        self.slots
            .iter()
            .find(|(_, slot)| slot.running == Some(task))
            .map(|(&check, _)| check)
    }

    /// Puts a slot into the queue at its due time; on the way to a calendar time, at the next nap.
    fn queue(&mut self, check: CheckId, clock: &Clock) {
        let Some(slot) = self.slots.get_mut(&check) else {
            return;
        };
        if let Some(key) = slot.key.take() {
            self.queue.remove(&key);
        }
        let calendar = slot.next.map(|next| {
            let ahead = next.since(clock.now());
            Instant::now() + ahead.min(CALENDAR_NAP)
        });
        let at = calendar.map_or(slot.due, |at| at.min(slot.due));
        slot.key = Some(self.queue.insert_at(check, at));
    }
}
