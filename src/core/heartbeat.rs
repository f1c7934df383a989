//! A dead-man's switch: what a ping does to it and when it is overdue. Semantics after healthchecks.io
//! (its pinging API and `Check.ping`), see the documentation of each function.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schedule::Schedule;
use super::state::{Phase, Reason};
use super::time::Time;

/// What the plan says of a heartbeat beside the rules of every check.
#[derive(Clone, Debug)]
pub struct Rule {
    /// How long after the expected time silence becomes Down.
    pub grace: Duration,
    /// The UUID of its ping address, where the configuration gives one.
    pub uuid: Option<Uuid>,
    /// A fresh random UUID, taken where neither the configuration nor the journal has one. Randomness is
    /// an argument here, too.
    pub fresh: Uuid,
}

/// The fresh UUID is no part of the rule: it is another one at each reading of the same configuration.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        (self.grace, self.uuid) == (other.grace, other.uuid)
    }
}

impl Eq for Rule {}

/// What a ping reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    Success,
    Start,
    Fail,
    /// Only a note.
    Log,
    /// The job's exit code, 0 to 255; 0 is success.
    Exit(u8),
}

impl Signal {
    /// The word for it in pages and in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success | Self::Exit(0) => "success",
            Self::Start => "start",
            Self::Fail | Self::Exit(_) => "fail",
            Self::Log => "log",
        }
    }
}

/// One ping as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// When it arrived, which may be earlier than when it is decided upon.
    pub at: Time,
    pub signal: Signal,
    /// The run it belongs to, where the client says so.
    pub rid: Option<Uuid>,
    pub method: Arc<str>,
    pub remote: Arc<str>,
    /// The User-Agent, cut.
    pub agent: Arc<str>,
    /// The body, cut; not necessarily text.
    pub body: Arc<[u8]>,
}

/// What is remembered of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub uuid: Uuid,
    /// How many pings were ever recorded.
    pub pings: u64,
    /// The last success or failure.
    pub last_ping: Option<Time>,
    pub last_start: Option<(Time, Option<Uuid>)>,
    /// From start to finish, of the last run that had both.
    pub last_took: Option<Duration>,
    /// When the next success is expected; none before the first ping.
    pub expected: Option<Time>,
    /// Deaf time since the last ping, which every deadline is later by.
    pub deaf: Duration,
    /// Deaf time since the last start.
    pub deaf_since_start: Duration,
}

impl Beat {
    /// A heartbeat that has heard nothing yet.
    pub fn new(uuid: Uuid) -> Self {
        Self {
            uuid,
            pings: 0,
            last_ping: None,
            last_start: None,
            last_took: None,
            expected: None,
            deaf: Duration::ZERO,
            deaf_since_start: Duration::ZERO,
        }
    }

    /// What a ping leaves behind.
    ///
    /// A start only notes the start. A success or failure notes the ping and, when it belongs to the last
    /// start (the same `rid`, or none), how long the run took; a finish of another run leaves a start
    /// with a `rid` standing. A log only counts.
    pub fn heard(&mut self, ping: &Ping, schedule: &Schedule) {
        self.pings += 1;
        match ping.signal {
            Signal::Log => {}
            Signal::Start => {
                self.last_start = Some((ping.at, ping.rid));
                self.deaf_since_start = Duration::ZERO;
            }
            Signal::Success | Signal::Fail | Signal::Exit(_) => {
                self.last_ping = Some(ping.at);
                self.last_took = None;
                self.deaf = Duration::ZERO;
                self.expected = schedule.next_after(ping.at);
                if let Some((started, rid)) = self.last_start {
                    if rid == ping.rid {
                        self.last_took = Some(ping.at.since(started));
                        self.last_start = None;
                    } else if ping.signal.word() == "fail" || ping.rid.is_none() {
                        self.last_start = None;
                    }
                }
            }
        }
    }

    /// Expects the next ping by `schedule`, counted from the last one.
    pub fn expect_by(&mut self, schedule: &Schedule) {
        if self.expected.is_some() {
            self.expected = self.last_ping.and_then(|at| schedule.next_after(at));
        }
    }

    /// Expects nothing until the next ping: it was paused, or resumed, or was not in the plan for a while.
    pub fn rest(&mut self) {
        self.last_start = None;
        self.expected = None;
        self.deaf = Duration::ZERO;
        self.deaf_since_start = Duration::ZERO;
    }

    /// When this turns Down if nothing more is heard, and why.
    ///
    /// After the expected time plus grace while it is up; after the last start plus grace as long as the
    /// run is not finished, even if it was never up. A heartbeat that is down or paused has no deadline.
    pub fn deadline(&self, phase: Phase, grace: Duration) -> Option<(Time, Reason)> {
        if matches!(phase, Phase::Down | Phase::Paused) {
            return None;
        }
        let overdue = self
            .expected
            .filter(|_| matches!(phase, Phase::Up | Phase::Degraded))
            .map(|expected| (expected + grace + self.deaf, Reason::Overdue));
        let unfinished = self
            .last_start
            .map(|(started, _)| (started + grace + self.deaf_since_start, Reason::Unfinished));
        match (overdue, unfinished) {
            (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}
