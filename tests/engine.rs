//! Stories of the engine, with simulated time.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::{Check, Flapping};
use belfry::core::heartbeat::Signal;
use belfry::core::input::Input;
use belfry::core::outcome::Verdict;
use belfry::core::schedule::Schedule;
use belfry::core::state::{Phase, Threshold};
use belfry::core::view;

#[path = "engine/away.rs"]
mod away;
#[path = "engine/beats.rs"]
mod beats;
#[path = "engine/behind.rs"]
mod behind;
#[path = "engine/hands.rs"]
mod hands;
#[path = "engine/isolation.rs"]
mod isolation;
#[path = "engine/late.rs"]
mod late;
#[path = "engine/made.rs"]
mod made;
#[path = "engine/members.rs"]
mod members;
#[path = "engine/plans.rs"]
mod plans;
#[path = "engine/remedies.rs"]
mod remedies;
#[path = "engine/rotation.rs"]
mod rotation;
#[path = "engine/silence.rs"]
mod silence;
#[path = "common/story.rs"]
mod story;
#[path = "engine/tolerance.rs"]
mod tolerance;

use story::{Story, check, heartbeat};

const LOOK: Duration = Duration::from_secs(30);

/// Looks at `name` every 30 s with these verdicts.
fn looks(story: &mut Story, name: &str, verdicts: &[Verdict]) {
    for &verdict in verdicts {
        story.look(name, verdict).after(LOOK);
    }
}

#[test]
fn three_failures_open_one_incident_and_a_pass_closes_it() {
    Story::of([check("shop")])
        .pass("shop")
        .expect(&["shop up: first good look"])
        .after(LOOK)
        .fail("shop")
        .after(LOOK)
        .fail("shop")
        .after(LOOK)
        .expect(&[])
        .fail("shop")
        .expect(&[
            "shop down: 3 failures in a row",
            "incident: shop",
            "mail: opened",
        ])
        .deliver()
        .after(Duration::from_hours(2))
        .fail("shop")
        .expect(&[])
        .pass("shop")
        .expect(&[
            "shop up: good again",
            "incident closed: up: 200 OK",
            "mail: recovered",
        ])
        .deliver()
        .after(Duration::from_hours(24))
        .expect(&[]);
}

#[test]
fn a_check_that_was_never_up_alarms_like_any_other() {
    let mut story = Story::of([check("shop")]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.expect(&[
        "shop down: 3 failures in a row",
        "incident: shop",
        "mail: opened",
    ]);
}

#[test]
fn a_crash_at_any_step_changes_nothing_that_is_decided() {
    let tell = |fragile| {
        let mut story = Story::of([check("shop"), heartbeat("backup")]);
        story.fragile = fragile;
        story.pass("shop").ping("backup", Signal::Success);
        looks(&mut story, "shop", &[Verdict::Fail; 4]);
        story.defer().after(Duration::from_secs(6)).deliver();
        story
            .after(Duration::from_hours(2))
            .deliver()
            .pass("shop")
            .ping("backup", Signal::Success)
            .deliver();
        looks(
            &mut story,
            "shop",
            &[
                Verdict::Fail,
                Verdict::Fail,
                Verdict::Unknown,
                Verdict::Fail,
            ],
        );
        story.pass("shop").deliver().after(Duration::from_mins(30));
        (story.said(), story.queued.clone())
    };
    let (said, queued) = tell(false);
    assert_eq!((said, queued), tell(true));
}

#[test]
fn a_recovery_while_the_alarm_waits_makes_one_mail_of_both() {
    let mut story = Story::of([check("shop")]);
    looks(
        &mut story,
        "shop",
        &[Verdict::Pass, Verdict::Fail, Verdict::Fail, Verdict::Fail],
    );
    story.defer().said();
    story.pass("shop").expect(&[
        "shop up: good again",
        "incident closed: up: 200 OK",
        "mail: missed",
        "mail superseded",
    ]);
    assert_eq!(
        story.due().len(),
        1,
        "only the mail that tells both is left"
    );
}

#[test]
fn a_recovery_waits_behind_an_alarm_that_is_being_handed_over() {
    let mut story = Story::of([check("shop")]);
    looks(
        &mut story,
        "shop",
        &[Verdict::Pass, Verdict::Fail, Verdict::Fail, Verdict::Fail],
    );
    let alarm = story.due().remove(0);
    let sending = belfry::core::outbox::Delivery::Sending {
        relay: "localhost".into(),
    };
    story
        .input(&Input::Delivery {
            nid: alarm.clone(),
            delivery: sending,
        })
        .pass("shop");
    assert_eq!(
        story.due(),
        [alarm],
        "the recovery is not due before the alarm is through"
    );
    story.deliver();
    assert_eq!(story.due().len(), 1, "now the recovery is");
    story.deliver();
    assert!(story.engine.outbox.is_empty());
}

#[test]
fn nobody_is_told_of_the_end_of_what_they_could_not_be_told_of() {
    let mut story = Story::of([check("shop")]);
    looks(
        &mut story,
        "shop",
        &[Verdict::Pass, Verdict::Fail, Verdict::Fail, Verdict::Fail],
    );
    let alarm = story.due().remove(0);
    let refused = belfry::core::outbox::Delivery::Refused {
        reply: "550 no such user".into(),
    };
    story
        .input(&Input::Delivery {
            nid: alarm,
            delivery: refused,
        })
        .said();
    story
        .pass("shop")
        .expect(&["shop up: good again", "incident closed: up: 200 OK"]);
}

#[test]
fn a_child_is_held_while_its_parent_is_down_and_speaks_when_it_stays_down() {
    let child = Check {
        depends_on: vec!["db".into()],
        ..check("shop")
    };
    let mut story = Story::of([check("db"), child]);
    story.pass("db").pass("shop").said();
    for _ in 0..3 {
        story.fail("shop").fail("db").after(LOOK);
    }
    story.expect(&[
        "shop down: 3 failures in a row",
        "db down: 3 failures in a row",
        "incident: db",
        "mail: opened",
    ]);
    story.deliver().pass("db").expect(&[
        "db up: good again",
        "incident closed: up: 200 OK",
        "mail: recovered",
    ]);
    story
        .fail("shop")
        .expect(&["incident: shop", "mail: opened"]);
    story.deliver().pass("shop").expect(&[
        "shop up: good again",
        "incident closed: up: 200 OK",
        "mail: recovered",
    ]);
}

#[test]
fn an_hour_of_flapping_every_second_is_four_mails_and_the_last_tells_the_truth() {
    let quick = Check {
        fail_after: Threshold::in_a_row(1),
        schedule: Schedule::Every(Duration::from_secs(1)),
        ..check("shop")
    };
    let mut story = Story::of([quick]);
    for second in 0..3_600 {
        let verdict = if second % 2 == 0 {
            Verdict::Pass
        } else {
            Verdict::Fail
        };
        story
            .look("shop", verdict)
            .deliver()
            .after(Duration::from_secs(1));
    }
    story
        .pass("shop")
        .after(Flapping::DEFAULT.calm() + LOOK)
        .deliver();
    let kinds: Vec<&str> = story.queued.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, ["opened", "recovered", "opened", "recovered"]);
    assert!(story.engine.incidents.is_empty());
}

