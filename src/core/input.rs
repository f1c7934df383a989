//! Everything that can reach the engine.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::check::{CheckId, Roster};
use super::heartbeat::{Made, Ping};
use super::incident::IncidentId;
use super::outbox::{Delivery, Nid};
use super::outcome::Outcome;
use super::time::Time;

/// One thing that happened outside and that the engine has to decide upon.
#[derive(Clone, Debug)]
pub enum Input {
    /// The configuration was read: at start, and after every change that is valid.
    Plan(Arc<Roster>),
    /// A probe has looked; `at` is when it began.
    Outcome {
        check: CheckId,
        at: Time,
        outcome: Outcome,
    },
    /// A job has reported in.
    Ping { check: CheckId, ping: Ping },
    /// A job has reported in by a name that may have no heartbeat yet: then it gets one, at the address `uuid`.
    /// Randomness is an argument here, too.
    Provision {
        slug: Arc<str>,
        uuid: Uuid,
        ping: Ping,
    },
    /// Somebody makes a heartbeat, at the address `uuid`.
    Make { uuid: Uuid, made: Arc<Made> },
    /// Somebody changes one that was made.
    Change { check: CheckId, made: Arc<Made> },
    /// Somebody deletes one that was made.
    Unmake { check: CheckId, by: Arc<str> },
    /// Somebody is on it.
    Acknowledge {
        incident: IncidentId,
        by: Arc<str>,
        note: Arc<str>,
    },
    /// An operator stops the judging of a check.
    Pause { check: CheckId, by: Arc<str> },
    /// An operator starts it again.
    Resume { check: CheckId, by: Arc<str> },
    /// An operator gives a heartbeat another address; the old one is heard for `keep`.
    Rotate {
        check: CheckId,
        uuid: Uuid,
        keep: Duration,
        by: Arc<str>,
    },
    /// The courier got so far with a notification.
    Delivery { nid: Nid, delivery: Delivery },
    /// From then to then no ping could have been taken: not running, stopped, suspended, or without a
    /// journal. `reason` is for people.
    Deaf {
        from: Time,
        to: Time,
        reason: Arc<str>,
    },
    /// The wall clock was set: what was `from` is now `to`.
    ClockSet { from: Time, to: Time },
    /// The remedy of a check that began then has ended; `report` is for people.
    Remedied {
        check: CheckId,
        began: Time,
        report: Arc<str>,
    },
    /// It is time for the daily summary.
    Digest,
    /// Somebody wants a mail; `key` makes it a new one.
    TestMail { key: Uuid },
    /// Time has passed. Deadlines and windows are decided now.
    Tick,
}
