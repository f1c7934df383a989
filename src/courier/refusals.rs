//! Who could not be told lately: the recipients whose mail every relay refused, until one of a later time is
//! taken.
//!
//! The engine's outbox forgets a notification with its incident; that somebody was not told is remembered here
//! for longer, for the check on the outbox.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::check::Recipient;
use crate::core::outbox::{Delivery, Phase};
use crate::core::time::Time;
use crate::core::view::View;

/// How long a refusal counts: whoever looks in the morning sees what went wrong in the night.
const FRESH: Duration = Duration::from_hours(24);

/// The last word on each recipient.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<Recipient, Word>);

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    refused: Option<Time>,
    accepted: Option<Time>,
}

impl Refusals {
    /// Learns what an attempt came to.
    pub(super) fn learn(&mut self, to: &Recipient, report: &Delivery, now: Time) {
        match report {
            Delivery::Refused { .. } => self.note(to, Some(now), None),
            Delivery::Accepted { .. } => self.note(to, None, Some(now)),
            Delivery::Sending { .. } | Delivery::Deferred { .. } => {}
        }
    }

    /// Learns what the outbox shows: what was refused before a restart, or given up by the engine.
    pub(super) fn read(&mut self, view: &View) {
        for seen in view.engine.outbox.values() {
            match &seen.phase {
                Phase::Refused { at, .. } => self.note(&seen.recipient, Some(*at), None),
                Phase::Accepted { at, .. } => self.note(&seen.recipient, None, Some(*at)),
                Phase::Queued
                | Phase::Sending { .. }
                | Phase::Deferred { .. }
                | Phase::Superseded { .. } => {}
            }
        }
    }

    /// How many recipients were refused a mail within a day and have got none since.
    pub(super) fn fresh(&mut self, now: Time) -> usize {
        let is_fresh = |at: Option<Time>| at.is_some_and(|at| now.since(at) < FRESH);
        self.0
            .retain(|_, word| is_fresh(word.refused) || is_fresh(word.accepted));
        let untold = |word: &&Word| is_fresh(word.refused) && word.refused > word.accepted;
        self.0.values().filter(untold).count()
    }

    fn note(&mut self, to: &Recipient, refused: Option<Time>, accepted: Option<Time>) {
        if !self.0.contains_key(to) {
            self.0.insert(to.clone(), Word::default());
        }
        if let Some(word) = self.0.get_mut(to) {
            word.refused = word.refused.max(refused);
            word.accepted = word.accepted.max(accepted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_millis(1_795_470_847_000);

    #[test]
    fn a_refusal_counts_for_a_day_or_until_something_is_taken() {
        let to = Recipient {
            channel: "email".into(),
            address: "ops@example.org".into(),
        };
        let refused = Delivery::Refused {
            reply: "550".into(),
        };
        let accepted = Delivery::Accepted {
            relay: "mx".into(),
            reply: "250".into(),
        };
        let mut refusals = Refusals::default();
        assert_eq!(refusals.fresh(START), 0);
        refusals.learn(&to, &refused, START);
        assert_eq!(refusals.fresh(START + FRESH / 2), 1);
        let late = START + Duration::from_secs(1);
        refusals.learn(&to, &accepted, late);
        assert_eq!(refusals.fresh(late), 0);
        // What is older does not count against what is newer.
        refusals.learn(&to, &refused, START);
        assert_eq!(refusals.fresh(late), 0);
        refusals.learn(&to, &refused, late + Duration::from_secs(1));
        assert_eq!(refusals.fresh(late + FRESH / 2), 1);
        assert_eq!(refusals.fresh(late + FRESH * 2), 0);
        assert!(refusals.0.is_empty());
    }
}
