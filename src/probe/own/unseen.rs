//! Whether there are checks that nobody has seen anything of for long: a program that an upgrade took away, a right that
//! was never given. Not to know is no failure of theirs, so that they tell nobody; this does.

use std::fmt;
use std::time::Duration;

use crate::core::check::UPLINK;
use crate::core::engine::{Engine, Watched};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::state::Phase;
use crate::core::text;
use crate::core::time::{Time, human};
use crate::probe::composite;

use super::limits::{Limits, span, spans};

/// How long a check may be unknown until somebody is told.
pub const UNSEEN: Limits = spans(Duration::from_hours(1), Some(Duration::from_hours(1)));
/// How many are named.
const NAMED: usize = 3;
/// What is told of why, in characters.
const WHY_CHARS: usize = 80;

/// A check that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    name: String,
    since: Time,
    why: String,
}

impl Unseen {
    /// Which check it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Since when nothing is known of it.
    pub fn since(&self) -> Time {
        self.since
    }

    /// All of them, those that are unknown longest first. Not what is behind an uplink that is gone and what is made of
    /// other checks: these are told of already.
    pub fn all(engine: &Engine) -> Vec<Self> {
        let is_told = |watched: &Watched| {
            let kind = &*watched.check.kind;
            kind == UPLINK
                || kind == composite::Settings::KEY
                || watched.phase() == Phase::Paused
                || engine.is_behind_lost(watched)
        };
        // Almost all are seen, and of those nothing else is asked.
        let unseen = engine.active().filter(|w| w.record.unknown_since.is_some());
        let mut all: Vec<Self> = unseen
            .filter(|watched| !is_told(watched))
            .filter_map(|watched| {
                let since = watched.record.unknown_since?;
                // What was not seen while its uplink was gone was told of by that.
                let since = since.max(engine.uplink_since(watched).unwrap_or(since));
                let last = watched.record.last.as_ref()?;
                let why = text::line(&last.outcome.message(), WHY_CHARS);
                let name = watched.check.name.to_string();
                Some(Self { name, since, why })
            })
            .collect();
        all.sort_by_key(|unseen| unseen.since);
        all
    }
}

/// What they are worth.
pub(super) fn judge(unseen: &[Unseen], now: Time, limits: Limits) -> Outcome {
    let aged = |unseen: &Unseen| {
        let age = now.since(unseen.since);
        limits.judge(u64::try_from(age.as_micros()).unwrap_or(u64::MAX))
    };
    let long: Vec<&Unseen> = unseen
        .iter()
        .filter(|unseen| aged(unseen) != Verdict::Pass)
        .collect();
    let Some(first) = long.first() else {
        let text = match unseen.len() {
            0 => "all checks can be looked at".to_owned(),
            1 => "1 check cannot be looked at now".to_owned(),
            many => format!("{many} checks cannot be looked at now"),
        };
        return Outcome::pass(&text);
    };
    let verdict = aged(first);
    let named = long.iter().take(NAMED).map(|unseen| {
        let age = human(now.since(unseen.since));
        format!("{} is not known for {age}: {}", unseen.name, unseen.why)
    });
    let more = long.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    let told: Vec<String> = named.chain(more).collect();
    let level = limits.reached(verdict, span);
    Outcome::new(verdict, &format!("{}{level}", told.join("; ")))
}

type Tell = dyn Fn() -> Vec<Unseen> + Send + Sync;

/// Who knows of them.
#[derive(Default)]
pub(in crate::probe) struct Witness(Option<Box<Tell>>);

impl Witness {
    pub(in crate::probe) fn new(tell: impl Fn() -> Vec<Unseen> + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(tell)))
    }

    pub(super) fn unseen(&self) -> Vec<Unseen> {
        self.0.as_ref().map(|tell| tell()).unwrap_or_default()
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(name: &str, minutes: i64) -> Unseen {
        Unseen {
            name: name.to_owned(),
            since: Time::from_millis(-minutes * 60_000),
            why: "no such file".to_owned(),
        }
    }

    #[test]
    fn what_is_unknown_for_an_hour_is_told_the_longest_first() {
        let judged = |all: &[Unseen]| {
            let outcome = judge(all, Time::from_millis(0), UNSEEN);
            format!("{}: {}", outcome.verdict.word(), outcome.message())
        };
        assert_eq!(judged(&[]), "pass: all checks can be looked at");
        assert_eq!(
            judged(&[unseen("a", 59)]),
            "pass: 1 check cannot be looked at now"
        );
        assert_eq!(
            judged(&[unseen("a", 120), unseen("b", 59)]),
            "fail: a is not known for 2 h: no such file (fail at 1 h)"
        );
        let many: Vec<Unseen> = ["a", "b", "c", "d", "e"]
            .map(|name| unseen(name, 60))
            .into();
        let said = judged(&many);
        assert!(
            said.contains("c is not known for 1 h") && said.contains("; and 2 more"),
            "{said}"
        );
        assert!(!said.contains("d is"), "{said}");
    }
}
