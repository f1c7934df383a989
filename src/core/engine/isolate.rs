//! Isolation: while our uplink is gone, nothing is known of what is behind it, and what would report over it cannot be
//! heard.

use std::borrow::Cow;

use super::{Engine, Watched};
use crate::core::check::{CheckId, UPLINK};
use crate::core::event::Event;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::state::{Phase, Reason};
use crate::core::time::Time;

impl Engine {
    /// Whether a failure that was looked for from `at` on says nothing of `child`: its uplink is down, or failing
    /// and not confirmed yet, or was down then. The scheduler asks the uplink again before it hands in the failure
    /// of a check behind it.
    fn is_isolated(&self, child: &Watched, at: Time) -> bool {
        let uplink = child.check.behind.as_ref();
        let Some(uplink) = uplink.and_then(|name| self.named(name)) else {
            return false;
        };
        let is_back = matches!(uplink.record.reason, Reason::Recovered(_));
        uplink.is_failing() || is_back && at < uplink.record.since
    }

    /// Whether a heartbeat reports over an uplink that is gone, or seems to be: its silence says nothing then.
    pub fn is_deaf_to(&self, watched: &Watched) -> bool {
        watched.check.heartbeat.is_some() && self.is_behind_lost(watched)
    }

    /// Whether a check is behind an uplink that is gone, or seems to be.
    pub fn is_behind_lost(&self, watched: &Watched) -> bool {
        let behind = watched.check.behind.as_ref();
        let uplink = behind.and_then(|name| self.named(name));
        uplink.is_some_and(|uplink| uplink.is_lost())
    }

    /// Since when the uplink that a check is behind is what it is.
    pub fn uplink_since(&self, watched: &Watched) -> Option<Time> {
        let uplink = self.named(watched.check.behind.as_ref()?)?;
        Some(uplink.record.since)
    }

    /// Whether what is known of a check is of now: its last look saw something, or, of a heartbeat, it could be heard.
    pub fn is_seen(&self, watched: &Watched) -> bool {
        watched.record.is_known() && !self.is_deaf_to(watched)
    }

    /// The heartbeats that report over the uplink with this name.
    pub(super) fn beats_behind(&self, uplink: &str) -> Vec<CheckId> {
        let behind = |watched: &Watched| watched.check.behind.as_deref() == Some(uplink);
        let beats = self.heartbeats().filter(|watched| behind(watched));
        beats.map(|watched| watched.id).collect()
    }

    /// With the first answer after an isolation, its time is deaf time for the heartbeats behind it. What was deaf time
    /// for all within it, as that of a restart, counts twice then: a job that is dead is told of so much later.
    pub(super) fn deaf_until(
        &self,
        now: Time,
        uplink: &Watched,
        outcome: &Outcome,
    ) -> Option<Event> {
        let is_back = uplink.is_lost() && matches!(outcome.verdict, Verdict::Pass | Verdict::Warn);
        let from = uplink.record.failing_since.filter(|_| is_back)?;
        let name = &uplink.check.name;
        (!self.beats_behind(name).is_empty()).then(|| Event::Deafened {
            from,
            to: now,
            reason: format!("{name} did not answer, so jobs behind it could not be heard").into(),
            behind: Some(name.clone()),
        })
    }

    /// What a look is worth, considering what else is known.
    pub(super) fn believed<'a>(
        &self,
        watched: &Watched,
        at: Time,
        outcome: &'a Outcome,
    ) -> Cow<'a, Outcome> {
        let why = match outcome.verdict {
            Verdict::Fail if self.is_isolated(watched, at) => "not known, we are isolated",
            // Nobody answered whose silence would say something, as after a restart. What ends an isolation is
            // an answer, and that took time.
            Verdict::Pass if is_down(watched) && outcome.latency_us.is_none() => {
                "not known whether we still are isolated"
            }
            Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Unknown => {
                return Cow::Borrowed(outcome);
            }
        };
        Cow::Owned(Outcome {
            verdict: Verdict::Unknown,
            text: format!("{why}: {}", outcome.text).into(),
            ..outcome.clone()
        })
    }
}

/// Whether it is an uplink that is gone.
fn is_down(watched: &Watched) -> bool {
    &*watched.check.kind == UPLINK && watched.phase() == Phase::Down
}
