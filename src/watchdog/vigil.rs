//! The decision of the watchdog: who stands still, and for how long already.

use std::time::Duration;

use super::{Pace, Part};

/// What a look came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// All of them move.
    Alive,
    /// This one does not, for so long.
    Stuck(Part, Duration),
    /// One did not, and that has been said.
    Told,
}

/// When each part was last seen to move.
#[derive(Debug)]
pub(super) struct Vigil {
    pace: Pace,
    pulses: Vec<Pulse>,
    last: Duration,
    /// Time in which this thread was itself awake.
    awake: Duration,
    told: bool,
}

#[derive(Debug)]
struct Pulse {
    part: Part,
    count: Option<u64>,
    /// On the clock `awake`.
    moved: Duration,
}

impl Vigil {
    pub(super) fn new(expected: &[Part], pace: Pace) -> Self {
        let pulse = |part: &Part| Pulse {
            part: *part,
            count: None,
            moved: Duration::ZERO,
        };
        Self {
            pace,
            pulses: expected.iter().map(pulse).collect(),
            last: Duration::ZERO,
            awake: Duration::ZERO,
            told: false,
        }
    }

    /// Looks at the counters, `now` after the start.
    ///
    /// Of a gap longer than two ticks only two ticks count: then this thread did not run either, because the
    /// process was stopped or the machine suspended, and the loops must be given their time again.
    pub(super) fn look(&mut self, now: Duration, count: impl Fn(Part) -> u64) -> Verdict {
        self.awake += now.saturating_sub(self.last).min(2 * self.pace.tick);
        self.last = now;
        for pulse in &mut self.pulses {
            let seen = Some(count(pulse.part));
            if pulse.count != seen {
                pulse.count = seen;
                pulse.moved = self.awake;
            }
        }
        if self.told {
            return Verdict::Told;
        }
        let stuck = self
            .pulses
            .iter()
            .map(|pulse| (pulse.part, self.awake.saturating_sub(pulse.moved)))
            .find(|(part, still)| *still >= (self.pace.patience)(*part));
        let Some((part, still)) = stuck else {
            return Verdict::Alive;
        };
        self.told = true;
        Verdict::Stuck(part, still)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        tick: Duration::from_secs(1),
        patience: Part::patience,
    };

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// Looks each second from the first to the last; the parts named in `still` stand at zero.
    fn live(vigil: &mut Vigil, from: u64, to: u64, still: &[Part]) -> Vec<(u64, Verdict)> {
        (from..=to)
            .map(|now| {
                let count = |part| if still.contains(&part) { 0 } else { now };
                (now, vigil.look(seconds(now), count))
            })
            .filter(|(_, verdict)| *verdict != Verdict::Alive)
            .collect()
    }

    #[test]
    fn loops_that_move_are_alive_for_ever() {
        let mut vigil = Vigil::new(&Part::ALL, PACE);
        assert_eq!(live(&mut vigil, 0, 100_000, &[]), []);
    }

    #[test]
    fn a_loop_that_stands_still_is_named_once_after_five_seconds() {
        for part in [Part::Scheduler, Part::Courier, Part::Web] {
            let mut vigil = Vigil::new(&Part::ALL, PACE);
            let turns = live(&mut vigil, 0, 7, &[part]);
            assert_eq!(
                turns,
                [
                    (5, Verdict::Stuck(part, seconds(5))),
                    (6, Verdict::Told),
                    (7, Verdict::Told)
                ]
            );
            assert_eq!(
                live(&mut vigil, 8, 9, &[]),
                [(8, Verdict::Told), (9, Verdict::Told)],
                "that it moves again changes nothing"
            );
        }
    }

    #[test]
    fn who_waits_for_the_disk_is_given_half_a_minute() {
        let mut vigil = Vigil::new(&Part::ALL, PACE);
        let still = [Part::Engine, Part::Journal];
        assert_eq!(live(&mut vigil, 0, 29, &still), []);
        assert_eq!(
            live(&mut vigil, 30, 30, &still),
            [(30, Verdict::Stuck(Part::Engine, seconds(30)))]
        );
    }

    #[test]
    fn a_part_that_is_not_expected_may_stand_still() {
        let mut vigil = Vigil::new(&[Part::Engine, Part::Web], PACE);
        assert_eq!(live(&mut vigil, 0, 60, &[Part::Courier]), []);
    }

    #[test]
    fn a_process_that_was_stopped_is_forgiven_and_one_that_hangs_after_it_is_not() {
        let mut vigil = Vigil::new(&Part::ALL, PACE);
        assert_eq!(live(&mut vigil, 0, 3, &[]), []);
        let stopped = |_| 3;
        assert_eq!(vigil.look(seconds(3_603), stopped), Verdict::Alive);
        assert_eq!(live(&mut vigil, 3_604, 3_700, &[]), []);
        let verdicts: Vec<_> = (3_701..=3_706)
            .map(|now| vigil.look(seconds(now), |_| 3_700))
            .collect();
        assert_eq!(verdicts[3], Verdict::Alive);
        assert_eq!(verdicts[4], Verdict::Stuck(Part::Scheduler, seconds(5)));
    }

    #[test]
    fn a_loop_that_hung_before_the_stop_is_given_only_the_rest_of_its_time() {
        let mut vigil = Vigil::new(&Part::ALL, PACE);
        assert_eq!(live(&mut vigil, 0, 2, &[Part::Web]), []);
        assert_eq!(live(&mut vigil, 100, 100, &[Part::Web]), []);
        assert_eq!(
            live(&mut vigil, 101, 101, &[Part::Web]),
            [(101, Verdict::Stuck(Part::Web, seconds(5)))]
        );
    }
}
