//! The state table of healthchecks.io, row by row: what each ping does to a heartbeat in each state.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::Check;
use belfry::core::heartbeat::{Beat, Filter, Ping, Rule, Signal};
use belfry::core::input::Input;
use belfry::core::state::Phase;
use uuid::Uuid;

use crate::story::{Story, heartbeat};

const MINUTE: Duration = Duration::from_mins(1);
/// Of the heartbeats of these stories: every hour, ten minutes of grace.
const GRACE: Duration = Duration::from_mins(10);
/// A moment before grace is over.
const JUST_BEFORE: Duration = Duration::from_millis(10 * 60_000 - 1);
const HOUR: Duration = Duration::from_hours(1);

fn ruled(rule: Rule) -> Check {
    Check {
        heartbeat: Some(rule),
        ..heartbeat("job")
    }
}

fn rule() -> Rule {
    Rule::new(GRACE, Uuid::from_u128(7))
}

fn beat(story: &Story) -> Beat {
    let watched = story.engine.named("job").expect("a heartbeat");
    watched.record.beat.clone().expect("a beat")
}

fn pause(story: &mut Story) {
    let (check, by) = (story.id("job"), "ops".into());
    story.input(&Input::Pause { check, by });
}

/// A story whose heartbeat is in this state.
fn in_phase(phase: Phase, rule: Rule) -> Story {
    let mut story = Story::of([ruled(rule)]);
    match phase {
        Phase::New => {}
        Phase::Up => {
            story.ping("job", Signal::Success);
        }
        Phase::Down => {
            story.ping("job", Signal::Fail);
        }
        Phase::Paused => pause(&mut story),
        Phase::Degraded => return Story::of([]),
    }
    story.after(MINUTE).said();
    assert_eq!(story.phase("job"), phase);
    story
}

#[test]
fn each_ping_leads_from_each_state_to_the_one_of_the_table() {
    use Phase::{Down, New, Paused, Up};
    for (from, signal, to) in [
        (New, Signal::Start, New),
        (New, Signal::Success, Up),
        (New, Signal::Exit(0), Up),
        (New, Signal::Fail, Down),
        (New, Signal::Exit(1), Down),
        (New, Signal::Log, New),
        (Up, Signal::Start, Up),
        (Up, Signal::Success, Up),
        (Up, Signal::Fail, Down),
        (Up, Signal::Exit(255), Down),
        (Up, Signal::Log, Up),
        (Down, Signal::Start, Down),
        (Down, Signal::Success, Up),
        (Down, Signal::Exit(0), Up),
        (Down, Signal::Fail, Down),
        (Down, Signal::Log, Down),
        (Paused, Signal::Start, Paused),
        (Paused, Signal::Success, Up),
        (Paused, Signal::Fail, Down),
        (Paused, Signal::Log, Paused),
    ] {
        let mut story = in_phase(from, rule());
        let before = beat(&story);
        story.ping("job", signal);
        let after = beat(&story);
        assert_eq!(story.phase("job"), to, "{from:?}, {signal:?}");
        assert_eq!(
            after.pings,
            before.pings + 1,
            "every ping counts: {signal:?}"
        );
        let heard = matches!(signal, Signal::Success | Signal::Fail | Signal::Exit(_));
        let last = if heard {
            Some(story.now)
        } else {
            before.last_ping
        };
        assert_eq!(after.last_ping, last, "{from:?}, {signal:?}");
        let started = (signal == Signal::Start).then_some((story.now, None));
        assert_eq!(after.last_start, started, "{from:?}, {signal:?}");
    }
}

#[test]
fn in_a_pause_that_only_an_operator_ends_every_ping_is_ignored() {
    let rule = Rule {
        manual_resume: true,
        ..rule()
    };
    for signal in [Signal::Start, Signal::Success, Signal::Fail, Signal::Log] {
        let mut story = in_phase(Phase::Paused, rule.clone());
        story.ping("job", signal).after(Duration::from_hours(48));
        story.expect(&[]);
        assert_eq!(story.phase("job"), Phase::Paused, "{signal:?}");
        let after = beat(&story);
        assert_eq!(
            (after.pings, after.last_ping, after.last_start),
            (1, None, None)
        );
    }
    let mut story = in_phase(Phase::Paused, rule);
    let (check, by) = (story.id("job"), "ops".into());
    story.input(&Input::Resume { check, by }).said();
    story.ping("job", Signal::Success);
    assert_eq!(story.phase("job"), Phase::Up);
}

#[test]
fn a_start_without_an_end_is_down_after_grace_from_new_up_and_paused() {
    for phase in [Phase::New, Phase::Up, Phase::Paused] {
        for fragile in [false, true] {
            let mut story = in_phase(phase, rule());
            story.fragile = fragile;
            story.ping("job", Signal::Start);
            story.after(JUST_BEFORE);
            assert_eq!(story.phase("job"), phase);
            story.after(Duration::from_millis(1));
            assert_eq!(story.phase("job"), Phase::Down, "{phase:?}");
        }
    }
    // One that is down cannot be late.
    let mut story = in_phase(Phase::Down, rule());
    story.ping("job", Signal::Start).after(HOUR).expect(&[]);
}

