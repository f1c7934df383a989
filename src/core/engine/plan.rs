//! A new plan is a difference to the old one: what stays keeps its number, state, streak and incident.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;

use super::{Engine, Watched, index};
use crate::core::check::{Check, CheckId, Roster};
use crate::core::event::Event;
use crate::core::state::{Phase, Reason, State};
use crate::core::time::Time;

impl Engine {
    /// What changes when `roster` comes into force.
    pub(super) fn adopt(&self, now: Time, roster: &Arc<Roster>) -> Vec<Event> {
        let mut events = vec![Event::PlanAdopted {
            at: now,
            checks: roster.checks.len(),
            roster: Arc::clone(roster),
        }];
        let mut next = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        let planned: BTreeSet<&str> = roster
            .checks
            .iter()
            .map(|check| check.name.as_ref())
            .collect();
        for check in &roster.checks {
            let mut known = self.names.get(&check.name).and_then(|&id| self.watched(id));
            if let Some(made) = known.filter(|watched| watched.record.made.is_some()) {
                let (event, stays) = self.yielded(now, made, check, &planned);
                events.extend(event);
                known = known.filter(|_| stays);
            }
            let id = known.map_or(CheckId(next), |watched| watched.id);
            match known {
                None => {
                    next += 1;
                    let (name, kind) = (Arc::clone(&check.name), Arc::clone(&check.kind));
                    events.push(Event::CheckAdded {
                        check: id,
                        name,
                        kind,
                        at: now,
                        planned: Some(Arc::clone(check)),
                    });
                }
                Some(watched) if !watched.active => {
                    events.push(Event::CheckReturned { check: id, at: now });
                }
                Some(_) => {}
            }
            events.extend(self.keyed(id, known, check));
            events.extend(configured(now, id, known, check));
        }
        let gone = self.checks.iter().filter(|w| {
            w.active && w.record.made.is_none() && !planned.contains(w.check.name.as_ref())
        });
        let why = "removed from the configuration";
        events.extend(gone.flat_map(|watched| removed(now, watched, why)));
        events
    }

    /// A heartbeat gets the address that the configuration gives, else keeps its own, else gets a fresh one.
    fn keyed(&self, id: CheckId, known: Option<&Arc<Watched>>, check: &Check) -> Option<Event> {
        let rule = check.heartbeat.as_ref()?;
        let has = known
            .and_then(|watched| watched.record.beat.as_ref())
            .map(|beat| beat.uuid);
        let uuid = rule.uuid.or(has).unwrap_or(rule.fresh);
        // While it was gone another may have had its address.
        let is_heard = has == Some(uuid) && self.beats.get(&uuid) == Some(&id);
        (!is_heard).then_some(Event::BeatKeyed { check: id, uuid })
    }

    /// The check of `roster` for each watched name, and the roster itself.
    pub(super) fn apply_roster(&mut self, roster: &Arc<Roster>) {
        self.roster = Arc::clone(roster);
        for check in &roster.checks {
            let Some(&id) = self.names.get(&check.name) else {
                continue;
            };
            if let Some(slot) = self.checks.get_mut(index(id))
                && slot.check != *check
                && (slot.record.made.is_none() || check.heartbeat.is_some())
            {
                Arc::make_mut(slot).govern(check);
            }
            self.rewake(id);
        }
        self.planned_slugs = OrdMap::new();
        for check in &roster.checks {
            // Those that are new are still to be added.
            if let Some(&id) = self.names.get(&check.name) {
                self.call_by_slug(id, check);
            }
        }
        self.govern_made();
    }
}

impl Engine {
    /// Notes what the configuration calls it in addresses, where that is not its name.
    pub(super) fn call_by_slug(&mut self, id: CheckId, check: &Check) {
        let rule = check.heartbeat.as_ref();
        if let Some(slug) = rule.and_then(|rule| rule.slug.as_ref()) {
            let those = self.planned_slugs.entry(Arc::clone(slug));
            those.or_default().insert(id);
        }
    }
}

impl Watched {
    /// Puts it under new rules. When the next ping is expected follows from them and the last ping.
    pub(super) fn govern(&mut self, check: &Arc<Check>) {
        self.check = Arc::clone(check);
        if let Some(beat) = &mut self.record.beat {
            beat.expect_by(&check.schedule);
        }
    }
}

/// A check without what it needs is paused by the configuration, and goes on as soon as it has it. An open
/// incident is closed without a mail: whoever took away what it needs knows.
fn configured(
    now: Time,
    check: CheckId,
    known: Option<&Arc<Watched>>,
    planned: &Check,
) -> Vec<Event> {
    let from = known.map_or(Phase::New, |watched| watched.phase());
    let by_configuration = known.is_some_and(|w| matches!(w.record.reason, Reason::Configured(_)));
    let turn = |state, why: &str| Event::Turned {
        check,
        at: now,
        from,
        state,
        reason: Reason::Configured(why.to_owned()),
    };
    match &planned.not_configured {
        Some(why) if from != Phase::Paused => {
            let incident = known.and_then(|watched| watched.record.incident.clone());
            let closed = incident.map(|incident| Event::IncidentClosed {
                incident,
                at: now,
                why: format!("paused by the configuration: {why}").into(),
            });
            std::iter::once(turn(State::Paused, why))
                .chain(closed)
                .collect()
        }
        None if from == Phase::Paused && by_configuration => vec![turn(State::NEW, "configured")],
        _ => Vec::new(),
    }
}

/// Its incident ends without a recovery mail: nothing has recovered.
pub(super) fn removed(now: Time, watched: &Watched, why: &str) -> Vec<Event> {
    let closed = watched
        .record
        .incident
        .as_ref()
        .map(|incident| Event::IncidentClosed {
            incident: incident.clone(),
            at: now,
            why: why.into(),
        });
    closed
        .into_iter()
        .chain([Event::CheckRemoved {
            check: watched.id,
            at: now,
        }])
        .collect()
}
