//! Isolation: while our uplink is gone, nothing is known of what is behind it.

use std::borrow::Cow;

use super::{Engine, Watched};
use crate::core::check::UPLINK;
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
