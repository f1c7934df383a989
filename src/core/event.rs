//! What was decided: past tense, serialisable, the only thing that changes the engine's state.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::check::{Check, CheckId, Roster};
use super::heartbeat::{Lapse, Made, Ping};
use super::incident::{Acknowledgement, Incident, IncidentId};
use super::outbox::{Delivery, Nid, Notification};
use super::outcome::Outcome;
use super::remedy;
use super::state::{Phase, Reason, State};
use super::time::Time;
use super::uptime::Tally;

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A valid configuration is in force. Always the first event of its batch.
    PlanAdopted {
        at: Time,
        checks: usize,
        #[serde(skip)]
        roster: Arc<Roster>,
    },
    /// A name appeared in the plan for the first time and got its number.
    CheckAdded {
        check: CheckId,
        name: Arc<str>,
        kind: Arc<str>,
        at: Time,
        #[serde(skip)]
        planned: Option<Arc<Check>>,
    },
    /// A name that was gone is in the plan again.
    CheckReturned {
        check: CheckId,
        at: Time,
    },
    /// A name is no longer in the plan.
    CheckRemoved {
        check: CheckId,
        at: Time,
    },
    /// A heartbeat got its ping address.
    BeatKeyed {
        check: CheckId,
        uuid: Uuid,
    },
    /// A heartbeat got another address; the old one is heard until then.
    BeatRotated {
        check: CheckId,
        at: Time,
        uuid: Uuid,
        until: Time,
        /// Nobody knows in what was written before this was.
        #[serde(default)]
        by: Arc<str>,
    },
    /// The old addresses of a heartbeat whose time is over are not heard any more.
    BeatUnheard {
        check: CheckId,
        at: Time,
    },
    /// A heartbeat was made while running, by a ping or over the API.
    BeatMade {
        check: CheckId,
        at: Time,
        /// What it is called among the checks.
        name: Arc<str>,
        uuid: Uuid,
        made: Arc<Made>,
    },
    /// The settings of one that was made are others now, and perhaps its name among the checks.
    BeatChanged {
        check: CheckId,
        at: Time,
        name: Arc<str>,
        made: Arc<Made>,
    },
    /// The configuration has the name of one that was made: it says what it is like from now on.
    BeatTakenOver {
        check: CheckId,
        at: Time,
    },
    /// A look was taken in.
    Observed {
        check: CheckId,
        at: Time,
        outcome: Outcome,
    },
    /// A ping was taken in.
    Pinged {
        check: CheckId,
        /// How many pings of this heartbeat were recorded with it.
        n: u64,
        ping: Ping,
    },
    /// What was expected of a heartbeat did not come, and is tolerated; `next` is expected now.
    Lapsed {
        check: CheckId,
        at: Time,
        what: Lapse,
        next: Option<Time>,
    },
    /// A check turned; `state` is what it turned into.
    Turned {
        check: CheckId,
        at: Time,
        from: Phase,
        state: State,
        reason: Reason,
    },
    /// A check turned too often: closing of its incident waits until it is steady.
    FlappingBegan {
        check: CheckId,
        at: Time,
    },
    FlappingEnded {
        check: CheckId,
        at: Time,
    },
    /// A remedy is tried, has ended, or did not help.
    Remedy {
        check: CheckId,
        at: Time,
        step: remedy::Step,
    },
    /// A window of the uptime account is full.
    Tallied {
        check: CheckId,
        tally: Tally,
    },
    IncidentOpened {
        incident: Incident,
    },
    /// A Degraded incident became Down.
    IncidentWorsened {
        incident: IncidentId,
        at: Time,
        reason: Arc<str>,
        evidence: Arc<str>,
    },
    IncidentAcknowledged {
        incident: IncidentId,
        acknowledgement: Acknowledgement,
    },
    IncidentClosed {
        incident: IncidentId,
        at: Time,
        why: Arc<str>,
    },
    /// Something to remember in an incident's timeline.
    IncidentNoted {
        incident: IncidentId,
        at: Time,
        text: Arc<str>,
    },
    NotificationQueued {
        notification: Notification,
    },
    NotificationMoved {
        nid: Nid,
        at: Time,
        delivery: Delivery,
    },
    /// `by` tells it, too.
    NotificationSuperseded {
        nid: Nid,
        by: Nid,
        at: Time,
    },
    /// Nothing could have been heard for so long; deadlines moved.
    Deafened {
        from: Time,
        to: Time,
        reason: Arc<str>,
        /// The uplink that was gone, where only the heartbeats behind it could not be heard.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        behind: Option<Arc<str>>,
    },
    /// The wall clock was set; deadlines moved with it.
    ClockSet {
        from: Time,
        to: Time,
    },
}

