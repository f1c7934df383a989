//! The state of everything that is watched, and the two functions that run it:
//! [`Engine::decide`] reads the state and says what happens, [`Engine::apply`] makes it so.
//!
//! All collections share structure, so that a clone is a snapshot that costs next to nothing.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};
use uuid::Uuid;

use super::check::{CheckId, Roster};
use super::event::Event;
use super::heartbeat::made::MOST;
use super::incident::{Incident, IncidentId};
use super::input::Input;
use super::outbox::{Kind, Nid, Notification};
use super::time::Time;

mod apply;
mod change;
mod heal;
mod isolate;
mod judge;
mod make;
mod operate;
mod plan;
mod restore;
mod rotate;
mod tick;
mod watched;

pub use make::Slug;
pub use restore::{Definition, Restored};
pub use watched::{Last, Record, SPARK, Watched};

/// Closed incidents that are kept at hand for pages.
pub const RECENT: usize = 50;

/// Delivered notifications that are kept at hand until they are written.
const FINISHED: usize = 16;

/// The state of everything. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    pub roster: Arc<Roster>,
    /// By number; a number is never reused, so a name that is gone keeps its place.
    checks: Vector<Arc<Watched>>,
    names: OrdMap<Arc<str>, CheckId>,
    beats: OrdMap<Uuid, CheckId>,
    /// The heartbeats that were made while running, and by their slugs.
    made: OrdSet<CheckId>,
    slugs: OrdMap<Arc<str>, OrdSet<CheckId>>,
    /// The heartbeats of the configuration that are called otherwise in addresses than by their names.
    planned_slugs: OrdMap<Arc<str>, OrdSet<CheckId>>,
    /// When which check has to be looked at without anything new: a deadline, the end of a window.
    wakes: OrdSet<(Time, CheckId)>,
    /// The open ones.
    pub incidents: OrdMap<IncidentId, Arc<Incident>>,
    /// The last closed ones, oldest first.
    pub recent: Vector<Arc<Incident>>,
    /// What is not delivered yet, and everything about open incidents.
    pub outbox: OrdMap<Nid, Arc<Notification>>,
    /// The outbox by incident.
    threads: OrdSet<(IncidentId, Nid)>,
    /// Checks in trouble without an incident: a parent holds their alert, see `depend`, or a remedy, see `heal`.
    held: OrdSet<CheckId>,
    /// Uplinks that are gone, or seem to be, see `isolate`.
    lost: OrdSet<CheckId>,
    /// Checks for which a remedy is under way.
    remedied: OrdSet<CheckId>,
    /// The last ones that left the outbox, without their messages.
    finished: Vector<Arc<Notification>>,
}

impl Engine {
    /// What follows from `input` at `now`. Pure: nothing changes until the events are applied, in order.
    pub fn decide(&self, now: Time, input: &Input) -> Vec<Event> {
        match input {
            Input::Plan(roster) => self.adopt(now, roster),
            Input::Outcome { check, at, outcome } => self.observe(now, *check, *at, outcome),
            Input::Ping { check, ping } => self.hear(now, *check, ping),
            Input::Provision { slug, uuid, ping } => self.provision(now, slug, *uuid, ping),
            Input::Make { uuid, made } => self.make(now, *uuid, made, MOST),
            Input::Change { check, made } => self.alter(now, *check, made),
            Input::Unmake { check, by } => self.unmake(now, *check, by),
            Input::Acknowledge { incident, by, note } => self.acknowledge(now, incident, by, note),
            Input::Pause { check, by } => self.pause(now, *check, by),
            Input::Resume { check, by } => self.resume(now, *check, by),
            Input::Rotate {
                check,
                uuid,
                keep,
                by,
            } => self.rotate(now, *check, (*uuid, *keep), by),
            Input::Delivery { nid, delivery } => self.delivered(now, nid, delivery),
            Input::Deaf { from, to, reason } => {
                vec![Event::Deafened {
                    from: *from,
                    to: *to,
                    reason: Arc::clone(reason),
                    behind: None,
                }]
            }
            Input::ClockSet { from, to } => vec![Event::ClockSet {
                from: *from,
                to: *to,
            }],
            Input::Remedied {
                check,
                began,
                report,
            } => self.remedied(now, *check, *began, report),
            Input::Digest => {
                self.announce(now, &now.utc().strftime("%F").to_string(), Kind::Digest)
            }
            Input::TestMail { key } => self.announce(now, &key.to_string(), Kind::Test),
            Input::Tick => self.tick(now),
        }
    }

    /// The check with this number.
    pub fn watched(&self, check: CheckId) -> Option<&Arc<Watched>> {
        self.checks.get(index(check))
    }

    /// The check with this name, if the plan has it.
    pub fn named(&self, name: &str) -> Option<&Arc<Watched>> {
        self.names
            .get(name)
            .and_then(|&check| self.watched(check))
            .filter(|watched| watched.active)
    }

    /// The heartbeat with this ping address, if the plan has it.
    pub fn beat(&self, uuid: &Uuid) -> Option<&Arc<Watched>> {
        self.beats
            .get(uuid)
            .and_then(|&check| self.watched(check))
            .filter(|watched| watched.active)
    }

    /// Everything that is watched: what the plan has, in its order, and then the heartbeats that were made.
    pub fn active(&self) -> impl Iterator<Item = &Arc<Watched>> {
        let planned = self.roster.checks.iter();
        let planned = planned.filter_map(|check| self.named(&check.name));
        planned.chain(self.made())
    }

    /// An incident, open or closed not long ago.
    pub fn incident(&self, id: &IncidentId) -> Option<&Arc<Incident>> {
        self.incidents
            .get(id)
            .or_else(|| self.recent.iter().rev().find(|incident| incident.id == *id))
    }

    /// A notification that is in the outbox or has just left it.
    pub fn notification(&self, nid: &Nid) -> Option<&Arc<Notification>> {
        self.outbox
            .get(nid)
            .or_else(|| self.finished.iter().rev().find(|n| n.nid == *nid))
    }

    /// The heartbeats that the plan has.
    pub fn heartbeats(&self) -> impl Iterator<Item = &Arc<Watched>> {
        self.beats.iter().filter_map(|(uuid, &check)| {
            let watched = self.watched(check).filter(|watched| watched.active)?;
            // One may be heard at several addresses.
            let beat = watched.record.beat.as_ref();
            beat.is_some_and(|beat| beat.uuid == *uuid)
                .then_some(watched)
        })
    }

    /// What the outbox has about an incident.
    pub fn thread(&self, id: &IncidentId) -> impl Iterator<Item = &Arc<Notification>> {
        let first = (id.clone(), Nid("".into()));
        self.threads
            .range(first..)
            .take_while(move |(incident, _)| incident == id)
            .filter_map(|(_, nid)| self.outbox.get(nid))
    }

    /// When [`Input::Tick`] will have something to decide.
    pub fn next_wake(&self) -> Option<Time> {
        self.wakes.get_min().map(|&(at, _)| at)
    }
}

fn index(check: CheckId) -> usize {
    usize::try_from(check.0).unwrap_or(usize::MAX)
}
