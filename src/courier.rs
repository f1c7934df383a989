//! Delivers what the outbox holds: takes what is due, hands it to a relay, reports how far it came.
//!
//! The courier decides nothing that lasts. What is to be told, when to try again and when to give up are the
//! engine's decisions; it only sees to it that one notification is never under way twice at once, that each
//! recipient hears things in their order, and that a dead relay holds up nobody for long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::channel::relay::Relays;
use crate::clock::Clock;
use crate::core::outbox::Notification;
use crate::core::time::Time;
use crate::core::view::View;
use crate::inbox::Inbox;
use crate::vitals::Vitals;

mod attempt;
mod breaker;
mod flight;
mod refusals;
#[cfg(test)]
mod tests;

use attempt::{Attempt, Landed};
use breaker::Breaker;
use flight::Flights;
use refusals::Refusals;

/// Deliveries begun lately and under way at the same time. Enough that one recipient's slow server does not
/// hold up the others; more would look like a flood to a relay.
const AT_ONCE: usize = 4;
/// The same with those that have been waiting for a reply for longer than a relay should need: they cost a
/// socket each and must not keep others from being told, but not without end either.
const AT_MOST: usize = 32;
/// The longest sleep: the progress counter has to move at least once a second.
const PULSE: Duration = Duration::from_millis(500);
/// How long deliveries under way may go on after the daemon was told to stop: a local relay answers within
/// milliseconds, a distant one within a second or two. Less than the daemon grants its parts (3 s), or it would
/// be cut off in the middle. What it cuts off itself is sent again after the start.
const GRACE: Duration = Duration::from_millis(2_500);

/// How patient the courier is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a relay may take before the next one is tried beside it.
    pub hedge: Duration,
    /// How long a relay that failed for the first time is tried last.
    pub shun: Duration,
    /// How long the engine may take to make a report durable.
    pub report: Duration,
    /// How long to wait before asking a busy engine again.
    pub again: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            // A slow relay may still take it, so this can make a second copy (of the same Message-ID); an
            // alert that is a minute late is worse.
            hedge: Duration::from_mins(1),
            shun: Duration::from_secs(30),
            report: Duration::from_secs(10),
            again: Duration::from_secs(1),
        }
    }
}

/// The task that delivers.
#[derive(Debug)]
pub struct Courier {
    pub inbox: Inbox,
    /// The ways out; a new configuration sends new ones.
    pub relays: watch::Receiver<Arc<Relays>>,
    pub view: watch::Receiver<Arc<View>>,
    pub clock: Clock,
    pub vitals: Arc<Vitals>,
    pub patience: Patience,
}

/// What the loop keeps between two rounds.
#[derive(Debug, Default)]
struct Round {
    flights: Flights,
    breaker: Breaker,
    refusals: Refusals,
    attempts: JoinSet<Landed>,
}

impl Courier {
    /// Delivers until `shutdown`, or until there is no engine any more.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut round = Round::default();
        loop {
            self.vitals.progress.courier.bump();
            let view = Arc::clone(&self.view.borrow_and_update());
            round.flights.settle(&view, Instant::now());
            let pause = self.start_due(&view, &mut round);
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = self.view.changed() => if changed.is_err() { break },
                Some(landed) = round.attempts.join_next() => self.land(landed, &mut round),
                () = sleep(pause) => {}
            }
        }
        self.finish(round).await;
    }

    /// Starts what is due and says how long nothing else will be.
    fn start_due(&self, view: &View, round: &mut Round) -> Duration {
        let (now, start) = (self.clock.now(), Instant::now());
        let mut waiting: Vec<&Arc<Notification>> = view
            .engine
            .outbox
            .values()
            .filter(|notification| !notification.phase.is_final())
            .collect();
        waiting.sort_by(|a, b| (a.created, &a.nid).cmp(&(b.created, &b.nid)));
        self.tell_vitals(&waiting, now);
        round.refusals.read(view);
        let untold = u64::try_from(round.refusals.fresh(now));
        self.vitals.outbox_refused.set(untold.unwrap_or(u64::MAX));
        let mut pause = PULSE;
        for notification in waiting {
            let Some(due) = notification.due() else {
                continue;
            };
            if due > now {
                pause = pause.min(due.since(now).max(Duration::from_millis(1)));
            } else if round.attempts.len() < AT_MOST
                && round.flights.since(start - self.patience.hedge) < AT_ONCE
                && is_free(view, notification)
                && round.flights.depart(notification, start)
            {
                let attempt = self.attempt(notification, &round.breaker);
                let task = round.attempts.spawn(attempt.run()).id();
                round.flights.carried_by(&notification.nid, task);
            }
        }
        pause
    }

    fn attempt(&self, notification: &Arc<Notification>, breaker: &Breaker) -> Attempt {
        let relays = Arc::clone(&self.relays.borrow());
        Attempt {
            notification: Arc::clone(notification),
            order: breaker.order(&relays.list, Instant::now()),
            relays,
            inbox: self.inbox.clone(),
            patience: self.patience,
        }
    }

    fn tell_vitals(&self, waiting: &[&Arc<Notification>], now: Time) {
        let count = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        let oldest = waiting.first().map(|oldest| now.since(oldest.created));
        self.vitals.outbox_waiting.set(count);
        self.vitals
            .outbox_age
            .set_duration(oldest.unwrap_or_default());
    }

    /// Takes in what an attempt came to.
    fn land(&self, landed: Result<Landed, tokio::task::JoinError>, round: &mut Round) {
        match landed {
            Ok(landed) => {
                let shun = self.patience.shun;
                round.breaker.learn(&landed, Instant::now(), shun);
                if let Some(report) = &landed.report {
                    let now = self.clock.now();
                    round.refusals.learn(&landed.recipient, report, now);
                }
                let again = Instant::now() + self.patience.again;
                let number = self.view.borrow().number;
                round
                    .flights
                    .land(&landed.nid, landed.reported, number, again);
            }
            // Only a bug can do that. The notification stays as the journal has it, and is tried again.
            Err(error) => {
                tracing::error!(%error, "a delivery broke off inside");
                let again = Instant::now() + self.patience.again;
                round.flights.lost(error.id(), again);
            }
        }
    }

    /// Lets what is under way come to an end, for a while.
    async fn finish(&self, mut round: Round) {
        let until = Instant::now() + GRACE;
        while let Ok(Some(_)) = timeout_at(until, round.attempts.join_next()).await {
            self.vitals.progress.courier.bump();
        }
        round.attempts.shutdown().await;
    }
}

/// Whether what it has to wait for is done with. A row that is not there any more is.
fn is_free(view: &View, notification: &Notification) -> bool {
    let before = notification.behind.as_ref();
    before
        .and_then(|nid| view.engine.outbox.get(nid))
        .is_none_or(|before| before.phase.is_final())
}
