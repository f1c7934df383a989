//! What each event does to the state. No decision is made here.

use std::sync::Arc;

use super::restore::placeholder;
use super::{Engine, FINISHED, RECENT, Record, Watched, index};
use crate::core::check::{Check, CheckId};
use crate::core::event::Event;
use crate::core::heartbeat::Beat;
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::{self, Delivery, Nid, Notification, Phase};
use crate::core::state;
use crate::core::time::Time;

impl Engine {
    /// Makes it so.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of event")]
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::PlanAdopted { roster, .. } => self.apply_roster(roster),
            Event::CheckAdded {
                check,
                name,
                kind,
                at,
                planned,
            } => {
                let rules = planned
                    .clone()
                    .unwrap_or_else(|| Arc::new(placeholder(name, kind)));
                self.add(*check, rules, *at);
            }
            Event::CheckReturned { check, at } => self.on(*check, |w| w.come_back(*at)),
            Event::CheckRemoved { check, .. } => {
                self.forget_made(*check);
                self.on(*check, |w| w.active = false);
            }
            Event::BeatKeyed { check, uuid } => self.key(*check, *uuid),
            Event::BeatRotated {
                check,
                at,
                uuid,
                until,
                ..
            } => self.apply_rotation(*check, *uuid, *at, *until),
            Event::BeatUnheard { check, at } => self.forget_former(*check, *at),
            Event::BeatMade {
                check,
                at,
                name,
                uuid,
                made,
            } => self.add_made(*check, *at, (name, made), *uuid),
            Event::BeatChanged {
                check, name, made, ..
            } => self.change_made(*check, name, made),
            Event::BeatTakenOver { check, .. } => self.forget_made(*check),
            Event::Observed { check, at, outcome } => self.on(*check, |w| w.observe(*at, outcome)),
            Event::Pinged { check, ping, .. } => self.on(*check, |w| w.hear(ping)),
            Event::Lapsed {
                check,
                at,
                what,
                next,
            } => self.on(*check, |w| w.lapse(*what, *at, *next)),
            Event::Turned {
                check,
                at,
                from,
                state,
                reason,
            } => self.on(*check, |w| {
                w.turn(*at, *from, *state);
                w.record.reason = reason.clone();
            }),
            Event::FlappingBegan { check, .. } => self.on(*check, |w| w.record.flapping = true),
            Event::FlappingEnded { check, .. } => self.on(*check, |w| w.record.flapping = false),
            Event::Remedy { check, at, step } => self.on(*check, |w| w.treat(*at, step)),
            Event::Tallied { check, tally } => self.on(*check, |w| w.close_window(tally)),
            Event::IncidentOpened { incident } => self.open_incident(incident),
            Event::IncidentWorsened {
                incident,
                at,
                reason,
                evidence,
            } => self.on_incident(incident, |i| {
                i.worst = state::Phase::Down;
                i.reason = Arc::clone(reason);
                i.evidence = Arc::clone(evidence);
                i.note(*at, format!("{reason}: down"));
            }),
            Event::IncidentAcknowledged {
                incident,
                acknowledgement,
            } => self.on_incident(incident, |i| i.acknowledge(acknowledgement)),
            Event::IncidentClosed { incident, at, why } => self.close_incident(incident, *at, why),
            Event::IncidentNoted { incident, at, text } => {
                self.on_incident(incident, |i| i.note(*at, Arc::clone(text)));
            }
            Event::NotificationQueued { notification } => self.enqueue(notification),
            Event::NotificationMoved { nid, at, delivery } => {
                self.move_notification(nid, *at, delivery);
            }
            Event::NotificationSuperseded { nid, by, .. } => {
                if let Some(slot) = self.outbox.get_mut(nid) {
                    Arc::make_mut(slot).phase = Phase::Superseded { by: by.clone() };
                }
            }
            Event::Deafened {
                from,
                to,
                behind: None,
                ..
            } => self.on_all(|w| w.deafen(*from, *to)),
            Event::Deafened {
                from,
                to,
                behind: Some(uplink),
                ..
            } => {
                for beat in self.beats_behind(uplink) {
                    self.on(beat, |w| w.deafen(*from, *to));
                }
            }
            Event::ClockSet { from, to } => self.shift(*from, *to),
        }
    }

    pub(super) fn add(&mut self, id: CheckId, check: Arc<Check>, at: Time) {
        self.names.insert(Arc::clone(&check.name), id);
        self.call_by_slug(id, &check);
        let (record, history) = (Record::new(at), Arc::default());
        self.checks.push_back(Arc::new(Watched {
            id,
            check,
            active: true,
            record,
            history,
            wake: None,
        }));
        self.rewake(id);
    }

    pub(super) fn key(&mut self, check: CheckId, uuid: uuid::Uuid) {
        if let Some(beat) = self.watched(check).and_then(|w| w.record.beat.as_ref()) {
            let old = beat.uuid;
            // It may be another's by now, when the configuration swaps two.
            if self.beats.get(&old) == Some(&check) {
                self.beats.remove(&old);
            }
        }
        self.beats.insert(uuid, check);
        self.on(check, |w| match &mut w.record.beat {
            Some(beat) => {
                beat.uuid = uuid;
                beat.former.retain(|former| former.uuid != uuid);
            }
            none => *none = Some(Beat::new(uuid)),
        });
    }

    /// The clock was set: every time that something is measured from moves along, of checks and of mails.
    fn shift(&mut self, from: Time, to: Time) {
        let moved = |at: Time| at + to.since(from) - from.since(to);
        self.on_all(|w| w.shift(moved));
        let waiting: Vec<Nid> = self.outbox.keys().cloned().collect();
        for nid in waiting {
            if let Some(slot) = self.outbox.get_mut(&nid) {
                Arc::make_mut(slot).shift(moved);
            }
        }
    }

    /// Changes one check and keeps its wake true.
    pub(super) fn on(&mut self, check: CheckId, change: impl FnOnce(&mut Watched)) {
        if let Some(slot) = self.checks.get_mut(index(check)) {
            change(Arc::make_mut(slot));
            self.rewake(check);
        }
    }

    fn on_all(&mut self, change: impl Fn(&mut Watched)) {
        for number in 0..self.checks.len() {
            if self.checks.get(number).is_some_and(|w| w.active) {
                self.on(CheckId(u32::try_from(number).unwrap_or(u32::MAX)), &change);
            }
        }
    }

    /// Puts the check where it belongs in the list of wakes, and among those that are held.
    pub(super) fn rewake(&mut self, check: CheckId) {
        let Some(watched) = self.checks.get(index(check)) else {
            return;
        };
        match (watched.is_held(), self.held.contains(&check)) {
            (true, false) => drop(self.held.insert(check)),
            (false, true) => drop(self.held.remove(&check)),
            (true, true) | (false, false) => {}
        }
        match (watched.is_remedied(), self.remedied.contains(&check)) {
            (true, false) => drop(self.remedied.insert(check)),
            (false, true) => drop(self.remedied.remove(&check)),
            (true, true) | (false, false) => {}
        }
        let is_lost = watched.is_lost();
        let uplink =
            (is_lost != self.lost.contains(&check)).then(|| Arc::clone(&watched.check.name));
        let (old, new) = (watched.wake, watched.next_wake(self.is_deaf_to(watched)));
        if let Some(uplink) = uplink {
            if is_lost {
                self.lost.insert(check);
            } else {
                self.lost.remove(&check);
            }
            for beat in self.beats_behind(&uplink) {
                self.rewake(beat);
            }
        }
        if old == new {
            return;
        }
        if let Some(at) = old {
            self.wakes.remove(&(at, check));
        }
        if let Some(at) = new {
            self.wakes.insert((at, check));
        }
        if let Some(slot) = self.checks.get_mut(index(check)) {
            Arc::make_mut(slot).wake = new;
        }
    }

    fn open_incident(&mut self, incident: &Incident) {
        self.on(incident.check, |w| {
            w.record.incident = Some(incident.id.clone());
            w.record.incidents += 1;
        });
        self.incidents
            .insert(incident.id.clone(), Arc::new(incident.clone()));
    }

    fn on_incident(&mut self, id: &IncidentId, change: impl FnOnce(&mut Incident)) {
        let closed = self.recent.iter().position(|incident| incident.id == *id);
        let slot = match closed {
            None => self.incidents.get_mut(id),
            Some(place) => self.recent.get_mut(place),
        };
        if let Some(slot) = slot {
            change(Arc::make_mut(slot));
        }
    }

    fn close_incident(&mut self, id: &IncidentId, at: Time, why: &str) {
        let Some(mut incident) = self.incidents.remove(id) else {
            return;
        };
        let closed = Arc::make_mut(&mut incident);
        closed.closed = Some(at);
        closed.note(at, format!("closed: {why}"));
        self.on(incident.check, |w| w.record.incident = None);
        self.recent.push_back(incident);
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.sweep(id);
    }

    pub(super) fn enqueue(&mut self, notification: &Notification) {
        let nid = notification.nid.clone();
        if let Some(id) = &notification.incident {
            self.threads.insert((id.clone(), nid.clone()));
        }
        self.outbox.insert(nid, Arc::new(notification.clone()));
    }

    fn move_notification(&mut self, nid: &Nid, at: Time, delivery: &Delivery) {
        let Some(slot) = self.outbox.get_mut(nid) else {
            return;
        };
        let moved = Arc::make_mut(slot);
        advance(moved, at, delivery);
        match moved.incident.clone() {
            Some(id) => self.sweep(&id),
            None if moved.phase.is_final() => self.finish(nid),
            None => {}
        }
    }

    /// Forgets what is final of an incident that is closed; the journal has it.
    fn sweep(&mut self, id: &IncidentId) {
        if self.incidents.contains_key(id) {
            return;
        }
        let done = self.thread(id).filter(|n| n.phase.is_final());
        let gone: Vec<Nid> = done.map(|n| n.nid.clone()).collect();
        for nid in gone {
            self.finish(&nid);
        }
    }

    fn finish(&mut self, nid: &Nid) {
        let Some(mut notification) = self.outbox.remove(nid) else {
            return;
        };
        if let Some(id) = &notification.incident {
            self.threads.remove(&(id.clone(), nid.clone()));
        }
        Arc::make_mut(&mut notification).message = Arc::from([]);
        self.finished.push_back(notification);
        while self.finished.len() > FINISHED {
            self.finished.pop_front();
        }
    }
}

/// Takes a notification to the phase that was reported.
fn advance(moved: &mut Notification, at: Time, delivery: &Delivery) {
    if matches!(moved.phase, Phase::Sending { .. }) && matches!(delivery, Delivery::Sending { .. })
    {
        moved.ambiguous += 1;
    }
    moved.phase = match delivery {
        Delivery::Sending { relay } => Phase::Sending {
            relay: Arc::clone(relay),
        },
        Delivery::Accepted { relay, reply } => Phase::Accepted {
            relay: Arc::clone(relay),
            reply: Arc::clone(reply),
            at,
        },
        Delivery::Deferred { reply } => {
            moved.attempts += 1;
            Phase::Deferred {
                reply: Arc::clone(reply),
                next: at + outbox::backoff(moved.attempts, &moved.nid),
            }
        }
        Delivery::Refused { reply } => Phase::Refused {
            reply: Arc::clone(reply),
            at,
        },
    };
}
