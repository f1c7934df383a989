//! Stories of pings that come late: jobs that report while nobody listens, and are delivered afterwards.

use std::time::Duration;

use belfry::core::heartbeat::{Ping, Signal};
use belfry::core::input::Input;
use belfry::core::state::Phase;
use uuid::Uuid;

use crate::story::{Story, heartbeat};

const MINUTE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_millis(1);

/// The moment before.
fn before(span: Duration) -> Duration {
    span.saturating_sub(MOMENT)
}

const OVERDUE: [&str; 3] = ["job down: no ping in time", "incident: job", "mail: opened"];

/// A ping that tells of what happened so long ago.
fn late(story: &mut Story, signal: Signal, rid: u128, late: Duration) {
    let ping = Ping {
        at: story.now - late,
        rid: Some(Uuid::from_u128(rid)),
        late,
        ..story.heard(signal)
    };
    let check = story.id("job");
    story.input(&Input::Ping { check, ping });
}

/// Tells a story of a job that reports every hour and has ten minutes of grace, also with a crash after every step.
fn in_both_ways(tell: impl Fn(&mut Story)) {
    for fragile in [false, true] {
        let mut story = Story::of([heartbeat("job")]);
        story.fragile = fragile;
        story.ping("job", Signal::Success).said();
        tell(&mut story);
    }
}

fn runs(story: &Story) -> usize {
    let job = story.engine.named("job").expect("watched");
    job.record
        .beat
        .as_ref()
        .map_or(0, |beat| beat.runs().count())
}

#[test]
fn a_run_that_is_told_of_afterwards_is_not_unfinished_before_its_end_had_time_to_come() {
    in_both_ways(|story| {
        story.after(MINUTE * 30).rest(MINUTE * 120).said();
        late(story, Signal::Start, 1, MINUTE * 90);
        story.after(MINUTE).expect(&[]);
        late(story, Signal::Success, 1, MINUTE * 61);
        assert_eq!((story.phase("job"), runs(story)), (Phase::Up, 0));
        let job = story.engine.named("job").expect("watched");
        let took = job.record.beat.as_ref().and_then(|beat| beat.last_took);
        assert_eq!(took, Some(MINUTE * 30));
    });
    in_both_ways(|story| {
        story.after(MINUTE * 30).rest(MINUTE * 120).said();
        late(story, Signal::Start, 1, MINUTE * 90);
        story.after(before(MINUTE * 10)).expect(&[]);
        story.after(MOMENT).expect(&[
            "job down: started, but not finished in time",
            "incident: job",
            "mail: opened",
        ]);
    });
}

#[test]
fn what_is_expected_after_a_ping_that_came_late_is_later_by_as_much() {
    in_both_ways(|story| {
        story.after(MINUTE * 30).rest(MINUTE * 120).said();
        late(story, Signal::Success, 1, MINUTE * 60);
        story.after(before(MINUTE * 70)).expect(&[]);
        story.after(MOMENT).expect(&OVERDUE);
    });
}

#[test]
fn nothing_is_overdue_in_the_moments_after_nobody_listened() {
    in_both_ways(|story| {
        story.after(before(MINUTE * 70)).rest(MINUTE).expect(&[]);
        story.after(before(Duration::from_secs(20))).expect(&[]);
        story.after(MOMENT).expect(&OVERDUE);
    });
    // Not longer than that was.
    in_both_ways(|story| {
        story
            .after(before(MINUTE * 70))
            .rest(MINUTE / 60)
            .expect(&[]);
        story.after(before(MINUTE / 60)).expect(&[]);
        story.after(MOMENT).expect(&OVERDUE);
    });
}

#[test]
fn a_short_time_without_listening_takes_nothing_of_the_moments_after_a_long_one() {
    in_both_ways(|story| {
        story.after(before(MINUTE * 70)).rest(MINUTE);
        story.after(Duration::from_secs(1)).rest(MOMENT).expect(&[]);
        story.after(Duration::from_secs(18)).expect(&[]);
        story.after(Duration::from_secs(1)).expect(&OVERDUE);
    });
}

#[test]
fn a_failure_that_comes_late_counts_unless_the_job_has_ended_again_since() {
    in_both_ways(|story| {
        story.ping_of("job", Signal::Start, Some(1)).after(MINUTE);
        story.ping_of("job", Signal::Start, Some(2)).after(MINUTE);
        // It failed before the other began.
        late(story, Signal::Exit(3), 1, MINUTE + MINUTE / 2);
        story.expect(&[
            "job down: the job reported a failure",
            "incident: job",
            "mail: opened",
        ]);
    });
    in_both_ways(|story| {
        story.ping_of("job", Signal::Start, Some(1)).after(MINUTE);
        story.ping_of("job", Signal::Start, Some(2)).after(MINUTE);
        story.ping_of("job", Signal::Success, Some(2)).expect(&[]);
        assert_eq!(runs(story), 1);
        late(story, Signal::Exit(3), 1, MINUTE / 2);
        story.expect(&[]);
        // It ended all the same, and is not waited for.
        assert_eq!((story.phase("job"), runs(story)), (Phase::Up, 0));
        // One that is told to have begun before is no run of now.
        late(story, Signal::Start, 3, MINUTE / 4);
        assert_eq!(runs(story), 0);
    });
}
