//! When which probe runs: one queue of due times, no drift, a bound on what runs at once.
//!
//! Calendar chores of the daemon itself (rollups, backups, the digest) are in [`chores`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::core::check::CheckId;
use crate::core::input::Input;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::schedule::Schedule;
use crate::core::state::Phase;
use crate::core::time::Time;
use crate::core::view::View;
use crate::inbox::Inbox;
use crate::probe::{Env, Probe};
use crate::vitals::Vitals;

pub mod chores;
mod dates;
mod doubts;
mod rota;
mod slots;
mod stillness;
#[cfg(test)]
mod tests;

use doubts::Doubts;
use rota::{Moment, Rota};
use slots::Slots;
use stillness::{NAP, Stillness};

/// The window over which the worst lateness is told.
const MINUTE: Duration = Duration::from_mins(1);

/// A probe and when it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub check: CheckId,
    pub schedule: Schedule,
    pub retry_every: Option<Duration>,
    pub timeout: Duration,
    pub probe: Arc<Probe>,
    /// The check of the uplink that its target is behind.
    pub behind: Option<CheckId>,
}

/// Runs the jobs.
pub struct Scheduler {
    /// Follows the configuration; a job that is the same as before keeps its rhythm.
    pub jobs: watch::Receiver<Arc<Vec<Job>>>,
    /// Checks that somebody wants run now.
    pub now: mpsc::Receiver<CheckId>,
    pub view: watch::Receiver<Arc<View>>,
    pub inbox: Inbox,
    pub env: Arc<Env>,
    pub clock: Clock,
    pub vitals: Arc<Vitals>,
}

/// A look that has ended.
struct Look {
    check: CheckId,
    at: Time,
    began: Instant,
    outcome: Outcome,
    /// How late it began, but for the time in which it waited for others at its own target: that is not our delay.
    late: Duration,
}

/// What is going on.
#[derive(Default)]
struct Work {
    rota: Rota,
    looks: JoinSet<Look>,
    slots: Slots,
    doubts: Doubts,
    worst: Worst,
    stillness: Stillness,
}

