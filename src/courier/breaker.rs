//! Which relay to try first: one that has just failed comes last for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::attempt::Landed;
use crate::channel::relay::Relay;

/// The relays that failed lately, and until when that counts.
#[derive(Debug, Default)]
pub(super) struct Breaker(BTreeMap<Arc<str>, Instant>);

impl Breaker {
    /// The places in `relays` in the order to try them. None is left out: the last hope is also tried.
    pub(super) fn order(&self, relays: &[Relay], now: Instant) -> Vec<usize> {
        let shunned = |&place: &usize| {
            let until = relays
                .get(place)
                .and_then(|relay| self.0.get(&relay.name()));
            until.is_some_and(|until| *until > now)
        };
        let mut order: Vec<usize> = (0..relays.len()).collect();
        // A stable sort: among equals the configuration's order stands.
        order.sort_by_key(shunned);
        order
    }

    /// Learns from an attempt which relays work and which do not.
    pub(super) fn learn(&mut self, landed: &Landed, until: Instant) {
        for relay in &landed.worked {
            self.0.remove(relay);
        }
        for relay in &landed.failed {
            self.0.insert(Arc::clone(relay), until);
        }
    }
}
