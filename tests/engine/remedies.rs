//! Stories of checks that are healed by themselves, and of those that are not.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::Check;
use belfry::core::heartbeat::Signal;
use belfry::core::input::Input;
use belfry::core::remedy::{Limit, Rule, Then};
use belfry::core::time::Time;

use crate::story::{Story, check, heartbeat};

const RESTART: &str = "remedy for shop: restart shop.service";
const DONE: &str = "shop remedied: done";

fn rule() -> Rule {
    Rule {
        what: "restart shop.service".into(),
        after: 2,
        limit: Limit {
            times: 2,
            within: Duration::from_mins(15),
        },
        timeout: Duration::from_secs(90),
        steps: 1,
        settle: Duration::from_secs(10),
        then: Then::Alert,
        quiet: true,
    }
}

fn treated(check: Check, rule: Rule) -> Check {
    Check {
        remedy: Some(Arc::new(rule)),
        ..check
    }
}

/// The remedy under way ends.
fn done(story: &mut Story) -> &mut Story {
    let shop = story
        .engine
        .remedied_now()
        .next()
        .expect("one is under way");
    let began = shop
        .record
        .tried
        .as_ref()
        .and_then(|tried| tried.under_way());
    let input = Input::Remedied {
        check: shop.id,
        began: began.expect("it has begun"),
        report: "done".into(),
    };
    story.input(&input)
}

/// Each story is also told with a crash after every step.
fn in_both_ways(check: &Check, tell: impl Fn(&mut Story)) {
    for fragile in [false, true] {
        let mut story = Story::of([check.clone()]);
        story.fragile = fragile;
        story.pass("shop").said();
        tell(&mut story);
    }
}

#[test]
fn what_a_restart_heals_wakes_nobody() {
    in_both_ways(&treated(check("shop"), rule()), |story| {
        story.fail("shop").expect(&[]);
        story.fail("shop").expect(&[RESTART]);
        done(story).expect(&[DONE]);
        story
            .after(Duration::from_secs(10))
            .pass("shop")
            .expect(&[]);
        story.after(Duration::from_hours(1)).expect(&[]);
    });
}

#[test]
fn people_are_told_when_the_remedies_are_used_up_and_what_was_tried() {
    in_both_ways(&treated(check("shop"), rule()), |story| {
        story.fail("shop").fail("shop").expect(&[RESTART]);
        // It goes down while the first one is under way: there is hope yet.
        story
            .fail("shop")
            .expect(&["shop down: 3 failures in a row"]);
        done(story).expect(&[DONE]);
        // Too early to tell.
        story.after(Duration::from_secs(9)).fail("shop").expect(&[]);
        story
            .after(Duration::from_secs(1))
            .fail("shop")
            .expect(&[RESTART]);
        done(story).expect(&[DONE]);
        story
            .after(Duration::from_secs(10))
            .fail("shop")
            .expect(&["incident: shop", "mail: opened"]);
        let incident = story.engine.incidents.values().next().expect("one");
        let lines: Vec<&str> = incident.timeline.iter().map(|entry| &*entry.text).collect();
        assert_eq!(
            lines,
            [
                "first failure: connection refused",
                "remedy: done",
                "remedy: done",
                "3 failures in a row: down"
            ]
        );
        // The limit frees itself; what is tried then is in the timeline, and nobody gets another mail.
        story
            .after(Duration::from_mins(15))
            .fail("shop")
            .expect(&[RESTART]);
        done(story).expect(&[DONE]);
    });
}

#[test]
fn one_that_is_to_stop_tries_no_more_before_the_check_was_good() {
    let rule = Rule {
        then: Then::Stop,
        limit: Limit {
            times: 1,
            within: Duration::from_mins(1),
        },
        ..rule()
    };
    in_both_ways(&treated(check("shop"), rule), |story| {
        story.fail("shop").fail("shop").expect(&[RESTART]);
        done(story).said();
        story.after(Duration::from_hours(1));
        story.fail("shop").fail("shop").said();
        assert_eq!(story.engine.remedied_now().count(), 0);
        story.after(Duration::from_hours(1)).pass("shop").said();
        story.after(Duration::from_hours(1));
        story.fail("shop").fail("shop").expect(&[RESTART]);
    });
}