#[test]
fn a_clock_that_is_set_is_no_lateness() {
    for hours in [1_i64, -1] {
        let mut story = Story::of([heartbeat("backup")]);
        story
            .ping("backup", Signal::Success)
            .after(Duration::from_mins(30))
            .said();
        let from = story.now;
        let to = belfry::core::time::Time::from_millis(from.millis() + hours * 3_600_000);
        story.now = to;
        story
            .input(&Input::ClockSet { from, to })
            .after(Duration::from_mins(39))
            .expect(&[]);
        story.after(Duration::from_mins(1)).said();
        assert_eq!(story.phase("backup"), Phase::Down, "clock set by {hours} h");
    }
}

#[test]
fn a_reload_loses_no_streak_incident_or_history() {
    let mut story = Story::of([check("shop"), check("blog")]);
    looks(
        &mut story,
        "shop",
        &[Verdict::Pass, Verdict::Fail, Verdict::Fail],
    );
    let slower = Check {
        timeout: Duration::from_secs(9),
        ..check("shop")
    };
    story.said();
    story
        .plan([slower.clone(), check("wiki")])
        .expect(&["wiki added", "blog removed"]);
    story.fail("shop").expect(&[
        "shop down: 3 failures in a row",
        "incident: shop",
        "mail: opened",
    ]);
    story.deliver();
    for _ in 0..1_000 {
        story.plan([slower.clone(), check("wiki")]);
    }
    story.expect(&[]);
    story.pass("shop").expect(&[
        "shop up: good again",
        "incident closed: up: 200 OK",
        "mail: recovered",
    ]);
}

#[test]
fn a_removed_check_closes_its_incident_as_removed_and_not_as_recovered() {
    let mut story = Story::of([check("shop")]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.deliver().said();
    story.plan([]).expect(&[
        "incident closed: removed from the configuration",
        "shop removed",
    ]);
    story.plan([check("shop")]).expect(&["shop returned"]);
}

#[test]
fn degraded_alerts_only_where_asked_and_worsens_to_down() {
    let eager = Check {
        alert_degraded: true,
        ..check("shop")
    };
    let mut story = Story::of([eager, check("blog")]);
    story.pass("shop").pass("blog").said();
    for _ in 0..3 {
        story
            .look("shop", Verdict::Warn)
            .look("blog", Verdict::Warn)
            .after(LOOK);
    }
    story.expect(&[
        "shop degraded: 3 warnings in a row",
        "incident: shop",
        "mail: opened",
        "blog degraded: 3 warnings in a row",
    ]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.expect(&[
        "shop down: 3 failures in a row",
        "incident worse",
        "mail: worsened",
    ]);
}

#[test]
fn a_month_of_looks_takes_milliseconds_and_adds_up() {
    let mut story = Story::of([check("shop")]);
    let month = 30 * 24 * 120;
    for look in 0..month {
        // Down for 30 looks, a quarter of an hour, on the tenth day.
        let down = (28_800..28_830).contains(&look);
        story
            .look("shop", if down { Verdict::Fail } else { Verdict::Pass })
            .deliver()
            .after(LOOK);
    }
    let kinds: Vec<&str> = story.queued.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, ["opened", "recovered"]);
    let shop = Arc::clone(story.engine.named("shop").expect("there"));
    let spans = view::spans(&shop, story.now, Duration::from_hours(31 * 24));
    // The first two failures do not count as down: the check was up until the third.
    let down = Duration::from_millis(spans.down_ms.into());
    assert_eq!(down, LOOK * 28);
    let known = Duration::from_millis(
        u64::from(spans.up_ms) + u64::from(spans.down_ms) + u64::from(spans.unknown_ms),
    );
    assert_eq!(known, LOOK * month);
}
