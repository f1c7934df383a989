//! What is decided and not in the journal yet.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::core::check::CheckId;
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::{Nid, Notification};
use crate::core::time::Time;
use crate::journal::{Batch, Committed, Error, Journal};

/// A record that only looks have changed is written when it is this old; at a restart the looks since
/// then are read again.
const SNAPSHOT: Duration = Duration::from_mins(1);
/// Most such records in one batch.
const SNAPSHOTS_PER_BATCH: usize = 256;
/// Events that are kept while the journal cannot be written. Beyond it first looks are forgotten, then the
/// oldest; the state, incidents and mails that they led to are kept apart and are not.
const KEPT: usize = 50_000;
/// How long after a commit that failed the next is tried.
const RETRY: Duration = Duration::from_secs(1);

/// Collects events between commits.
pub(super) struct Pending {
    events: Vec<Event>,
    urgent: bool,
    oldest: Option<Time>,
    /// Checks whose record has to be written with the next batch.
    changed: BTreeSet<CheckId>,
    /// Checks that only looks have changed, with the time of their last snapshot.
    looked: BTreeMap<CheckId, Time>,
    incidents: BTreeMap<IncidentId, Arc<Incident>>,
    notifications: BTreeMap<Nid, Arc<Notification>>,
    started: Time,
    failing_since: Option<Time>,
    retry: Option<Time>,
    /// A new journal was begun: the next batch has to hold everything.
    whole: bool,
    flight: Option<Flight>,
}

/// A batch on its way into the journal. It may be a long one: a disk that hangs answers when it likes.
struct Flight {
    answer: Pin<Box<dyn Future<Output = Result<Committed, Error>> + Send>>,
    /// How many of the pending events are in it: the first ones.
    events: usize,
}

impl Pending {
    pub(super) fn new(now: Time) -> Self {
        Self {
            events: Vec::new(),
            urgent: false,
            oldest: None,
            changed: BTreeSet::new(),
            looked: BTreeMap::new(),
            incidents: BTreeMap::new(),
            notifications: BTreeMap::new(),
            started: now,
            failing_since: None,
            retry: None,
            whole: false,
            flight: None,
        }
    }

    /// Adds an event that was decided at `now` and just applied to `engine`.
    pub(super) fn add(&mut self, now: Time, event: Event, engine: &Engine) {
        self.urgent |= event.is_urgent();
        match (&event, event.check()) {
            (Event::Observed { .. }, Some(check)) => {
                self.looked.entry(check).or_insert(self.started);
            }
            (_, Some(check)) => {
                self.changed.insert(check);
            }
            // Only heartbeats must remember for how long they could not be heard.
            (Event::Deafened { .. }, None) => {
                self.changed.extend(engine.heartbeats().map(|w| w.id));
            }
            (Event::ClockSet { .. }, None) => {
                self.changed.extend(engine.active().map(|w| w.id));
                let waiting = engine.outbox.iter();
                self.notifications
                    .extend(waiting.map(|(nid, n)| (nid.clone(), Arc::clone(n))));
            }
            (_, None) => {}
        }
        if let Some(incident) = event.incident().and_then(|id| engine.incident(id)) {
            self.incidents
                .insert(incident.id.clone(), Arc::clone(incident));
        }
        if let Some(notification) = event
            .notification()
            .and_then(|nid| engine.notification(nid))
        {
            self.notifications
                .insert(notification.nid.clone(), Arc::clone(notification));
        }
        self.oldest.get_or_insert(now);
        self.events.push(event);
        if self.events.len() > KEPT {
            self.forget(|event| !event.is_urgent());
            // By half, so that this is not done again with the next one.
            let flying = self.flying();
            let excess = self.events.len().saturating_sub(flying.max(KEPT / 2));
            self.events.drain(flying..flying + excess);
        }
    }

    /// Drops events. What is under way stays in its place, so that it is known what to take out when it has
    /// arrived.
    fn forget(&mut self, unwanted: impl Fn(&Event) -> bool) {
        let (flying, mut place) = (self.flying(), 0);
        self.events.retain(|event| {
            place += 1;
            place <= flying || !unwanted(event)
        });
    }

    /// How many of the events are under way: the first ones.
    fn flying(&self) -> usize {
        self.flight.as_ref().map_or(0, |flight| flight.events)
    }

    /// Whether there is something that must not wait any longer.
    pub(super) fn is_due(&self, now: Time, company: Duration) -> bool {
        let retrying = self.retry.is_none_or(|at| now >= at);
        let aged = self.oldest.is_some_and(|at| now.since(at) >= company);
        !self.events.is_empty() && retrying && (self.urgent || aged)
    }

    /// When there is something to commit that nobody waits for.
    pub(super) fn due(&self, company: Duration) -> Option<Time> {
        let aged = self.oldest? + company;
        Some(self.retry.map_or(aged, |retry| retry.max(aged)))
    }

    /// Whether the last commit failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }

    /// Everything as one batch, none when there is nothing to write. `all`: with every record that has
    /// changed at all, before an orderly end.
    pub(super) fn batch(
        &self,
        now: Time,
        engine: &Engine,
        archived: bool,
        all: bool,
    ) -> Option<Batch> {
        let nothing = self.events.is_empty() && (!all || self.looked.is_empty());
        if nothing && !self.whole {
            return None;
        }
        if self.whole {
            return Some(self.everything(now, engine, archived));
        }
        let aged = self
            .looked
            .iter()
            .filter(|&(_, &at)| all || now.since(at) >= SNAPSHOT)
            .map(|(&check, _)| check);
        let limit = if all { usize::MAX } else { SNAPSHOTS_PER_BATCH };
        let checks: BTreeSet<CheckId> = aged
            .take(limit)
            .chain(self.changed.iter().copied())
            .collect();
        Some(Batch {
            at: now,
            events: self.events.clone(),
            records: checks
                .into_iter()
                .filter_map(|check| engine.watched(check).cloned())
                .collect(),
            incidents: self.incidents.values().cloned().collect(),
            notifications: self.notifications.values().cloned().collect(),
            archived,
            whole: false,
        })
    }

    /// All that the engine knows, for a journal that was begun anew.
    fn everything(&self, now: Time, engine: &Engine, archived: bool) -> Batch {
        let known = engine.recent.iter().chain(engine.incidents.values());
        Batch {
            at: now,
            events: self.events.clone(),
            records: (0..)
                .map_while(|number| engine.watched(CheckId(number)).cloned())
                .collect(),
            incidents: known.chain(self.incidents.values()).cloned().collect(),
            notifications: engine
                .outbox
                .values()
                .chain(self.notifications.values())
                .cloned()
                .collect(),
            archived,
            whole: true,
        }
    }

    /// A new journal was begun, which has nothing yet.
    pub(super) fn begin_anew(&mut self) {
        self.whole = true;
    }

    /// Whether a batch is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.flight.is_some()
    }

    /// Sends `batch`, which is everything that is pending, on its way.
    pub(super) fn depart(&mut self, journal: &Journal, batch: Batch) {
        let (events, journal) = (batch.events.len(), journal.clone());
        let answer = Box::pin(async move { journal.commit(batch).await });
        self.flight = Some(Flight { answer, events });
    }

    /// Waits for the batch under way until `until`; none when it still is. What has arrived is not pending any
    /// more, what came since is.
    pub(super) async fn land(&mut self, now: Time, until: Instant) -> Option<Result<(), Error>> {
        let flight = self.flight.as_mut()?;
        let answer = timeout_at(until, flight.answer.as_mut()).await.ok()?;
        let events = flight.events;
        self.flight = None;
        Some(answer.map(|_| self.written(now, events)))
    }

    /// The first `events` are durable.
    fn written(&mut self, now: Time, events: usize) {
        let written: Vec<CheckId> = self
            .looked
            .iter()
            .filter(|&(_, &at)| now.since(at) >= SNAPSHOT)
            .map(|(&c, _)| c)
            .take(SNAPSHOTS_PER_BATCH)
            .collect();
        for check in written {
            self.looked.insert(check, now);
        }
        self.events.drain(..events);
        self.whole = false;
        self.urgent = self.events.iter().any(Event::is_urgent);
        if self.events.is_empty() {
            self.oldest = None;
            self.changed.clear();
            self.incidents.clear();
            self.notifications.clear();
        }
    }

    /// Everything is durable. Returns since when it was not possible, if that was the case.
    pub(super) fn committed(&mut self) -> Option<Time> {
        self.retry = None;
        self.failing_since.take()
    }

    /// The last batch could not be written. True when it is news.
    pub(super) fn failed(&mut self, now: Time) -> bool {
        let news = self.failing_since.is_none();
        self.failing_since.get_or_insert(now);
        self.retry = Some(now + RETRY);
        // Whoever sent them was told that they are not recorded, and sends them again.
        self.forget(|event| matches!(event, Event::Pinged { .. }));
        news
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::core::heartbeat::{Ping, Signal};

    #[test]
    fn a_journal_that_is_broken_for_long_costs_bounded_memory() {
        let (engine, now) = (Engine::default(), Time::default());
        let mut pending = Pending::new(now);
        for at in 0..3 * KEPT {
            let check = CheckId(u32::try_from(at).unwrap());
            pending.add(now, Event::FlappingEnded { check, at: now }, &engine);
            assert!(pending.events.len() <= KEPT);
        }
        let newest = pending.events.last().unwrap().check();
        assert_eq!(newest, Some(CheckId(u32::try_from(3 * KEPT - 1).unwrap())));
    }

    #[test]
    fn pings_that_were_refused_are_not_kept() {
        let (engine, now) = (Engine::default(), Time::default());
        let mut pending = Pending::new(now);
        let ping = Ping {
            at: now,
            signal: Signal::Success,
            rid: Some(Uuid::nil()),
            method: "GET".into(),
            remote: "127.0.0.1".into(),
            agent: "curl".into(),
            body: vec![0; 100_000].into(),
            took: None,
            late: Duration::ZERO,
        };
        let check = CheckId(0);
        pending.add(now, Event::Pinged { check, n: 1, ping }, &engine);
        pending.add(now, Event::FlappingBegan { check, at: now }, &engine);
        assert!(pending.failed(now), "it is news");
        assert_eq!(pending.events.len(), 1);
        // The next commit is tried a second later, and nothing wakes the loop before.
        assert!(!pending.is_due(now, Duration::ZERO));
        assert_eq!(pending.due(Duration::ZERO), Some(now + RETRY));
    }
}
