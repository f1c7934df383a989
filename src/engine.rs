//! The loop that owns the engine: inputs are decided, written to the journal in one transaction, and only
//! then answered, shown and acted upon.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Step};
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::input::Input;
use crate::core::time::{Time, human};
use crate::core::view::View;
use crate::inbox::{Answer, Envelope};
use crate::journal::{Error, Journal};
use crate::vitals::Vitals;

mod pending;
mod pulse;
pub mod stationery;
#[cfg(test)]
mod tests;
mod told;

use pending::Pending;
use pulse::Pulse;
use stationery::Stationery;

/// Most inputs that are decided before a commit: what one transaction writes in a few milliseconds.
const BATCH: usize = 1_024;
/// How long looks that change nothing wait for company before they are committed.
const COMPANY: Duration = Duration::from_secs(1);
/// The longest sleep, so that a stop of the whole process is noticed and progress is shown.
const NAP: Duration = Duration::from_millis(500);
/// How long a commit is waited for. Beyond it the disk hangs: waiters are told so and alerts leave from memory,
/// as when the journal cannot be written, while the commit remains under way.
const STALL: Duration = Duration::from_secs(5);

/// What the loop works with.
pub struct EngineLoop {
    pub engine: Engine,
    pub inputs: mpsc::Receiver<Envelope>,
    pub journal: Journal,
    /// How messages are written; follows the configuration.
    pub stationery: watch::Receiver<Arc<Stationery>>,
    /// Whether batches are kept for an archive; follows the configuration.
    pub archived: watch::Receiver<bool>,
    pub view: watch::Sender<Arc<View>>,
    pub clock: Clock,
    pub vitals: Arc<Vitals>,
}

/// Who waits for an answer, and which it is if the commit succeeds.
type Waiter = (oneshot::Sender<Answer>, Answer);

