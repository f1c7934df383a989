//! Which relay to try first: one that has just failed comes last for a while, and longer each time that it
//! fails again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::Landed;
use crate::channel::relay::Relay;

/// How often the time is doubled: from half a minute to half an hour. A relay that hangs costs the first alert
/// after that time the wait for it, so that it must not come round often; one that is well again is missed
/// by nobody while another one works.
const DOUBLINGS: u32 = 6;

/// The relays that failed lately.
#[derive(Debug, Default)]
pub(super) struct Breaker(BTreeMap<Arc<str>, Shunned>);

/// Until when a relay is tried last, after how many failures with no success between them.
#[derive(Clone, Copy, Debug)]
struct Shunned {
    until: Instant,
    failures: u32,
}

impl Breaker {
    /// The places in `relays` in the order to try them. None is left out: the last hope is also tried.
    pub(super) fn order(&self, relays: &[Relay], now: Instant) -> Vec<usize> {
        let shunned = |&place: &usize| {
            let known = relays
                .get(place)
                .and_then(|relay| self.0.get(&relay.name()));
            known.is_some_and(|shunned| shunned.until > now)
        };
        let mut order: Vec<usize> = (0..relays.len()).collect();
        // A stable sort: among equals the configuration's order stands.
        order.sort_by_key(shunned);
        order
    }

    /// Learns from an attempt which relays work and which do not; the latter are tried last for `shun`, or a
    /// multiple of it.
    pub(super) fn learn(&mut self, landed: &Landed, now: Instant, shun: Duration) {
        let late = |relay: &&Arc<str>| landed.failed.contains(*relay);
        for relay in landed.worked.iter().filter(|relay| !late(relay)) {
            self.0.remove(relay);
        }
        for relay in &landed.failed {
            let before = self.0.get(relay);
            // What fails while it is tried last is the same failure, seen by several deliveries.
            if before.is_none_or(|shunned| shunned.until <= now) {
                let failures = before.map_or(0, |shunned| shunned.failures);
                let until = now + shun * (1 << failures.min(DOUBLINGS));
                let failures = failures.saturating_add(1);
                self.0
                    .insert(Arc::clone(relay), Shunned { until, failures });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::check::Recipient;
    use crate::core::outbox::Nid;

    const SHUN: Duration = Duration::from_secs(30);

    fn landed(worked: &[&str], failed: &[&str]) -> Landed {
        let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
        Landed {
            nid: Nid("00".into()),
            recipient: Recipient {
                channel: "email".into(),
                address: "ops@example.org".into(),
            },
            report: None,
            reported: false,
            worked: names(worked),
            failed: names(failed),
        }
    }

    #[test]
    fn a_relay_that_fails_again_is_tried_last_for_longer_until_it_works() {
        let relay = |name: &str| Relay::parse(&format!("smtp://{name}"), None).expect("a URL");
        let relays = [relay("a"), relay("b")];
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        for seconds in [30, 60, 120, 240, 480, 960, 1_920, 1_920] {
            assert_eq!(breaker.order(&relays, now), [0, 1]);
            for _ in 0..3 {
                breaker.learn(&landed(&["b:25"], &["a:25"]), now, SHUN);
            }
            let span = Duration::from_secs(seconds);
            assert_eq!(breaker.order(&relays, now + span - SHUN / 2), [1, 0]);
            now += span;
        }
        // One that takes it in the end, but late, has still failed.
        breaker.learn(&landed(&["a:25"], &["a:25"]), now, SHUN);
        assert_eq!(breaker.order(&relays, now), [1, 0]);
        breaker.learn(&landed(&["a:25"], &[]), now, SHUN);
        breaker.learn(&landed(&["b:25"], &["a:25"]), now, SHUN);
        assert_eq!(breaker.order(&relays, now + SHUN), [0, 1]);
    }
}
