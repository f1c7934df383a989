//! A dead-man's switch: what a ping does to it and when it is overdue. Semantics after healthchecks.io
//! (its pinging API and `Check.ping`), see the documentation of each function.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schedule::Schedule;
use super::state::{Phase, Reason};
use super::time::Time;

mod filter;
mod former;
mod heard;
mod lapse;
pub mod made;
mod run;
mod words;

pub use filter::Filter;
pub use former::{Former, HEARD_FOR, MOST_FORMER};
pub use heard::{Deaf, Heard, Said};
pub use lapse::Lapse;
pub use made::Made;
pub use run::{MOST_RUNS, Run};
pub use words::for_everybody;

/// The kind of a heartbeat among the checks.
pub const KIND: &str = "heartbeat";
/// The heading of heartbeats that say none.
pub const GROUP: &str = "Jobs";

/// What the plan says of a heartbeat beside the rules of every check.
#[derive(Clone, Debug)]
pub struct Rule {
    /// How long after the expected time silence becomes Down.
    pub grace: Duration,
    /// How many pings that are expected one after the other must be missing until it is Down; at least one.
    pub missed_after: u8,
    /// The UUID of its ping address, where the configuration gives one.
    pub uuid: Option<Uuid>,
    /// A fresh random UUID, taken where neither the configuration nor the journal has one. Randomness is
    /// an argument here, too.
    pub fresh: Uuid,
    /// What it is called in addresses with a ping key; its name where nothing is said.
    pub slug: Option<Arc<str>>,
    /// Whether pings leave a pause as it is: only an operator ends it.
    pub manual_resume: bool,
    /// Which pings count, and as what; none where all do.
    pub filter: Option<Arc<Filter>>,
}

/// The fresh UUID is no part of the rule: it is another one at each reading of the same configuration.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        let all = |rule: &Self| (rule.grace, rule.missed_after, rule.uuid, rule.manual_resume);
        all(self) == all(other) && self.slug == other.slug && self.filter == other.filter
    }
}

impl Eq for Rule {}

impl Rule {
    /// One that only says how late it may be.
    pub fn new(grace: Duration, fresh: Uuid) -> Self {
        Self {
            grace,
            missed_after: 1,
            uuid: None,
            fresh,
            slug: None,
            manual_resume: false,
            filter: None,
        }
    }

    /// What a ping means to a heartbeat in this phase.
    pub fn meaning(&self, phase: Phase, ping: &Ping) -> Signal {
        if phase == Phase::Paused && self.manual_resume {
            return Signal::Ignored;
        }
        match &self.filter {
            None => ping.signal,
            // By e-mail: what it means was read where its subject was.
            Some(_) if ping.method.is_empty() => ping.signal,
            Some(filter) => filter.of_http(ping.signal, &ping.method, &ping.body),
        }
    }
}

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
    /// What the rule of the heartbeat does not let count.
    Ignored,
}

impl Signal {
    /// The word for it in pages and in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success | Self::Exit(0) => "success",
            Self::Start => "start",
            Self::Fail | Self::Exit(_) => "fail",
            Self::Log => "log",
            Self::Ignored => "ignored",
        }
    }
}

/// One ping as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// When it arrived, or, of one that was delivered late, when what it tells of happened.
    pub at: Time,
    pub signal: Signal,
    /// The run it belongs to, where the client says so.
    pub rid: Option<Uuid>,
    /// Empty for one by e-mail, as at healthchecks.io.
    pub method: Arc<str>,
    pub remote: Arc<str>,
    /// The User-Agent, cut.
    pub agent: Arc<str>,
    /// The body, cut; not necessarily text.
    pub body: Arc<[u8]>,
    /// How long the run took, where whoever pings says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
    /// How long after `at` it came, where it was delivered late: until then its job could not be heard.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub late: Duration,
}

/// What is remembered of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub uuid: Uuid,
    /// Addresses that it had before and that are still heard, oldest first, at most [`MOST_FORMER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Former>,
    /// How many pings were ever recorded.
    pub pings: u64,
    /// The last success or failure.
    pub last_ping: Option<Time>,
    /// The newest start that has no end.
    pub last_start: Option<(Time, Option<Uuid>)>,
    /// Older starts without an end, oldest first, at most [`MOST_RUNS`] with the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<Run>,
    /// From start to finish, of the last run that had both.
    pub last_took: Option<Duration>,
    /// When the next success is expected; none before the first ping.
    pub expected: Option<Time>,
    /// How many pings in a row were expected since then and did not come, and were tolerated.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u8,
    /// When a run was given up that had no end in time and was tolerated, since the last ping: what is expected next
    /// counts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<Time>,
    /// Deaf time since the last ping, which every deadline is later by.
    pub deaf: Duration,
    /// Deaf time since the last start.
    pub deaf_since_start: Duration,
    /// Nothing is overdue before: whoever could not be heard until just now tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_until: Option<Time>,
}