impl Scheduler {
    /// Runs until `shutdown`; looks under way are then dropped, and say nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut work = Work::default();
        self.adopt(&mut work);
        loop {
            work.stillness.wake(Instant::now());
            self.vitals.progress.scheduler.bump();
            let Work { rota, looks, .. } = &mut work;
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = self.jobs.changed() => {
                    if changed.is_err() { return }
                    self.adopt(&mut work);
                }
                Some(check) = self.now.recv() => self.begin(&mut work, check, Duration::ZERO),
                Some(expired) = std::future::poll_fn(|cx| rota.queue.poll_expired(cx)), if !rota.queue.is_empty() => {
                    self.due(&mut work, expired.into_inner());
                }
                Some(ended) = looks.join_next(), if !looks.is_empty() => {
                    self.ended(&mut work, ended);
                }
                () = sleep(NAP) => {}
            }
            self.vitals
                .lateness_max
                .set_duration(work.worst.note(Duration::ZERO));
            self.vitals
                .probes_running
                .set(u64::try_from(work.slots.taken()).unwrap_or(u64::MAX));
        }
    }

    /// Takes over the jobs of the plan.
    fn adopt(&mut self, work: &mut Work) {
        let jobs = Arc::clone(&self.jobs.borrow_and_update());
        work.slots.follow(&jobs);
        work.rota.adopt(&jobs, Moment::now(&self.clock));
        let slots = &work.rota.slots;
        for look in work.doubts.orphans(|uplink| slots.contains_key(&uplink)) {
            self.hand_in(&mut work.rota, look);
        }
    }

    /// Begins the look that is due.
    fn due(&self, work: &mut Work, check: CheckId) {
        let now = Moment::now(&self.clock);
        work.stillness.wake(now.steady);
        if let Some(late) = work.rota.take_due(check, now) {
            let late = work.stillness.ours(late, now.steady);
            work.worst.note(late);
            self.begin(work, check, late);
        }
    }

    /// Begins a look, unless the one before is still under way; it waits for its slots on its own.
    fn begin(&self, work: &mut Work, check: CheckId, late: Duration) {
        let slot = work.rota.slots.get_mut(&check);
        let Some(slot) = slot.filter(|slot| slot.running.is_none()) else {
            return;
        };
        work.doubts.asked(check);
        let ticket = work.slots.ticket(&slot.job.probe);
        let (probe, timeout) = (Arc::clone(&slot.job.probe), slot.job.timeout);
        let (env, clock) = (Arc::clone(&self.env), self.clock.clone());
        let vitals = Arc::clone(&self.vitals);
        let task = work.looks.spawn(async move {
            let admitted = ticket.admit().await;
            let (at_target, anywhere) = admitted.waited;
            let late = late + anywhere;
            vitals.lateness.set_duration(late);
            vitals.lateness_spread.note(late);
            vitals.target_wait_spread.note(at_target);
            vitals.probes.bump();
            let (at, began) = (clock.now(), Instant::now());
            let outcome = probe.run(&env, timeout).await;
            drop(admitted);
            Look {
                check,
                at,
                began,
                outcome,
                late,
            }
        });
        slot.running = Some(task.id());
    }

    /// A look has ended: it is handed in, or waits until its uplink was asked.
    fn ended(&self, work: &mut Work, ended: Result<Look, JoinError>) {
        let now = Instant::now();
        work.stillness.wake(now);
        let mut look = ended.unwrap_or_else(|error| Look {
            check: work.rota.running(error.id()).unwrap_or(CheckId(u32::MAX)),
            at: self.clock.now(),
            began: now,
            outcome: Outcome::unknown(
                "the probe crashed; this is a bug in Belfry, please report it",
            ),
            late: Duration::ZERO,
        });
        work.worst.note(work.stillness.ours(look.late, now));
        // What timed out, or seemed slow, may have been as good as ever.
        let is_bad = matches!(look.outcome.verdict, Verdict::Fail | Verdict::Warn);
        if is_bad && work.stillness.has_been_since(look.began) {
            look.outcome = Outcome::unknown("Belfry was stopped or overloaded while it looked");
        }
        let check = look.check;
        if let Some(uplink) = self.doubtful(&work.rota, &look) {
            work.doubts.add(uplink, look);
            self.begin(work, uplink, Duration::ZERO);
            return;
        }
        self.hand_in(&mut work.rota, look);
        for look in work.doubts.answered(check) {
            self.hand_in(&mut work.rota, look);
        }
        if work.doubts.wait_for(check) {
            self.begin(work, check, Duration::ZERO);
        }
    }

    /// The uplink that has to be asked before this look counts: it has failed, and that would be news, and
    /// nothing is known yet of an isolation.
    fn doubtful(&self, rota: &Rota, look: &Look) -> Option<CheckId> {
        if look.outcome.verdict != Verdict::Fail {
            return None;
        }
        let uplink = rota.slots.get(&look.check)?.job.behind;
        let uplink = uplink.filter(|uplink| rota.slots.contains_key(uplink))?;
        let view = self.view.borrow();
        let phase = view.engine.watched(look.check)?.phase();
        let asked = view.engine.watched(uplink)?;
        let settled = phase == Phase::Down || asked.is_failing() || asked.phase() == Phase::Paused;
        (!settled).then_some(uplink)
    }

    /// Hands the outcome in. A failure that is not confirmed yet is looked at again soon.
    fn hand_in(&self, rota: &mut Rota, look: Look) {
        let Look {
            check, at, outcome, ..
        } = look;
        let Some(slot) = rota.slots.get_mut(&check) else {
            return;
        };
        slot.running = None;
        let down = self
            .view
            .borrow()
            .engine
            .watched(check)
            .is_some_and(|w| w.phase() == Phase::Down);
        if let Some(retry) = slot
            .job
            .retry_every
            .filter(|_| outcome.verdict == Verdict::Fail && !down)
        {
            let now = Moment::now(&self.clock);
            rota.hasten(check, now.steady + retry, now);
        }
        if !self.inbox.offer(Input::Outcome { check, at, outcome }) {
            self.vitals.outcomes_dropped.bump();
        }
    }
}

/// The worst lateness of the current and the last minute.
#[derive(Default)]
struct Worst {
    began: Option<Instant>,
    current: Duration,
    last: Duration,
}

impl Worst {
    fn note(&mut self, late: Duration) -> Duration {
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        if now.saturating_duration_since(began) >= MINUTE {
            self.last = std::mem::take(&mut self.current);
            self.began = Some(now);
        }
        self.current = self.current.max(late);
        self.current.max(self.last)
    }
}
