//! The engine as the journal left it.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Record, Watched, index};
use crate::core::check::{Check, CheckId};
use crate::core::event::Event;
use crate::core::incident::Incident;
use crate::core::outbox::Notification;
use crate::core::outcome::Outcome;
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::core::time::Time;
use crate::core::uptime::History;

/// A name that the journal knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub check: CheckId,
    pub name: Arc<str>,
    pub kind: Arc<str>,
    /// Whether the last plan had it.
    pub active: bool,
    /// As of when it is recorded; nothing but its name is known where there is no record.
    pub record: Option<Record>,
    pub history: History,
}

/// All that the engine needs to go on where it was.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// In the order of their numbers, which have no gaps.
    pub definitions: Vec<Definition>,
    /// Outcomes that came after the records, in order of time.
    pub outcomes: Vec<(CheckId, Time, Outcome)>,
    /// The open ones, and the newest closed ones, oldest first.
    pub incidents: Vec<Incident>,
    /// What is not delivered yet, and all of open incidents.
    pub notifications: Vec<Notification>,
}

impl Engine {
    /// The engine as of the last commit. Nothing is judged until the first plan brings the rules.
    pub fn restore(restored: Restored) -> Self {
        let mut engine = Self::default();
        for definition in restored.definitions {
            engine.revive(definition);
        }
        for (check, at, outcome) in restored.outcomes {
            engine.apply(&Event::Observed { check, at, outcome });
        }
        for incident in restored.incidents {
            if incident.closed.is_some() {
                engine.recent.push_back(Arc::new(incident));
                continue;
            }
            if let Some(slot) = engine.checks.get_mut(index(incident.check)) {
                Arc::make_mut(slot).record.incident = Some(incident.id.clone());
            }
            engine
                .incidents
                .insert(incident.id.clone(), Arc::new(incident));
        }
        for notification in restored.notifications {
            engine.enqueue(&notification);
        }
        engine
    }

    fn revive(&mut self, definition: Definition) {
        let Definition {
            check: id,
            name,
            kind,
            active,
            record,
            history,
        } = definition;
        // Of one without a record only the name is known: it begins anew when a plan has it.
        let active = active && record.is_some();
        let record = record.unwrap_or_else(|| Record::new(Time::default()));
        let record = Record {
            incident: None,
            ..record
        };
        // One that is gone may have left its address to another.
        if let Some(beat) = record.beat.as_ref().filter(|_| active) {
            for uuid in beat.addresses() {
                self.beats.insert(uuid, id);
            }
        }
        if record.tried.as_ref().is_some_and(|tried| tried.running) {
            self.remedied.insert(id);
        }
        if let Some(made) = record.made.as_ref().filter(|_| active) {
            self.list_made(id, made);
        }
        self.names.insert(Arc::clone(&name), id);
        let check = Arc::new(placeholder(&name, &kind));
        self.checks.push_back(Arc::new(Watched {
            id,
            check,
            active,
            record,
            history: Arc::new(history),
            wake: None,
        }));
    }
}

/// Stands for the rules of a check until a plan brings them; never judged by.
pub(super) fn placeholder(name: &Arc<str>, kind: &Arc<str>) -> Check {
    Check {
        name: Arc::clone(name),
        group: "".into(),
        kind: Arc::clone(kind),
        target: "".into(),
        schedule: Schedule::Every(Duration::MAX),
        timeout: Duration::ZERO,
        retry_every: None,
        fail_after: Threshold::in_a_row(Threshold::MAX),
        // Looks read back go into the streak and never turn it: the turn is in the record.
        recover_after: u8::MAX,
        flapping: None,
        depends_on: Vec::new(),
        behind: None,
        alert_degraded: false,
        runbook: None,
        recipients: Arc::from([]),
        heartbeat: None,
        remedy: None,
        not_configured: None,
    }
}
