//! Stories of jobs that report, and of those that do not.

use std::time::Duration;

use belfry::core::heartbeat::Signal;
use belfry::core::input::Input;
use belfry::core::state::Phase;

use crate::story::{Story, heartbeat};

#[test]
fn a_silent_heartbeat_is_down_at_the_deadline_and_not_a_millisecond_before() {
    let mut story = Story::of([heartbeat("backup")]);
    story
        .ping("backup", Signal::Success)
        .expect(&["backup up: ping received"]);
    story
        .after(Duration::from_mins(70) - Duration::from_millis(1))
        .expect(&[]);
    story.after(Duration::from_millis(1)).expect(&[
        "backup down: no ping in time",
        "incident: backup",
        "mail: opened",
    ]);
    assert_eq!(
        &*story.engine.incidents.values().next().unwrap().evidence,
        "no ping since 2026-11-23 13:00:00 CET, expected by 2026-11-23 14:00:00 CET"
    );
    story.deliver().ping("backup", Signal::Success).expect(&[
        "backup up: ping received",
        "incident closed: up: job succeeded",
        "mail: recovered",
    ]);
}

#[test]
fn a_heartbeat_that_never_spoke_is_new_for_ever() {
    let mut story = Story::of([heartbeat("backup")]);
    story.after(Duration::from_hours(24 * 30)).expect(&[]);
    assert_eq!(story.phase("backup"), Phase::New);
}

#[test]
fn a_started_job_that_does_not_finish_is_down_even_from_new() {
    let mut story = Story::of([heartbeat("backup")]);
    story
        .ping("backup", Signal::Start)
        .after(Duration::from_mins(10));
    story.expect(&[
        "backup down: started, but not finished in time",
        "incident: backup",
        "mail: opened",
    ]);
}

#[test]
fn a_failed_job_alarms_at_once_with_its_exit_code() {
    let mut story = Story::of([heartbeat("backup")]);
    story
        .ping("backup", Signal::Start)
        .after(Duration::from_mins(3))
        .ping("backup", Signal::Exit(3));
    story.expect(&[
        "backup down: the job reported a failure",
        "incident: backup",
        "mail: opened",
    ]);
    let last = story
        .engine
        .named("backup")
        .expect("there")
        .record
        .last
        .clone()
        .expect("a look");
    assert_eq!(
        last.outcome.message(),
        "job failed with exit code 3 after 3 min"
    );
}

#[test]
fn deaf_time_extends_every_deadline_by_as_much() {
    let mut story = Story::of([heartbeat("backup")]);
    story
        .ping("backup", Signal::Success)
        .after(Duration::from_mins(30))
        .said();
    let from = story.now;
    story.now = from + Duration::from_hours(8);
    let to = story.now;
    story
        .input(&Input::Deaf {
            from,
            to,
            reason: "not running".into(),
        })
        .after(Duration::from_mins(39))
        .expect(&[]);
    story.after(Duration::from_mins(1)).expect(&[
        "backup down: no ping in time",
        "incident: backup",
        "mail: opened",
    ]);
}
