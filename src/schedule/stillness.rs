//! Time in which nothing of us ran: no delay of a look, and no fault of a target.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::stood_still;

/// The longest time between two times that the loop is awake, when all is well.
pub(super) const NAP: Duration = Duration::from_millis(500);

/// When the loop was last awake, and when it last was again after it had stood still.
#[derive(Default)]
pub(super) struct Stillness {
    awake: Option<Instant>,
    over: Option<Instant>,
}

impl Stillness {
    /// The loop is awake `now`.
    pub(super) fn wake(&mut self, now: Instant) {
        let slept = self.awake.map(|awake| now.saturating_duration_since(awake));
        if slept.is_some_and(|slept| stood_still(slept, NAP)) {
            self.over = Some(now);
        }
        self.awake = Some(now);
    }

    /// How much of a delay up to `now` is ours: standing still is told apart, as deaf time.
    pub(super) fn ours(&self, late: Duration, now: Instant) -> Duration {
        let since = self.over.map(|over| now.saturating_duration_since(over));
        since.map_or(late, |since| late.min(since))
    }

    /// Whether we stood still at some time since `began`.
    pub(super) fn has_been_since(&self, began: Instant) -> bool {
        self.over.is_some_and(|over| over > began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_loop_that_is_awake_all_the_time_accounts_for_every_delay() {
        let (mut stillness, begin) = (Stillness::default(), Instant::now());
        stillness.wake(begin);
        stillness.wake(begin + SECOND * 2);
        assert_eq!(stillness.ours(SECOND * 9, begin + SECOND * 2), SECOND * 9);
        assert!(!stillness.has_been_since(begin));
    }

    #[test]
    fn what_was_due_while_we_stood_still_is_late_from_its_end_and_what_began_before_is_not_to_be_trusted()
     {
        let (mut stillness, begin) = (Stillness::default(), Instant::now());
        stillness.wake(begin);
        let over = begin + SECOND * 75;
        stillness.wake(over);
        assert_eq!(stillness.ours(SECOND * 70, over), Duration::ZERO);
        assert_eq!(stillness.ours(SECOND * 70, over + SECOND), SECOND);
        assert_eq!(stillness.ours(SECOND / 2, over + SECOND), SECOND / 2);
        assert!(stillness.has_been_since(over - SECOND));
        assert!(!stillness.has_been_since(over + SECOND));
        // A delay of the next hour is a delay again.
        stillness.wake(over + SECOND);
        assert_eq!(
            stillness.ours(SECOND * 9, over + SECOND * 3_600),
            SECOND * 9
        );
    }
}
