//! Stories of jobs that report from elsewhere, over an uplink that is gone for a while.

use std::time::Duration;

use belfry::core::check::{Check, UPLINK};
use belfry::core::heartbeat::Signal;
use belfry::core::input::Input;
use belfry::core::state::Phase;

use crate::story::{Story, check, heartbeat};

const MINUTE: Duration = Duration::from_mins(1);
/// A moment before a job that was heard is overdue: after an hour, and ten minutes of grace.
const JUST_BEFORE: Duration = Duration::from_millis(70 * 60_000 - 1);
const MOMENT: Duration = Duration::from_millis(1);

const UPLINK_DOWN: [&str; 3] = [
    "belfry.uplink down: 3 failures in a row",
    "incident: belfry.uplink",
    "mail: opened",
];
const UPLINK_UP: [&str; 3] = [
    "belfry.uplink up: good again",
    "incident closed: up: 200 OK",
    "mail: recovered",
];
const OVERDUE: [&str; 3] = ["job down: no ping in time", "incident: job", "mail: opened"];

fn uplink() -> Check {
    Check {
        kind: UPLINK.into(),
        ..check("belfry.uplink")
    }
}

/// One that reports from elsewhere, every hour.
fn remote() -> Check {
    Check {
        behind: Some("belfry.uplink".into()),
        ..heartbeat("job")
    }
}

/// Tells a story of these, also with a crash after every step; the job was just heard.
fn in_both_ways(checks: &[Check], tell: impl Fn(&mut Story)) {
    for fragile in [false, true] {
        let mut story = Story::of(checks.iter().cloned());
        story.fragile = fragile;
        story.pass("belfry.uplink");
        story.ping("job", Signal::Success).said();
        tell(&mut story);
    }
}

/// The uplink is gone for so long, and is asked every minute.
fn gone(story: &mut Story, minutes: u32) {
    for _ in 0..minutes {
        story.fail("belfry.uplink").after(MINUTE);
    }
}

/// Whether its state is that of now.
fn is_seen(story: &Story, name: &str) -> bool {
    let engine = &story.engine;
    engine.is_seen(engine.named(name).expect("watched"))
}

/// What is said of it.
fn last(story: &Story, name: &str) -> String {
    let watched = story.engine.named(name).expect("watched");
    let last = watched.record.last.as_ref().expect("looked at");
    last.outcome.message()
}

#[test]
fn a_job_that_cannot_be_heard_is_not_overdue_before_it_had_all_its_time() {
    in_both_ways(&[uplink(), remote()], |story| {
        story.after(MINUTE * 60);
        gone(story, 30);
        // Its time was over in the middle of that.
        story.expect(&UPLINK_DOWN).deliver();
        assert_eq!(story.phase("job"), Phase::Up);
        assert!(!is_seen(story, "job"));
        story.pass("belfry.uplink").expect(&UPLINK_UP).deliver();
        assert!(is_seen(story, "job"));
        story
            .after(Duration::from_millis(10 * 60_000 - 1))
            .expect(&[]);
        story.after(MOMENT).expect(&OVERDUE);
        let said = last(story, "job");
        assert!(
            said.contains("and 30 min longer because it could not be heard"),
            "{said}"
        );
    });
}

#[test]
fn one_that_is_heard_meanwhile_or_afterwards_counts_from_there() {
    in_both_ways(&[uplink(), remote()], |story| {
        story.after(MINUTE * 60);
        gone(story, 20);
        story.expect(&UPLINK_DOWN).deliver();
        story.ping("job", Signal::Success).expect(&[]);
        gone(story, 10);
        story.pass("belfry.uplink").expect(&UPLINK_UP).deliver();
        // Ten minutes of its hour it could not be heard.
        story.after(JUST_BEFORE).expect(&[]);
        story.ping("job", Signal::Success).expect(&[]);
        story.after(JUST_BEFORE).expect(&[]);
        story.after(MOMENT).expect(&OVERDUE);
    });
}

#[test]
fn a_failure_that_is_reported_counts_and_is_told_when_the_uplink_is_back() {
    in_both_ways(&[uplink(), remote()], |story| {
        gone(story, 5);
        story.expect(&UPLINK_DOWN).deliver();
        story.ping("job", Signal::Fail);
        story.expect(&["job down: the job reported a failure"]);
        story.pass("belfry.uplink").expect(&UPLINK_UP).deliver();
        story.input(&Input::Tick);
        story.expect(&["incident: job", "mail: opened"]);
    });
}

#[test]
fn a_job_on_this_machine_is_overdue_as_ever() {
    in_both_ways(&[uplink(), heartbeat("job")], |story| {
        story.after(MINUTE * 60);
        gone(story, 9);
        story.expect(&UPLINK_DOWN);
        story.fail("belfry.uplink").after(MINUTE).expect(&OVERDUE);
    });
}

#[test]
fn one_lost_packet_of_the_uplink_makes_a_job_later_by_no_more_than_its_time() {
    in_both_ways(&[uplink(), remote()], |story| {
        story.after(JUST_BEFORE);
        story
            .fail("belfry.uplink")
            .after(Duration::from_secs(5))
            .expect(&[]);
        story.pass("belfry.uplink").expect(&[]);
        story.after(Duration::from_millis(4_999)).expect(&[]);
        story.after(MOMENT).expect(&OVERDUE);
    });
}

#[test]
fn an_uplink_that_is_paused_or_not_looked_at_any_more_excuses_nobody() {
    in_both_ways(&[uplink(), remote()], |story| {
        story.after(MINUTE * 60);
        gone(story, 20);
        story.expect(&UPLINK_DOWN).deliver();
        let (check, by) = (story.id("belfry.uplink"), "ops".into());
        story.input(&Input::Pause { check, by });
        story.said();
        story.after(Duration::ZERO);
        assert_eq!(story.phase("job"), Phase::Down);
    });
    in_both_ways(&[uplink(), remote()], |story| {
        story.after(MINUTE * 60);
        gone(story, 20);
        story.expect(&UPLINK_DOWN).deliver();
        story.plan([heartbeat("job")]);
        story.after(Duration::ZERO);
        assert_eq!(story.phase("job"), Phase::Down);
    });
}

#[test]
fn nothing_wakes_the_engine_for_one_that_cannot_be_heard() {
    let mut story = Story::of([uplink(), remote()]);
    story.pass("belfry.uplink");
    story.ping("job", Signal::Success);
    story.after(MINUTE * 69).fail("belfry.uplink");
    story.after(MINUTE * 10);
    let next = story.engine.next_wake().expect("a window of uptime ends");
    assert!(next > story.now);
}
