//! Which notifications are under way, so that none is twice.
//!
//! The view lags: after an attempt has reported, the next snapshot may still show the notification as due.
//! So it counts as under way until a snapshot came that has seen the report.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::Id;
use tokio::time::Instant;

use crate::core::check::Recipient;
use crate::core::outbox::{Nid, Notification, Phase};
use crate::core::view::View;

/// The notifications under way.
#[derive(Debug, Default)]
pub(super) struct Flights(BTreeMap<Nid, Flight>);

#[derive(Debug)]
struct Flight {
    recipient: Recipient,
    departed: Instant,
    task: Option<Id>,
    /// As it was when it departed.
    phase: Phase,
    attempts: u32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Under,
    /// The engine has taken the report, when the snapshot had this number.
    Reported {
        number: u64,
    },
    /// There is nothing that a snapshot could show; not again before then.
    Resting {
        until: Instant,
    },
}

impl Flights {
    /// How many are under way that departed after `then`.
    pub(super) fn since(&self, then: Instant) -> usize {
        let lately = |flight: &&Flight| flight.stage == Stage::Under && flight.departed > then;
        self.0.values().filter(lately).count()
    }

    /// Notes a departure. False if it, or something for the same recipient, is under way.
    pub(super) fn depart(&mut self, notification: &Arc<Notification>, now: Instant) -> bool {
        let taken = self.0.contains_key(&notification.nid)
            || self
                .0
                .values()
                .any(|flight| flight.recipient == notification.recipient);
        if !taken {
            self.0.insert(
                notification.nid.clone(),
                Flight {
                    recipient: notification.recipient.clone(),
                    departed: now,
                    task: None,
                    phase: notification.phase.clone(),
                    attempts: notification.attempts,
                    stage: Stage::Under,
                },
            );
        }
        !taken
    }

    /// Notes an end: `reported` when the engine has taken the report, at the snapshot `number`; else it
    /// rests until `again`.
    pub(super) fn land(&mut self, nid: &Nid, reported: bool, number: u64, again: Instant) {
        if let Some(flight) = self.0.get_mut(nid) {
            flight.stage = if reported {
                Stage::Reported { number }
            } else {
                Stage::Resting { until: again }
            };
        }
    }

    /// Notes which task carries it.
    pub(super) fn carried_by(&mut self, nid: &Nid, task: Id) {
        if let Some(flight) = self.0.get_mut(nid) {
            flight.task = Some(task);
        }
    }

    /// The task ended without a word: what it carried rests until `again`.
    pub(super) fn lost(&mut self, task: Id, again: Instant) {
        let carried = |flight: &&mut Flight| flight.task == Some(task);
        for flight in self.0.values_mut().filter(carried) {
            flight.stage = Stage::Resting { until: again };
        }
    }

    /// Forgets what the snapshot shows to be settled.
    pub(super) fn settle(&mut self, view: &View, now: Instant) {
        self.0.retain(|nid, flight| match flight.stage {
            Stage::Under => true,
            Stage::Resting { until } => now < until,
            Stage::Reported { number } => {
                view.number <= number && !flight.is_answered(view.engine.outbox.get(nid))
            }
        });
    }
}

impl Flight {
    /// Whether the notification, as a snapshot has it, has got further than when it departed.
    fn is_answered(&self, seen: Option<&Arc<Notification>>) -> bool {
        seen.is_none_or(|seen| {
            let deferred = matches!(seen.phase, Phase::Deferred { .. });
            let moved = seen.attempts != self.attempts || seen.phase != self.phase;
            seen.phase.is_final() || (deferred && moved)
        })
    }
}