impl Beat {
    /// A heartbeat that has heard nothing yet.
    pub fn new(uuid: Uuid) -> Self {
        Self {
            uuid,
            former: Vec::new(),
            pings: 0,
            last_ping: None,
            last_start: None,
            older: Vec::new(),
            last_took: None,
            expected: None,
            missed: 0,
            given_up: None,
            deaf: Duration::ZERO,
            deaf_since_start: Duration::ZERO,
            patient_until: None,
        }
    }

    /// What a ping leaves behind.
    ///
    /// A start only notes the start. A success or failure notes the ping and ends the run that it belongs to,
    /// see [`Beat::end`]. A log or what is ignored only counts, and so does what is over, but that an end ends its run.
    ///
    /// One that was delivered late says that its job could not be heard from then until now: neither could what came
    /// after it, so that all that is expected since is later by as much.
    pub fn heard(&mut self, ping: &Ping, schedule: &Schedule) {
        self.pings += 1;
        match ping.signal {
            Signal::Log | Signal::Ignored => {}
            Signal::Start if self.is_over(ping) => {}
            Signal::Start => self.begin(ping.at, ping.rid, ping.late),
            Signal::Success | Signal::Fail | Signal::Exit(_) if self.is_over(ping) => {
                self.end_own(ping.rid);
            }
            Signal::Success | Signal::Fail | Signal::Exit(_) => {
                self.last_ping = Some(ping.at);
                self.patient_until = None;
                self.deaf = ping.late;
                (self.missed, self.given_up) = (0, None);
                self.expected = schedule.next_after(ping.at);
                let failed = ping.signal.word() == "fail";
                let since_start = self.end(ping.at, ping.rid, failed);
                self.last_took = ping.took.or(since_start);
            }
        }
    }

    /// Whether it was delivered so late that a later success or failure was heard before: it is no news of how the job is.
    pub fn is_over(&self, ping: &Ping) -> bool {
        !ping.late.is_zero() && self.last_ping.is_some_and(|last| ping.at < last)
    }

    /// Expects nothing until the next ping: it was paused, or resumed, or was not in the plan for a while.
    pub fn rest(&mut self) {
        self.forget_runs();
        self.expected = None;
        (self.missed, self.given_up) = (0, None);
        self.deaf = Duration::ZERO;
        self.deaf_since_start = Duration::ZERO;
    }

    /// When this turns Down if nothing more is heard, and why.
    ///
    /// After the expected time plus grace while it is up; after a start plus grace as long as that run is not
    /// finished, even if it was never up, and even in a pause that pings may end. One that is down has no
    /// deadline. None of them is within the moments after a time in which nothing could be heard.
    ///
    /// Where failed runs are tolerated (`is_patient`), a run that began before a ping was overdue stands for that
    /// ping: its own end is awaited, and it is the run that fails. A run that begins later does not, so that a job
    /// that only ever begins is overdue all the same.
    pub fn deadline(
        &self,
        phase: Phase,
        grace: Duration,
        is_patient: bool,
    ) -> Option<(Time, Reason)> {
        if phase == Phase::Down {
            return None;
        }
        let overdue = self
            .expected
            .filter(|_| matches!(phase, Phase::Up | Phase::Degraded))
            .map(|expected| (expected + grace + self.deaf, Reason::Overdue));
        let run = self.first_to_end();
        let unfinished = run.map(|run| (run.at + grace + run.deaf, Reason::Unfinished));
        let began = run.map(|run| run.at);
        let (at, why) = match (overdue, unfinished) {
            (Some(a), Some(b)) => {
                let stands_for_it = is_patient && began < Some(a.0);
                if stands_for_it || b.0 < a.0 { b } else { a }
            }
            (a, b) => a.or(b)?,
        };
        Some((self.patient_until.map_or(at, |until| until.max(at)), why))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over what it asks about"
)]
fn is_zero(count: &u8) -> bool {
    *count == 0
}