impl EngineLoop {
    /// Runs until `shutdown`, then decides what is still in the queue and writes the last batch.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut pending = Pending::new(self.clock.now());
        let mut envelopes = Vec::with_capacity(BATCH);
        let mut pulse = Pulse::new(self.clock.now(), NAP);
        loop {
            let last = shutdown.is_cancelled();
            let nap = self.next_round(&pending);
            tokio::select! {
                biased;
                _ = self.inputs.recv_many(&mut envelopes, BATCH), if !last => {}
                () = shutdown.cancelled(), if !last => {}
                () = sleep_until(nap), if !last => {}
                else => {}
            }
            while last && envelopes.len() < BATCH {
                let Ok(envelope) = self.inputs.try_recv() else {
                    break;
                };
                envelopes.push(envelope);
            }
            let now = self.round(&mut pending, &mut pulse);
            let more = envelopes.len() == BATCH;
            let mut waiters = Vec::new();
            for Envelope { input, reply } in envelopes.drain(..) {
                let decided = self.take(now, &input, &mut pending);
                let answer = if decided {
                    Answer::Done
                } else {
                    Answer::Nothing
                };
                waiters.extend(reply.map(|reply| (reply, answer)));
            }
            // A ping that is still in the queue came before any deadline that is decided now.
            if !more {
                self.take(now, &Input::Tick, &mut pending);
            }
            if pending.is_due(now, COMPANY) || !waiters.is_empty() || last {
                self.commit(now, &mut pending, &mut pulse, waiters, last)
                    .await;
            }
            pulse.beat(self.clock.now());
            if last && !more {
                return;
            }
        }
    }

    /// What every round begins with: progress, and whether we were deaf since the last one.
    fn round(&mut self, pending: &mut Pending, pulse: &mut Pulse) -> Time {
        self.vitals.progress.engine.bump();
        match self.clock.step() {
            Some(Step::Slept { from, to }) => {
                let slept = human(to.since(from));
                tracing::info!(from = %from, to = %to, "the machine slept for {slept}");
                let reason = format!("the machine slept for {slept}").into();
                self.take(to, &Input::Deaf { from, to, reason }, pending);
                pulse.jump(to);
                return to;
            }
            Some(Step::Set { from, to }) => {
                tracing::warn!(from = %from, to = %to, "the clock was set; deadlines move along");
                self.take(to, &Input::ClockSet { from, to }, pending);
                pulse.jump(to);
                return to;
            }
            None => {}
        }
        let now = self.clock.now();
        pulse.beat(now);
        for (from, to) in pulse.gaps() {
            let gap = to.since(from);
            let reason = format!("stopped or overloaded for {}", human(gap));
            tracing::warn!(gap_ms = gap.as_millis(), "nothing could be heard: {reason}");
            let reason = reason.into();
            self.take(now, &Input::Deaf { from, to, reason }, pending);
        }
        if !pending.is_failing() {
            self.journal.alive(now);
        }
        now
    }

    /// Decides one input and makes it so, in memory. True when something was decided.
    fn take(&mut self, now: Time, input: &Input, pending: &mut Pending) -> bool {
        let events = self.engine.decide(now, input);
        let decided = !events.is_empty();
        for mut event in events {
            if let Event::NotificationQueued { notification } = &mut event {
                let stationery = Arc::clone(&self.stationery.borrow());
                notification.message = stationery.write(&self.engine, notification, now);
            }
            self.engine.apply(&event);
            told::tell(&self.engine, &event);
            pending.add(now, event, &self.engine);
        }
        decided
    }

    /// Makes everything pending durable, then answers and shows it. When the journal cannot be written,
    /// waiters are told so, alerts still go out from memory, and the batch is tried again.
    async fn commit(
        &mut self,
        now: Time,
        pending: &mut Pending,
        pulse: &mut Pulse,
        waiters: Vec<Waiter>,
        last: bool,
    ) {
        let mut written = self.written(now, pending, pulse, last).await;
        if written == Err(Error::Anew) {
            pending.begin_anew();
            written = self.written(now, pending, pulse, last).await;
        }
        match &written {
            Ok(()) => {
                if let Some(since) = pending.committed() {
                    let reason: Arc<str> = "the journal could not be written".into();
                    tracing::info!(
                        deaf_ms = now.since(since).as_millis(),
                        "the journal can be written again"
                    );
                    self.take(
                        now,
                        &Input::Deaf {
                            from: since,
                            to: now,
                            reason,
                        },
                        pending,
                    );
                }
            }
            Err(error) => {
                if pending.failed(now) {
                    tracing::error!("the journal cannot be written: {error}");
                }
            }
        }
        let number = self.view.borrow().number + 1;
        let view = View {
            at: now,
            number,
            engine: self.engine.clone(),
        };
        self.view.send_replace(Arc::new(view));
        for (reply, answer) in waiters {
            // What changed nothing needs no journal: a delivery that must not go on must not now either.
            let answer = match (answer, &written) {
                (Answer::Done, Err(_)) => Answer::NotDurable,
                _ => answer,
            };
            // Whoever waited may have gone; what was decided stands.
            let _gone = reply.send(answer);
        }
    }

    /// The commit itself: waits for the batch that is still under way, if one is, and then for one with what
    /// came since. A batch that the disk does not answer for in time remains under way, so that it is never
    /// written twice.
    async fn written(
        &self,
        now: Time,
        pending: &mut Pending,
        pulse: &mut Pulse,
        last: bool,
    ) -> Result<(), Error> {
        let patience = if pending.is_under_way() { NAP } else { STALL };
        let until = Instant::now() + patience;
        loop {
            let before = pending.is_under_way();
            if !before {
                let archived = *self.archived.borrow();
                let Some(batch) = pending.batch(now, &self.engine, archived, last) else {
                    return Ok(());
                };
                pending.depart(&self.journal, batch);
            }
            match self.landed(now, pending, pulse, until).await {
                Ok(()) if before => {}
                landed => return landed,
            }
        }
    }

    /// Waits for the batch under way, and shows progress meanwhile.
    async fn landed(
        &self,
        now: Time,
        pending: &mut Pending,
        pulse: &mut Pulse,
        until: Instant,
    ) -> Result<(), Error> {
        loop {
            self.vitals.progress.engine.bump();
            pulse.beat(self.clock.now());
            let nap = until.min(Instant::now() + NAP);
            if let Some(landed) = pending.land(now, nap).await {
                return landed;
            }
            if Instant::now() >= until {
                self.vitals.commit_failures.bump();
                let why =
                    "the disk does not answer; what it was given is still under way".to_owned();
                self.vitals.commit_error.store(Some(Arc::new(why.clone())));
                return Err(Error::Broken(why));
            }
        }
    }

    /// When there is something to do without a new input.
    fn next_round(&self, pending: &Pending) -> Instant {
        let now = self.clock.now();
        let wake = self.engine.next_wake().map(|at| at.since(now));
        let company = pending.due(COMPANY).map(|at| at.since(now));
        let nap = [wake, company]
            .into_iter()
            .flatten()
            .min()
            .map_or(NAP, |next| next.min(NAP));
        Instant::now() + nap.max(Duration::from_millis(1))
    }
}
