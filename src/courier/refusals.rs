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

/// The last word on each recipient who was refused lately.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<Recipient, Word>);

#[derive(Clone, Copy, Debug)]
struct Word {
    refused: Time,
    accepted: Option<Time>,
}

impl Refusals {
    /// Learns what an attempt came to.
    pub(super) fn learn(&mut self, to: &Recipient, report: &Delivery, now: Time) {
        match report {
            Delivery::Refused { .. } => self.refused(to, now),
            Delivery::Accepted { .. } => self.accepted(to, now),
            Delivery::Sending { .. } | Delivery::Deferred { .. } => {}
        }
    }

    /// Learns what the outbox shows: what was refused before a restart, or given up by the engine.
    pub(super) fn read(&mut self, view: &View) {
        for seen in view.engine.outbox.values() {
            match &seen.phase {
                Phase::Refused { at, .. } => self.refused(&seen.recipient, *at),
                Phase::Accepted { at, .. } => self.accepted(&seen.recipient, *at),
                Phase::Queued
                | Phase::Sending { .. }
                | Phase::Deferred { .. }
                | Phase::Superseded { .. } => {}
            }
        }
    }

    /// How many recipients were refused a mail within a day and have got none since.
    pub(super) fn fresh(&mut self, now: Time) -> usize {
        self.0.retain(|_, word| now.since(word.refused) < FRESH);
        let untold = |word: &&Word| word.accepted < Some(word.refused);
        self.0.values().filter(untold).count()
    }

    fn refused(&mut self, to: &Recipient, at: Time) {
        let first = Word {
            refused: at,
            accepted: None,
        };
        let word = self.0.entry(to.clone()).or_insert(first);
        word.refused = word.refused.max(at);
    }

    /// Of those who were never refused nothing is kept: that is nearly always everybody.
    fn accepted(&mut self, to: &Recipient, at: Time) {
        if let Some(word) = self.0.get_mut(to) {
            word.accepted = word.accepted.max(Some(at));
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
