//! What is known of another check, and who tells.

use std::fmt;

use super::WHY_CHARS;
use crate::core::engine::{Engine, Watched};
use crate::core::outcome::{LATENCY, Outcome, Verdict};
use crate::core::state::Phase;
use crate::core::text;

/// What is known of another check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is worth. Unknown where it tells nothing: it is new, paused, or could not be looked at.
    pub(super) verdict: Verdict,
    /// Its state in one word.
    word: &'static str,
    /// Why it is not up.
    why: String,
}

impl Known {
    /// By its state, which its own rules have confirmed. Where the last look could not see anything, or a heartbeat cannot
    /// be heard, the state is what was known before, and tells nothing of now.
    pub fn state(engine: &Engine, watched: &Watched) -> Self {
        let phase = watched.phase();
        let last = watched.record.last.as_ref().map(|last| &last.outcome);
        let (verdict, word) = match phase {
            Phase::New | Phase::Paused => (Verdict::Unknown, phase.word()),
            Phase::Up | Phase::Degraded | Phase::Down if !engine.is_seen(watched) => {
                (Verdict::Unknown, Verdict::Unknown.word())
            }
            Phase::Up => (Verdict::Pass, phase.word()),
            Phase::Degraded => (Verdict::Warn, phase.word()),
            Phase::Down => (Verdict::Fail, phase.word()),
        };
        // The last look may have found something else, as while a recovery is not confirmed.
        let seen = last.filter(|outcome| outcome.verdict == verdict);
        let why = match seen {
            // Who has paused it, or what it lacks; what was seen before is no reason.
            _ if phase == Phase::Paused => watched.record.reason.to_string(),
            _ if engine.is_deaf_to(watched) => "cannot be heard over its uplink".to_owned(),
            Some(outcome) => text_of(outcome),
            None if phase == Phase::Down || phase == Phase::Degraded => {
                watched.record.reason.to_string()
            }
            None => String::new(),
        };
        Self { verdict, word, why }
    }

    /// By one look at it.
    pub fn look(outcome: &Outcome) -> Self {
        let word = match outcome.verdict {
            Verdict::Pass => Phase::Up.word(),
            Verdict::Warn => Phase::Degraded.word(),
            Verdict::Fail => Phase::Down.word(),
            Verdict::Unknown => Verdict::Unknown.word(),
        };
        Self {
            verdict: outcome.verdict,
            word,
            why: text_of(outcome),
        }
    }

    /// Nothing, because of this.
    pub fn nothing(why: &str) -> Self {
        Self {
            verdict: Verdict::Unknown,
            word: Verdict::Unknown.word(),
            why: why.to_owned(),
        }
    }

    /// For people: `down (connection refused)`.
    pub(super) fn told(&self) -> String {
        if self.verdict == Verdict::Pass || self.why.is_empty() {
            return self.word.to_owned();
        }
        format!("{} ({})", self.word, text::line(&self.why, WHY_CHARS))
    }
}

/// What a look said, without the time it took: the text of who quotes it would be another at each look.
fn text_of(outcome: &Outcome) -> String {
    outcome.text.replace(&format!(" in {LATENCY}"), "")
}

type Tell = dyn Fn(&str) -> Option<Known> + Send + Sync;

/// Whom composites ask for what is known of a check by its name.
#[derive(Default)]
pub(in crate::probe) struct Others(Option<Box<Tell>>);

impl Others {
    pub(in crate::probe) fn new(
        tell: impl Fn(&str) -> Option<Known> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(tell)))
    }

    pub(super) fn named(&self, name: &str) -> Known {
        let told = self.0.as_ref().and_then(|tell| tell(name));
        told.unwrap_or_else(|| Known::nothing("nothing is known of it yet"))
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Others")
    }
}
