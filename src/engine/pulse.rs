//! Notices when the loop stood still: the process was stopped, or had no processor.

use std::time::Duration;

use crate::clock::stood_still;
use crate::core::time::Time;

/// When the loop last showed life, and every gap since it was last asked. It beats between two rounds and while it
/// waits for the disk: a process that is stopped just then hears as little as any.
pub(super) struct Pulse {
    last: Time,
    /// The longest time between two beats when all is well.
    nap: Duration,
    gaps: Vec<(Time, Time)>,
}

impl Pulse {
    /// A loop that begins `now` and beats at least every `nap`.
    pub(super) fn new(now: Time, nap: Duration) -> Self {
        Self {
            last: now,
            nap,
            gaps: Vec::new(),
        }
    }

    /// The loop is alive `now`.
    pub(super) fn beat(&mut self, now: Time) {
        if stood_still(now.since(self.last), self.nap) {
            self.gaps.push((self.last, now));
        }
        self.last = now;
    }

    /// The clock goes on from `now`; what was before is accounted for.
    pub(super) fn jump(&mut self, now: Time) {
        self.last = now;
    }

    /// The times in which nothing could be heard, each told once.
    pub(super) fn gaps(&mut self) -> Vec<(Time, Time)> {
        std::mem::take(&mut self.gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_beats_has_no_gap_and_one_that_stood_still_tells_of_it_once() {
        let second = Duration::from_secs(1);
        let begin = Time::default();
        let mut pulse = Pulse::new(begin, second);
        pulse.beat(begin + second);
        pulse.beat(begin + second * 4);
        assert_eq!(pulse.gaps(), [], "late, and within a client's patience");
        let (from, to) = (begin + second * 4, begin + second * 10);
        pulse.beat(to);
        pulse.beat(to + second);
        assert_eq!(pulse.gaps(), [(from, to)]);
        assert_eq!(pulse.gaps(), []);
    }

    #[test]
    fn what_the_clock_jumped_over_is_no_gap() {
        let begin = Time::default();
        let mut pulse = Pulse::new(begin, Duration::from_secs(1));
        pulse.jump(begin + Duration::from_hours(8));
        pulse.beat(begin + Duration::from_hours(8));
        assert_eq!(pulse.gaps(), []);
    }
}