#[test]
fn a_remedy_that_does_not_end_holds_the_alarm_no_longer_than_it_may_take() {
    in_both_ways(&treated(check("shop"), rule()), |story| {
        story.fail("shop").fail("shop").expect(&[RESTART]);
        story.fail("shop").said();
        // 90 s for the command, 10 s to show, 5 s for a look.
        story.after(Duration::from_secs(104)).expect(&[]);
        story.after(Duration::from_secs(1)).expect(&[
            "shop not helped",
            "incident: shop",
            "mail: opened",
        ]);
    });
}

#[test]
fn who_wants_to_know_at_once_is_told_at_once() {
    let rule = Rule {
        quiet: false,
        ..rule()
    };
    in_both_ways(&treated(check("shop"), rule), |story| {
        story.fail("shop").fail("shop").expect(&[RESTART]);
        story.fail("shop").expect(&[
            "shop down: 3 failures in a row",
            "incident: shop",
            "mail: opened",
        ]);
        done(story).expect(&[DONE]);
        let incident = story.engine.incidents.values().next().expect("one");
        let last = incident.timeline.last().expect("a line");
        assert_eq!(&*last.text, "remedy: done");
    });
}

#[test]
fn where_somebody_is_at_work_nothing_happens_by_itself() {
    let rule = Rule {
        after: 5,
        quiet: false,
        ..rule()
    };
    in_both_ways(&treated(check("shop"), rule), |story| {
        story.fail("shop").fail("shop").fail("shop").said();
        let incident = story.engine.incidents.keys().next().expect("one").clone();
        let acknowledge = Input::Acknowledge {
            incident,
            by: "ann".into(),
            note: "".into(),
        };
        story.input(&acknowledge).said();
        story.fail("shop").fail("shop").fail("shop").expect(&[]);
    });
}

#[test]
fn what_a_parent_has_broken_is_healed_there() {
    let shop = Check {
        depends_on: vec!["db".into()],
        ..treated(check("shop"), rule())
    };
    let mut story = Story::of([check("db"), shop]);
    story.pass("db").pass("shop").fail("db").said();
    story.fail("shop").fail("shop").fail("shop").said();
    assert_eq!(story.engine.remedied_now().count(), 0);
}

#[test]
fn a_job_that_stays_silent_is_run_once_and_then_people_are_told() {
    let rule = Rule { after: 1, ..rule() };
    let mut story = Story::of([treated(heartbeat("shop"), rule)]);
    story.ping("shop", Signal::Success).said();
    story
        .after(Duration::from_mins(70))
        .expect(&["shop down: no ping in time", RESTART]);
    done(&mut story).expect(&[DONE]);
    story.after(Duration::from_secs(14)).expect(&[]);
    story.after(Duration::from_secs(1)).expect(&[
        "shop not helped",
        "incident: shop",
        "mail: opened",
    ]);
}

#[test]
fn an_end_that_belongs_to_no_attempt_means_nothing() {
    in_both_ways(&treated(check("shop"), rule()), |story| {
        story.fail("shop").fail("shop").expect(&[RESTART]);
        let check = story.engine.named("shop").expect("there").id;
        let stale = Input::Remedied {
            check,
            began: Time::from_millis(1),
            report: "done".into(),
        };
        story.input(&stale).expect(&[]);
        done(story).expect(&[DONE]);
    });
}

#[test]
fn a_clock_that_is_set_moves_the_wait_for_a_remedy_along() {
    in_both_ways(&treated(check("shop"), rule()), |story| {
        story.fail("shop").fail("shop").expect(&[RESTART]);
        story.fail("shop").said();
        let (from, to) = (story.now, story.now + Duration::from_hours(24 * 365));
        story.now = to;
        story.input(&Input::ClockSet { from, to }).expect(&[]);
        done(story).expect(&[DONE]);
        story
            .after(Duration::from_secs(10))
            .pass("shop")
            .expect(&["shop up: good again"]);
    });
}
