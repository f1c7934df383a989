//! Stories of time in which nobody watched: not running, suspended, or with a clock that was wrong.

use std::time::Duration;

use belfry::core::check::Check;
use belfry::core::heartbeat::Signal;
use belfry::core::input::Input;
use belfry::core::outcome::Verdict;
use belfry::core::state::Phase;
use belfry::core::time::Time;
use belfry::core::view;

use crate::looks;
use crate::story::{Story, check, heartbeat};

#[test]
fn a_deadline_that_passed_while_we_did_not_run_is_no_alarm() {
    let mut story = Story::of([heartbeat("backup")]);
    story.ping("backup", Signal::Success).said();
    // Due after an hour and ten minutes, of which we could hear thirty.
    story
        .after(Duration::from_mins(30))
        .rest(Duration::from_hours(5))
        .expect(&[])
        .after(Duration::from_mins(39))
        .expect(&[]);
    story.after(Duration::from_mins(1)).expect(&[
        "backup down: no ping in time",
        "incident: backup",
        "mail: opened",
    ]);
}

#[test]
fn the_time_in_which_we_did_not_run_is_unknown_to_the_millisecond() {
    let mut story = Story::of([check("shop")]);
    story.pass("shop").after(Duration::from_mins(7));
    story.rest(Duration::from_mins(90));
    story.pass("shop").after(Duration::from_mins(7));
    let shop = story.engine.named("shop").expect("there").clone();
    let spans = view::spans(&shop, story.now, Duration::from_hours(24));
    assert_eq!(
        (spans.up_ms, spans.down_ms, spans.unknown_ms),
        (14 * 60_000, 0, 90 * 60_000)
    );
}

#[test]
fn a_restart_tells_nobody_of_a_child_whose_parent_is_still_down() {
    let child = Check {
        depends_on: vec!["postgres".into()],
        ..check("shop")
    };
    let mut story = Story::of([check("postgres"), child]);
    looks(&mut story, "postgres", &[Verdict::Fail; 3]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.deliver().said();
    story.rest(Duration::from_secs(2)).expect(&[]);
    // The parent is well again and the child is not: now it is news, for whoever is to be told.
    story.pass("postgres").input(&Input::Tick).expect(&[
        "postgres up: good again",
        "incident closed: up: 200 OK",
        "mail: recovered",
        "incident: shop",
        "mail: opened",
    ]);
}

#[test]
fn a_restart_does_not_make_steady_what_flaps() {
    let mut story = Story::of([check("shop")]);
    while !story.engine.named("shop").expect("there").record.flapping {
        looks(&mut story, "shop", &[Verdict::Fail; 3]);
        story.deliver().pass("shop").after(Duration::from_secs(30));
    }
    story.said();
    story.rest(Duration::from_secs(2)).expect(&[]);
    assert_eq!(story.engine.incidents.len(), 1, "held open");
    story.after(Duration::from_mins(5)).expect(&[
        "shop is steady",
        "incident closed: up and steady for 5 min",
        "mail: recovered",
    ]);
}

#[test]
fn a_mail_that_waits_is_not_held_back_by_a_clock_that_is_set_back() {
    let mut story = Story::of([check("shop")]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.defer();
    let from = story.now;
    let to = Time::from_millis(from.millis() - 86_400_000);
    story.now = to;
    story.input(&Input::ClockSet { from, to });
    assert_eq!(story.due().len(), 0, "five seconds are not over");
    story.after(Duration::from_secs(5));
    assert_eq!(story.due().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_and_forth_is_no_flapping_and_no_silence() {
    let mut story = Story::of([heartbeat("backup")]);
    story.ping("backup", Signal::Success).said();
    for day in [86_400_000, -86_400_000, 86_400_000] {
        let from = story.now;
        let to = Time::from_millis(from.millis() + day);
        story.now = to;
        story
            .input(&Input::ClockSet { from, to })
            .after(Duration::from_mins(10));
    }
    story.expect(&[]);
    // The last ping moved along, so that deaf time after it still counts in full.
    let from = story.now;
    story.now = from + Duration::from_hours(3);
    let (to, reason) = (story.now, "overloaded".into());
    story
        .input(&Input::Deaf { from, to, reason })
        .after(Duration::from_mins(39))
        .expect(&[]);
    story.after(Duration::from_mins(1));
    assert_eq!(story.phase("backup"), Phase::Down);
}