#[test]
fn the_earlier_of_both_deadlines_counts() {
    let mut story = in_phase(Phase::Up, rule());
    let up = story.now - MINUTE;
    story
        .after(Duration::from_mins(54))
        .ping("job", Signal::Start);
    let watched = story.engine.named("job").expect("a heartbeat");
    let due = watched.overdue_at().map(|(at, _)| at);
    assert_eq!(due, Some(story.now + GRACE), "by its start");
    assert!(due < Some(up + HOUR + GRACE));
    story.ping("job", Signal::Success);
    let watched = story.engine.named("job").expect("a heartbeat");
    let due = watched.overdue_at().map(|(at, _)| at);
    assert_eq!(due, Some(story.now + HOUR + GRACE), "by its end");
}

#[test]
fn a_duration_is_told_only_where_start_and_end_belong_together() {
    for (start, end, signal, took, left) in [
        (None, None, Signal::Success, true, false),
        (Some(1), Some(1), Signal::Success, true, false),
        (Some(1), Some(1), Signal::Fail, true, false),
        (Some(1), Some(2), Signal::Success, false, true),
        (Some(1), Some(2), Signal::Fail, false, false),
        (Some(1), None, Signal::Success, false, false),
        (None, Some(1), Signal::Success, false, true),
        (None, Some(1), Signal::Exit(3), false, false),
    ] {
        let mut story = Story::of([heartbeat("job")]);
        story.ping_of("job", Signal::Start, start).after(MINUTE);
        story.ping_of("job", signal, end);
        let after = beat(&story);
        let row = format!("{start:?} {end:?} {signal:?}");
        assert_eq!(after.last_took, took.then_some(MINUTE), "{row}");
        assert_eq!(after.last_start.is_some(), left, "{row}");
    }
}

#[test]
fn of_runs_that_overlap_each_has_to_end_in_time() {
    for fragile in [false, true] {
        let mut story = Story::of([heartbeat("job")]);
        story.fragile = fragile;
        story.ping_of("job", Signal::Start, Some(1)).after(MINUTE);
        story.ping_of("job", Signal::Start, Some(2)).after(MINUTE);
        story.ping_of("job", Signal::Success, Some(2));
        story.expect(&["job up: ping received"]);
        assert_eq!(beat(&story).last_took, Some(MINUTE));
        // The first one still runs, and is what the alarm is about.
        story.after(8 * MINUTE);
        let said = story.said();
        assert_eq!(
            said.first().map(String::as_str),
            Some("job down: started, but not finished in time")
        );
        // Its end, however late, is good news.
        story.ping_of("job", Signal::Success, Some(1));
        assert_eq!(story.phase("job"), Phase::Up);
        assert_eq!(beat(&story).last_took, Some(GRACE));
    }
}

#[test]
fn time_in_which_nothing_could_be_heard_is_given_to_every_run() {
    let mut story = Story::of([heartbeat("job")]);
    story.ping_of("job", Signal::Start, Some(1)).after(MINUTE);
    story.ping_of("job", Signal::Start, Some(2)).after(MINUTE);
    let (from, to) = (story.now, story.now + HOUR);
    story.now = to;
    let reason = "not running".into();
    story.input(&Input::Deaf { from, to, reason });
    story.after(7 * MINUTE).expect(&[]);
    story.after(MINUTE);
    assert_eq!(story.phase("job"), Phase::Down);
}

#[test]
fn what_the_rule_does_not_let_count_is_recorded_and_changes_nothing() {
    let only_post = Filter {
        only_post: true,
        ..Filter::default()
    };
    let words = Filter {
        http_body: true,
        success: "done".into(),
        failure: "error".into(),
        ..Filter::default()
    };
    let strict = Filter {
        default_fail: true,
        ..words.clone()
    };
    for (filter, method, body, signal, phase) in [
        (&only_post, "GET", "", Signal::Success, Phase::New),
        (&only_post, "HEAD", "", Signal::Fail, Phase::New),
        (&only_post, "POST", "", Signal::Success, Phase::Up),
        (&words, "POST", "all done", Signal::Success, Phase::Up),
        (&words, "POST", "all done", Signal::Fail, Phase::Up),
        (
            &words,
            "POST",
            "an error, done",
            Signal::Success,
            Phase::Down,
        ),
        (&words, "POST", "hello", Signal::Fail, Phase::New),
        (&words, "GET", "", Signal::Success, Phase::New),
        (&strict, "POST", "hello", Signal::Success, Phase::Down),
    ] {
        let mut story = Story::of([ruled(Rule {
            filter: Some(Arc::new(filter.clone())),
            ..rule()
        })]);
        let ping = Ping {
            method: method.into(),
            body: body.as_bytes().into(),
            ..story.heard(signal)
        };
        let check = story.id("job");
        story.input(&Input::Ping { check, ping });
        assert_eq!(
            story.phase("job"),
            phase,
            "{method} {body} {signal:?} {filter:?}"
        );
        assert_eq!(beat(&story).pings, 1);
    }
}
