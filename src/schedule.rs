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
mod rota;

use rota::{Moment, Rota, Slot};

/// Most probes under way at once. Each needs a file descriptor or two; what is due beyond it waits, and
/// its lateness is shown.
const RUNNING: usize = 1_024;
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
    outcome: Outcome,
}

impl Scheduler {
    /// Runs until `shutdown`; looks under way are then dropped, and say nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut rota = Rota::default();
        let mut looks: JoinSet<Look> = JoinSet::new();
        let jobs = Arc::clone(&self.jobs.borrow_and_update());
        rota.adopt(&jobs, Moment::now(&self.clock));
        let mut worst = Worst::default();
        loop {
            self.vitals.progress.scheduler.bump();
            let room = looks.len() < RUNNING;
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = self.jobs.changed() => {
                    if changed.is_err() { return }
                    let jobs = Arc::clone(&self.jobs.borrow_and_update());
                    rota.adopt(&jobs, Moment::now(&self.clock));
                }
                Some(check) = self.now.recv() => {
                    if let Some(slot) = rota.slots.get_mut(&check).filter(|slot| slot.running.is_none()) {
                        self.begin(&mut looks, slot);
                    }
                }
                Some(expired) = std::future::poll_fn(|cx| rota.queue.poll_expired(cx)), if room && !rota.queue.is_empty() => {
                    let late = self.due(&mut rota, expired.into_inner(), &mut looks);
                    self.vitals.lateness.set_duration(late);
                    self.vitals.lateness_spread.note(late);
                    self.vitals.lateness_max.set_duration(worst.note(late));
                }
                Some(ended) = looks.join_next(), if !looks.is_empty() => {
                    self.ended(&mut rota, ended);
                }
                () = sleep(Duration::from_millis(500)) => {
                    self.vitals.lateness_max.set_duration(worst.note(Duration::ZERO));
                }
            }
            self.vitals
                .probes_running
                .set(u64::try_from(looks.len()).unwrap_or(u64::MAX));
        }
    }

    /// Begins the look that is due, unless the one before is still under way. Returns how late it is.
    fn due(&self, rota: &mut Rota, check: CheckId, looks: &mut JoinSet<Look>) -> Duration {
        let Some(late) = rota.take_due(check, Moment::now(&self.clock)) else {
            return Duration::ZERO;
        };
        let slot = rota.slots.get_mut(&check);
        if let Some(slot) = slot.filter(|slot| slot.running.is_none()) {
            self.begin(looks, slot);
        }
        late
    }

    fn begin(&self, looks: &mut JoinSet<Look>, slot: &mut Slot) {
        let (check, timeout, at) = (slot.job.check, slot.job.timeout, self.clock.now());
        let (probe, env) = (Arc::clone(&slot.job.probe), Arc::clone(&self.env));
        let task = looks.spawn(async move {
            Look {
                check,
                at,
                outcome: probe.run(&env, timeout).await,
            }
        });
        slot.running = Some(task.id());
        self.vitals.probes.bump();
    }

    /// Hands the outcome in. A failure that is not confirmed yet is looked at again soon.
    fn ended(&self, rota: &mut Rota, ended: Result<Look, JoinError>) {
        let look = ended.unwrap_or_else(|error| Look {
            check: rota.running(error.id()).unwrap_or(CheckId(u32::MAX)),
            at: self.clock.now(),
            outcome: Outcome::unknown(
                "the probe crashed; this is a bug in Belfry, please report it",
            ),
        });
        let Look { check, at, outcome } = look;
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
