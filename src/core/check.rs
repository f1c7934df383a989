//! What is watched, as the plan says it: names and rules, no state.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::heartbeat;
use super::remedy;
use super::schedule::Schedule;
use super::state::{Threshold, Thresholds};

/// A check's number in the journal: given once by the engine, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckId(pub u32);

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of the checks that tell whether we reach anybody at all.
pub const UPLINK: &str = "uplink";

/// One check or heartbeat of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Unique in the plan; what people and the journal know it by.
    pub name: Arc<str>,
    /// The heading it stands under; empty for none.
    pub group: Arc<str>,
    /// The probe's key (`http`, `tcp`, …) or `heartbeat`.
    pub kind: Arc<str>,
    /// What is looked at, for people: `https://shop.example.org/health`. Without secrets.
    pub target: Arc<str>,
    pub schedule: Schedule,
    /// Longest time one look may take.
    pub timeout: Duration,
    /// Interval while a failure is not confirmed yet; the schedule's own where none.
    pub retry_every: Option<Duration>,
    pub fail_after: Threshold,
    pub recover_after: u8,
    /// How many turns within how long are flapping; none where flapping is not looked for.
    pub flapping: Option<Flapping>,
    /// Checks without which this one cannot work.
    pub depends_on: Vec<Arc<str>>,
    /// The check of the uplink that its target is behind: without it, a failure says nothing of the target.
    pub behind: Option<Arc<str>>,
    /// Whether Degraded opens an incident, too.
    pub alert_degraded: bool,
    pub runbook: Option<Arc<str>>,
    /// Who is told.
    pub recipients: Arc<[Recipient]>,
    /// Set for a heartbeat: its evidence arrives by itself.
    pub heartbeat: Option<heartbeat::Rule>,
    /// What is done about its failures.
    pub remedy: Option<Arc<remedy::Rule>>,
    /// Why this is not run at all (a probe without what it needs), with the line to write.
    pub not_configured: Option<Arc<str>>,
}

impl Check {
    /// The thresholds of the state machine.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            fail_after: self.fail_after,
            recover_after: self.recover_after,
        }
    }
}

/// When a check flaps: closing of its incident then waits until it has been steady for half of `within`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// At least two, at most [`Flapping::MAX_TURNS`].
    pub turns: u8,
    pub within: Duration,
}

impl Flapping {
    /// As many turns as the engine remembers.
    pub const MAX_TURNS: u8 = 16;
    /// Two incidents that came and went within ten minutes are one that flaps.
    pub const DEFAULT: Self = Self {
        turns: 4,
        within: Duration::from_mins(10),
    };

    /// How long without a turn is steady.
    pub fn calm(self) -> Duration {
        self.within / 2
    }
}

/// Where a notification goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Recipient {
    /// The channel's key: `email`.
    pub channel: Arc<str>,
    /// The channel's address of the person or list.
    pub address: Arc<str>,
}

/// All that is watched, in the order of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Roster {
    /// The name of this daemon, which keeps the ids of two nodes apart.
    pub node: Arc<str>,
    pub checks: Vec<Arc<Check>>,
    /// Who gets digests and test mails, and news of heartbeats that are made while running.
    pub recipients: Arc<[Recipient]>,
    /// When heartbeats flap that are made while running.
    pub flapping: Option<Flapping>,
    /// The clocks that messages go by.
    pub zone: TimeZone,
}

/// Nothing is watched.
impl Default for Roster {
    fn default() -> Self {
        Self {
            node: Arc::default(),
            checks: Vec::new(),
            recipients: Arc::default(),
            flapping: None,
            zone: TimeZone::UTC,
        }
    }
}