impl Event {
    /// The check whose record this changes, if it is about one.
    pub fn check(&self) -> Option<CheckId> {
        match self {
            Self::CheckAdded { check, .. }
            | Self::CheckReturned { check, .. }
            | Self::CheckRemoved { check, .. }
            | Self::BeatKeyed { check, .. }
            | Self::BeatRotated { check, .. }
            | Self::BeatUnheard { check, .. }
            | Self::BeatMade { check, .. }
            | Self::BeatChanged { check, .. }
            | Self::BeatTakenOver { check, .. }
            | Self::Observed { check, .. }
            | Self::Pinged { check, .. }
            | Self::Lapsed { check, .. }
            | Self::Turned { check, .. }
            | Self::FlappingBegan { check, .. }
            | Self::FlappingEnded { check, .. }
            | Self::Remedy { check, .. }
            | Self::Tallied { check, .. } => Some(*check),
            Self::IncidentOpened { incident } => Some(incident.check),
            Self::PlanAdopted { .. }
            | Self::IncidentWorsened { .. }
            | Self::IncidentAcknowledged { .. }
            | Self::IncidentClosed { .. }
            | Self::IncidentNoted { .. }
            | Self::NotificationQueued { .. }
            | Self::NotificationMoved { .. }
            | Self::NotificationSuperseded { .. }
            | Self::Deafened { .. }
            | Self::ClockSet { .. } => None,
        }
    }

    /// The incident whose row this changes.
    pub fn incident(&self) -> Option<&IncidentId> {
        match self {
            Self::IncidentOpened { incident } => Some(&incident.id),
            Self::IncidentWorsened { incident, .. }
            | Self::IncidentAcknowledged { incident, .. }
            | Self::IncidentClosed { incident, .. }
            | Self::IncidentNoted { incident, .. } => Some(incident),
            Self::PlanAdopted { .. }
            | Self::CheckAdded { .. }
            | Self::CheckReturned { .. }
            | Self::CheckRemoved { .. }
            | Self::BeatKeyed { .. }
            | Self::BeatRotated { .. }
            | Self::BeatUnheard { .. }
            | Self::BeatMade { .. }
            | Self::BeatChanged { .. }
            | Self::BeatTakenOver { .. }
            | Self::Observed { .. }
            | Self::Pinged { .. }
            | Self::Lapsed { .. }
            | Self::Turned { .. }
            | Self::FlappingBegan { .. }
            | Self::FlappingEnded { .. }
            | Self::Remedy { .. }
            | Self::Tallied { .. }
            | Self::NotificationQueued { .. }
            | Self::NotificationMoved { .. }
            | Self::NotificationSuperseded { .. }
            | Self::Deafened { .. }
            | Self::ClockSet { .. } => None,
        }
    }

    /// The notification whose row this changes.
    pub fn notification(&self) -> Option<&Nid> {
        match self {
            Self::NotificationQueued { notification } => Some(&notification.nid),
            Self::NotificationMoved { nid, .. } | Self::NotificationSuperseded { nid, .. } => {
                Some(nid)
            }
            Self::PlanAdopted { .. }
            | Self::CheckAdded { .. }
            | Self::CheckReturned { .. }
            | Self::CheckRemoved { .. }
            | Self::BeatKeyed { .. }
            | Self::BeatRotated { .. }
            | Self::BeatUnheard { .. }
            | Self::BeatMade { .. }
            | Self::BeatChanged { .. }
            | Self::BeatTakenOver { .. }
            | Self::Observed { .. }
            | Self::Pinged { .. }
            | Self::Lapsed { .. }
            | Self::Turned { .. }
            | Self::FlappingBegan { .. }
            | Self::FlappingEnded { .. }
            | Self::Remedy { .. }
            | Self::Tallied { .. }
            | Self::IncidentOpened { .. }
            | Self::IncidentWorsened { .. }
            | Self::IncidentAcknowledged { .. }
            | Self::IncidentClosed { .. }
            | Self::IncidentNoted { .. }
            | Self::Deafened { .. }
            | Self::ClockSet { .. } => None,
        }
    }

    /// Whether somebody waits for it or something turned: such a batch is committed at once. A look that
    /// changes nothing, or a full window, can wait for company.
    pub fn is_urgent(&self) -> bool {
        !matches!(self, Self::Observed { .. } | Self::Tallied { .. })
    }
}
