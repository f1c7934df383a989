//! One check with all that is known of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::check::{Check, CheckId, Flapping, UPLINK};
use crate::core::heartbeat::{Beat, Made};
use crate::core::incident::IncidentId;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::remedy::Tried;
use crate::core::sketch;
use crate::core::state::{Phase, Reason, State};
use crate::core::time::Time;
use crate::core::uptime::{History, Tally};

/// How many of the last latencies are drawn.
pub const SPARK: usize = 48;

/// One check: what the plan says of it, and what we know.
#[derive(Clone, Debug)]
pub struct Watched {
    pub id: CheckId,
    pub check: Arc<Check>,
    /// Whether the plan has it now.
    pub active: bool,
    pub record: Record,
    pub history: Arc<History>,
    /// Its entry in the engine's list of wakes.
    pub(super) wake: Option<Time>,
}

/// What the journal keeps of a check, beside its outcomes and tallies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub state: State,
    /// When it got into this state, and why.
    pub since: Time,
    pub reason: Reason,
    pub last: Option<Last>,
    /// When the current row of failures began.
    pub failing_since: Option<Time>,
    /// When the current row of looks began that could tell nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<Time>,
    /// The open one. Follows from the incidents, so the journal does not keep it twice.
    #[serde(skip)]
    pub incident: Option<IncidentId>,
    /// How many incidents it has opened.
    pub incidents: u64,
    /// The last turns, oldest first, at most [`crate::core::check::Flapping::MAX_TURNS`].
    pub turns: Vec<Time>,
    pub flapping: bool,
    pub beat: Option<Beat>,
    /// What was said of it when it was made; none for what is in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Arc<Made>>,
    /// What was done about its failures; a journal of an earlier version has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Box<Tried>>,
    pub tally: Tally,
    /// The last latencies as buckets of the sketch, oldest first, at most [`SPARK`].
    pub spark: Vec<u8>,
}

/// The last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    pub at: Time,
    pub outcome: Outcome,
}

impl Record {
    /// Of a check that nothing is known of.
    pub fn new(at: Time) -> Self {
        Self {
            state: State::NEW,
            since: at,
            reason: Reason::Configured("added".to_owned()),
            last: None,
            failing_since: None,
            unknown_since: None,
            incident: None,
            incidents: 0,
            turns: Vec::new(),
            flapping: false,
            beat: None,
            made: None,
            tried: None,
            tally: Tally::starting(at),
            spark: Vec::new(),
        }
    }

    /// Takes in a look, but for a turn that it may cause.
    pub(super) fn look(&mut self, at: Time, outcome: &Outcome) {
        self.tally.account(at, self.state.phase(), self.is_known());
        self.tally.count(outcome);
        self.failing_since = match outcome.verdict {
            Verdict::Fail => self.failing_since.or(Some(at)),
            Verdict::Pass | Verdict::Warn => None,
            Verdict::Unknown => self.failing_since,
        };
        self.unknown_since = match outcome.verdict {
            Verdict::Unknown => self.unknown_since.or(Some(at)),
            Verdict::Pass | Verdict::Warn | Verdict::Fail => None,
        };
        if let Some(us) = outcome.latency_us {
            if self.spark.len() >= SPARK {
                self.spark.remove(0);
            }
            self.spark.push(sketch::bucket(us));
        }
        // Equal text is shared: most looks find what the one before found.
        let mut outcome = outcome.clone();
        if let Some(last) = self
            .last
            .as_ref()
            .filter(|last| last.outcome.text == outcome.text)
        {
            outcome.text = Arc::clone(&last.outcome.text);
        }
        self.last = Some(Last { at, outcome });
    }

    /// Whether the last look could tell anything.
    pub fn is_known(&self) -> bool {
        self.last
            .as_ref()
            .is_none_or(|last| last.outcome.verdict != Verdict::Unknown)
    }
}

impl Watched {
    /// The name of its state.
    pub fn phase(&self) -> Phase {
        self.record.state.phase()
    }

    /// Failures in a row that are not confirmed yet.
    pub fn failing(&self) -> u32 {
        self.record.state.failing()
    }

    /// Failures in a row, confirmed or not.
    pub fn failures(&self) -> u32 {
        self.record.state.failures()
    }

    /// How many pings in a row that a heartbeat expects are missing, whether that is tolerated or not.
    pub fn missed(&self) -> u8 {
        let tolerated = self.record.beat.as_ref().map_or(0, |beat| beat.missed);
        match (self.phase(), &self.record.reason) {
            (Phase::Down, Reason::Missed(all)) => *all,
            (Phase::Down, Reason::Overdue) => 1,
            _ => tolerated,
        }
    }

    /// What is amiss with a heartbeat that is Degraded: what of its job is tolerated for now.
    pub fn tolerated(&self) -> Option<Reason> {
        let beat = self.record.beat.as_ref()?;
        if self.phase() != Phase::Degraded {
            return None;
        }
        let missing = (beat.missed > 0).then_some(Reason::Missed(beat.missed));
        missing.or_else(|| self.record.state.runs_failed(self.check.fail_after))
    }

    /// Whether it is down, or failing and not confirmed yet.
    pub fn is_failing(&self) -> bool {
        self.phase() == Phase::Down || self.failing() > 0
    }

    /// Whether it is as it should not be: what an incident is opened for.
    pub fn is_trouble(&self, phase: Phase) -> bool {
        match phase {
            Phase::Down => true,
            Phase::Degraded => self.check.alert_degraded,
            Phase::New | Phase::Up | Phase::Paused => false,
        }
    }

    /// Whether it is an uplink that is gone, or seems to be.
    pub(super) fn is_lost(&self) -> bool {
        self.active && &*self.check.kind == UPLINK && self.is_failing()
    }

    /// When it has to be looked at again without anything new; silence counts for nothing where we are `deaf` to it.
    pub(super) fn next_wake(&self, deaf: bool) -> Option<Time> {
        if !self.active {
            return None;
        }
        let overdue = self.overdue_at().filter(|_| !deaf).map(|(at, _)| at);
        let calm = self.calm_at();
        let hope = self.hopes_until().filter(|_| self.is_held());
        let former = self.record.beat.as_ref().and_then(Beat::former_until);
        [Some(self.record.tally.end()), overdue, calm, hope, former]
            .into_iter()
            .flatten()
            .min()
    }

    /// When silence makes a heartbeat Down, and why.
    pub fn overdue_at(&self) -> Option<(Time, Reason)> {
        let rule = self.check.heartbeat.as_ref()?;
        self.record
            .beat
            .as_ref()?
            .deadline(self.phase(), rule.grace, self.check.fail_after.bad > 1)
    }

    /// When flapping ends if it does not turn any more: at once where the plan does not look for it any more.
    pub(super) fn calm_at(&self) -> Option<Time> {
        let turn = self.record.turns.last().filter(|_| self.record.flapping)?;
        let calm = self.check.flapping.map(Flapping::calm).unwrap_or_default();
        Some(*turn + calm)
    }

    /// Whether it is in trouble and nobody was told: because of a parent in trouble, or of a remedy.
    pub(super) fn is_held(&self) -> bool {
        self.active && self.record.incident.is_none() && self.is_trouble(self.phase())
    }
}
