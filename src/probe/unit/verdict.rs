//! What a unit is worth.

use super::properties::Properties;
use super::{Before, Settings};
use crate::core::metric::Unit::Count;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::time::Time;
use crate::probe::finding::Finding;
use crate::probe::level::{Judgement, bytes};
use crate::probe::trace::Trace;

/// Most looks with restarts that are remembered; those between are as many as look in a day.
const COUNTED: usize = 1_000;

impl Settings {
    /// What it is worth, and what to remember of it.
    pub(super) fn judge(
        &self,
        found: &Properties,
        before: Option<Before>,
        now: Time,
        trace: &mut Trace,
    ) -> (Outcome, Before) {
        let mut judgement = Judgement::default();
        let loaded = found.load.is_empty() || found.load == "loaded";
        let finding = || Finding::new("load state", "loaded", found.load.as_str(), loaded);
        judgement.holds(trace, finding, || match found.load.as_str() {
            "not-found" => format!("there is no unit {}", self.name),
            "masked" => format!("{} is masked: it cannot be started", self.name),
            other => format!(
                "{} is not loaded ({other}); see systemctl status",
                self.name
            ),
        });
        self.state(found, &mut judgement, trace);
        let remembered = self.restarts(found, before, now, &mut judgement, trace);
        let good = format!("{} ({})", found.active, found.sub);
        (judgement.outcome(&good), remembered)
    }

    fn state(&self, found: &Properties, judgement: &mut Judgement, trace: &mut Trace) {
        let wanted = self.active.contains(&found.active);
        // What is about to become active is neither well nor broken yet.
        let verdict = match found.active.as_str() {
            _ if wanted => Verdict::Pass,
            "activating" if found.sub != "auto-restart" => Verdict::Warn,
            _ => Verdict::Fail,
        };
        let state = format!("{} ({})", found.active, found.sub);
        let finding = || {
            let expected = self.active.join(" or ");
            Finding::new("state", expected, state.as_str(), true).worth(verdict)
        };
        let reason = found
            .result
            .as_deref()
            .filter(|result| *result != "success");
        judgement.holds(trace, finding, || {
            reason.map_or_else(|| state.clone(), |reason| format!("{state}: {reason}"))
        });
        if let Some(result) = &found.result {
            // A unit that is active can carry the result of what went wrong before.
            trace.note(|| Finding::new("result", "", result.as_str(), true));
        }
    }

    /// How often it was started again while we looked.
    fn restarts(
        &self,
        found: &Properties,
        before: Option<Before>,
        now: Time,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) -> Before {
        let Some(restarts) = found.restarts else {
            return before.unwrap_or_default();
        };
        // What happened before the first look is not ours to tell.
        let mut remembered = before.unwrap_or(Before {
            restarts,
            counted: Vec::new(),
        });
        // The counter begins anew when somebody starts the unit.
        let more = restarts
            .checked_sub(remembered.restarts)
            .unwrap_or(restarts);
        remembered.restarts = restarts;
        remembered
            .counted
            .retain(|(at, _)| now.since(*at) < self.signs);
        if more > 0 && remembered.counted.len() < COUNTED {
            remembered.counted.push((now, more));
        }
        let lately = remembered.counted.iter().map(|(_, count)| count).sum();
        judgement.level(trace, "restarts", (bytes(lately), Count), self.restarts);
        remembered
    }
}
