use super::*;
use Verdict::{Fail, Pass, Unknown, Warn};

fn walk(fail_after: Threshold, recover_after: u8, looks: &[Verdict]) -> Vec<Phase> {
    let thresholds = Thresholds {
        fail_after,
        recover_after,
    };
    let mut state = State::NEW;
    let step = |verdict: &Verdict| {
        state = match state.step(*verdict, thresholds) {
            Step::Stay(next) | Step::Turn(next, _) => next,
        };
        state.phase()
    };
    looks.iter().map(step).collect()
}

#[test]
fn three_failures_in_a_row_are_down_and_two_are_not() {
    use Phase::{Down, Up};
    assert_eq!(
        walk(
            Threshold::in_a_row(3),
            1,
            &[Pass, Fail, Fail, Pass, Fail, Fail, Fail, Pass]
        ),
        [Up, Up, Up, Up, Up, Up, Down, Up]
    );
}

#[test]
fn unknown_neither_counts_nor_breaks_a_streak() {
    use Phase::{Down, New, Up};
    assert_eq!(
        walk(
            Threshold::in_a_row(2),
            1,
            &[Unknown, Pass, Fail, Unknown, Fail]
        ),
        [New, Up, Up, Up, Down]
    );
}

#[test]
fn three_of_five_need_not_be_in_a_row() {
    use Phase::{Down, Up};
    let three_of_five = Threshold { bad: 3, of: 5 };
    assert_eq!(
        walk(three_of_five, 1, &[Pass, Fail, Pass, Fail, Pass, Fail]),
        [Up, Up, Up, Up, Up, Down]
    );
    assert_eq!(
        walk(
            three_of_five,
            1,
            &[Pass, Fail, Pass, Pass, Fail, Pass, Pass, Fail]
        ),
        [Up; 8]
    );
}

#[test]
fn warnings_degrade_and_never_take_down() {
    use Phase::{Degraded, Down, Up};
    assert_eq!(
        walk(
            Threshold::in_a_row(2),
            2,
            &[Pass, Warn, Warn, Warn, Pass, Pass]
        ),
        [Up, Up, Degraded, Degraded, Degraded, Up]
    );
    assert_eq!(
        walk(Threshold::in_a_row(2), 1, &[Pass, Warn, Fail, Fail]),
        [Up, Up, Degraded, Down]
    );
}

#[test]
fn recovery_waits_for_enough_good_looks_in_a_row() {
    use Phase::{Degraded, Down, New, Up};
    assert_eq!(
        walk(Threshold::in_a_row(1), 2, &[Fail, Pass, Fail, Pass, Pass]),
        [Down, Down, Down, Down, Up]
    );
    assert_eq!(
        walk(Threshold::in_a_row(2), 1, &[Fail, Fail, Warn]),
        [New, Down, Degraded]
    );
}

#[test]
fn failures_in_a_row_are_counted_on_while_it_is_down() {
    let thresholds = Thresholds {
        fail_after: Threshold { bad: 2, of: 3 },
        recover_after: 2,
    };
    let mut state = State::NEW;
    let looks = [
        Pass, Fail, Pass, Fail, Fail, Unknown, Fail, Warn, Fail, Pass, Pass,
    ];
    let counts = looks.map(|verdict| {
        state = match state.step(verdict, thresholds) {
            Step::Stay(next) | Step::Turn(next, _) => next,
        };
        (state.phase() == Phase::Down, state.failures())
    });
    let down = |failures| (true, failures);
    let not = |failures| (false, failures);
    assert_eq!(
        counts,
        [
            not(0),
            not(1),
            not(0),
            down(1),
            down(2),
            down(2),
            down(3),
            down(0),
            down(1),
            down(0),
            not(0)
        ]
    );
}

#[test]
fn a_state_of_an_earlier_journal_is_read() {
    let state = serde_json::from_str::<State>(r#"{"is":"down","good":1}"#).unwrap();
    assert_eq!(state, State::Down { good: 1, failed: 0 });
}

#[test]
fn a_window_of_sixty_four_is_the_longest() {
    let all = Threshold { bad: 64, of: 64 };
    let looks: Vec<Verdict> = std::iter::once(Pass)
        .chain(std::iter::repeat_n(Fail, 64))
        .collect();
    let phases = walk(all, 1, &looks);
    assert_eq!((phases[63], phases[64]), (Phase::Up, Phase::Down));
}
