//! Stories of a host that loses its uplink.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::{Check, Flapping, UPLINK};
use belfry::core::input::Input;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::core::remedy::{Limit, Rule, Then};
use belfry::core::state::{Phase, Threshold};
use belfry::core::view::{spans, uptime};
use belfry::probe::Unseen;

use crate::story::{Story, check};

const UPLINK_DOWN: [&str; 3] = [
    "belfry.uplink down: 3 failures in a row",
    "incident: belfry.uplink",
    "mail: opened",
];
const SHOP_DOWN: [&str; 3] = ["shop down: 1 failure", "incident: shop", "mail: opened"];

/// The uplink is lost, and that is told.
fn lose(story: &mut Story) {
    story.fail("belfry.uplink").fail("belfry.uplink");
    story.fail("belfry.uplink").expect(&UPLINK_DOWN).deliver();
}

/// It is back, and that is told.
fn regain(story: &mut Story) {
    let told = [
        "belfry.uplink up: good again",
        "incident closed: up: 200 OK",
        "mail: recovered",
    ];
    story.pass("belfry.uplink").expect(&told).deliver();
}

fn uplink() -> Check {
    Check {
        kind: UPLINK.into(),
        ..check("belfry.uplink")
    }
}

fn remote(name: &str) -> Check {
    Check {
        behind: Some("belfry.uplink".into()),
        ..check(name)
    }
}

/// One that is down after one failure.
fn nervous(name: &str) -> Check {
    Check {
        fail_after: Threshold::in_a_row(1),
        ..remote(name)
    }
}

/// Each story is also told with a crash after every step.
fn in_both_ways(checks: &[Check], tell: impl Fn(&mut Story)) {
    for fragile in [false, true] {
        let mut story = Story::of(checks.iter().cloned());
        story.fragile = fragile;
        for check in checks {
            story.pass(&check.name);
        }
        story.after(Duration::from_secs(10)).said();
        tell(&mut story);
    }
}

/// What the last look at a check was found to be.
fn last(story: &Story, name: &str) -> (Verdict, String) {
    let watched = story.engine.named(name).expect("a check of the story");
    let last = watched.record.last.as_ref().expect("a look");
    (last.outcome.verdict, last.outcome.message())
}

#[test]
fn a_hundred_checks_behind_an_uplink_that_is_gone_are_one_incident() {
    let names: Vec<String> = (0..100).map(|number| format!("shop-{number}")).collect();
    let mut checks = vec![uplink()];
    checks.extend(names.iter().map(|name| remote(name)));
    in_both_ways(&checks, |story| {
        for _ in 0..5 {
            story.fail("belfry.uplink");
            for name in &names {
                story.fail(name);
            }
            story.after(Duration::from_secs(10));
        }
        story.expect(&UPLINK_DOWN).deliver();
        for name in &names {
            assert_eq!(story.phase(name), Phase::Up);
            let told = "not known, we are isolated: connection refused".to_owned();
            assert_eq!(last(story, name), (Verdict::Unknown, told));
        }
        regain(story);
        for name in &names {
            story.pass(name);
        }
        story.after(Duration::from_hours(1)).expect(&[]);
        assert_eq!(story.queued.len(), 2, "{:?}", story.queued);
    });
}

#[test]
fn what_is_on_this_machine_alarms_as_ever() {
    in_both_ways(&[uplink(), remote("shop"), check("disk")], |story| {
        lose(story);
        story.fail("shop").fail("disk").fail("disk").expect(&[]);
        story.fail("disk").expect(&[
            "disk down: 3 failures in a row",
            "incident: disk",
            "mail: opened",
        ]);
    });
}

#[test]
fn one_that_is_down_at_once_is_not_known_from_the_first_silence_of_the_uplink_on() {
    in_both_ways(&[uplink(), nervous("shop")], |story| {
        story.fail("belfry.uplink").fail("shop").expect(&[]);
        // One packet was lost, and that was all.
        story.pass("belfry.uplink").pass("shop").expect(&[]);
        story.after(Duration::from_secs(30));
        story.pass("belfry.uplink").fail("shop").expect(&SHOP_DOWN);
    });
}

#[test]
fn what_was_down_before_stays_down_and_is_told_once() {
    in_both_ways(&[uplink(), remote("shop")], |story| {
        story.fail("shop").fail("shop").fail("shop").expect(&[
            "shop down: 3 failures in a row",
            "incident: shop",
            "mail: opened",
        ]);
        story.deliver();
        lose(story);
        story.fail("shop").fail("shop").expect(&[]);
        assert_eq!(story.phase("shop"), Phase::Down);
        story.after(Duration::from_mins(1));
        regain(story);
        story.after(Duration::from_secs(10));
        story.fail("shop").fail("shop").expect(&[]);
        story.pass("shop").expect(&[
            "shop up: good again",
            "incident closed: up: 200 OK",
            "mail: recovered",
        ]);
    });
}

#[test]
fn what_dies_meanwhile_is_told_when_the_uplink_is_back() {
    in_both_ways(&[uplink(), remote("shop")], |story| {
        lose(story);
        for _ in 0..10 {
            story.fail("shop").after(Duration::from_secs(30));
        }
        regain(story);
        story.after(Duration::from_secs(10));
        story.fail("shop").fail("shop").expect(&[]);
        story.fail("shop").expect(&[
            "shop down: 3 failures in a row",
            "incident: shop",
            "mail: opened",
        ]);
    });
}

#[test]
fn a_look_that_began_before_the_uplink_was_back_says_nothing() {
    in_both_ways(&[uplink(), nervous("shop")], |story| {
        lose(story);
        let began = story.now;
        story.after(Duration::from_secs(4));
        regain(story);
        let late = Input::Outcome {
            check: story.id("shop"),
            at: began,
            outcome: Outcome::fail("no answer within 5 s"),
        };
        story.input(&late).expect(&[]);
        assert_eq!(story.phase("shop"), Phase::Up);
        story
            .after(Duration::from_secs(1))
            .fail("shop")
            .expect(&SHOP_DOWN);
    });
}

#[test]
fn nobody_to_ask_does_not_end_an_isolation() {
    in_both_ways(&[uplink(), nervous("shop")], |story| {
        lose(story);
        // As after a restart, which has forgotten who has ever answered.
        let nobody = Input::Outcome {
            check: story.id("belfry.uplink"),
            at: story.now,
            outcome: Outcome::pass("nobody has answered yet"),
        };
        story.input(&nobody).fail("shop").expect(&[]);
        assert_eq!(story.phase("belfry.uplink"), Phase::Down);
        regain(story);
        // While it is up, it says that all is well.
        story.input(&nobody).expect(&[]);
        assert_eq!(last(story, "belfry.uplink").0, Verdict::Pass);
    });
}

#[test]
fn time_without_an_uplink_is_neither_up_nor_down() {
    in_both_ways(&[uplink(), remote("shop")], |story| {
        lose(story);
        for _ in 0..120 {
            story.fail("shop").after(Duration::from_secs(30));
        }
        story.pass("belfry.uplink").pass("shop");
        let watched = story.engine.named("shop").expect("there");
        let spans = spans(watched, story.now, Duration::from_hours(24));
        assert_eq!(spans.down_ms, 0);
        assert!(spans.unknown_ms >= 59 * 60_000, "{spans:?}");
        let day = uptime(watched, story.now, 0).expect("known");
        assert!((day - 1.0).abs() < f64::EPSILON, "{day}");
    });
}

#[test]
fn nothing_is_healed_that_may_not_be_ill() {
    let rule = Rule {
        what: "restart shop.service".into(),
        after: 1,
        limit: Limit {
            times: 2,
            within: Duration::from_mins(15),
        },
        timeout: Duration::from_secs(90),
        steps: 1,
        settle: Duration::from_secs(10),
        then: Then::Alert,
        quiet: true,
    };
    let shop = Check {
        remedy: Some(Arc::new(rule)),
        ..remote("shop")
    };
    in_both_ways(&[uplink(), shop], |story| {
        story.fail("belfry.uplink");
        story.fail("shop").fail("shop").fail("shop").expect(&[]);
        story.pass("belfry.uplink").fail("shop");
        story.expect(&["remedy for shop: restart shop.service"]);
    });
}

#[test]
fn an_alert_that_a_remedy_held_is_held_on_while_the_uplink_is_gone() {
    let rule = Rule {
        what: "restart shop.service".into(),
        after: 1,
        limit: Limit {
            times: 1,
            within: Duration::from_mins(15),
        },
        timeout: Duration::from_secs(30),
        steps: 1,
        settle: Duration::from_secs(10),
        then: Then::Alert,
        quiet: true,
    };
    let shop = Check {
        remedy: Some(Arc::new(rule)),
        ..nervous("shop")
    };
    in_both_ways(&[uplink(), shop], |story| {
        story.fail("shop").expect(&[
            "shop down: 1 failure",
            "remedy for shop: restart shop.service",
        ]);
        lose(story);
        story
            .after(Duration::from_mins(10))
            .expect(&["shop not helped"]);
        regain(story);
        story
            .input(&Input::Tick)
            .expect(&["incident: shop", "mail: opened"]);
    });
}

#[test]
fn an_uplink_that_is_paused_or_gone_from_the_plan_isolates_nobody() {
    in_both_ways(&[uplink(), nervous("shop")], |story| {
        lose(story);
        let pause = Input::Pause {
            check: story.id("belfry.uplink"),
            by: "ann".into(),
        };
        story.input(&pause).said();
        story
            .fail("shop")
            .expect(&["shop down: 1 failure", "incident: shop", "mail: opened"]);
    });
    in_both_ways(&[uplink(), nervous("shop")], |story| {
        story.fail("belfry.uplink").fail("shop").expect(&[]);
        let alone = Check {
            behind: None,
            ..nervous("shop")
        };
        story.plan([alone]).expect(&["belfry.uplink removed"]);
        story
            .fail("shop")
            .expect(&["shop down: 1 failure", "incident: shop", "mail: opened"]);
    });
}

#[test]
fn an_uplink_that_comes_and_goes_is_one_incident_and_wakes_no_check_behind_it() {
    let uplink = Check {
        fail_after: Threshold::in_a_row(1),
        flapping: Some(Flapping::DEFAULT),
        ..uplink()
    };
    in_both_ways(&[uplink, remote("shop")], |story| {
        for _ in 0..10 {
            story.fail("belfry.uplink");
            story.fail("shop").fail("shop").fail("shop");
            story.after(Duration::from_secs(10));
            story.pass("belfry.uplink").pass("shop");
            story.after(Duration::from_secs(10));
        }
        story.after(Duration::from_hours(1));
        let opened = story.said();
        let opened = opened.iter().filter(|line| line.starts_with("incident: "));
        let opened: Vec<&String> = opened.collect();
        assert!(
            (1..=2).contains(&opened.len()) && opened.iter().all(|line| line.ends_with("uplink")),
            "{opened:?}"
        );
    });
}

#[test]
fn what_cannot_be_looked_at_is_known_since_when_but_for_what_an_uplink_or_a_pause_explains() {
    let unseen = |story: &Story| {
        let all = Unseen::all(&story.engine);
        all.iter()
            .map(|one| one.name().to_owned())
            .collect::<Vec<_>>()
    };
    in_both_ways(
        &[uplink(), remote("far"), check("near"), check("other")],
        |story| {
            assert_eq!(unseen(story), [""; 0]);
            story.look("near", Verdict::Unknown);
            story
                .after(Duration::from_secs(1))
                .look("far", Verdict::Unknown);
            story.after(Duration::from_secs(1));
            story
                .look("other", Verdict::Unknown)
                .look("near", Verdict::Unknown);
            assert_eq!(unseen(story), ["near", "far", "other"]);
            story.pass("other");
            lose(story);
            assert_eq!(unseen(story), ["near"]);
            // What was not seen meanwhile is looked at again before long.
            story.after(Duration::from_secs(9));
            regain(story);
            let all = Unseen::all(&story.engine);
            let far = all.iter().find(|one| one.name() == "far");
            assert_eq!(far.map(Unseen::since), Some(story.now));
            lose(story);
            let (check, by) = (story.id("near"), "ops".into());
            story.input(&Input::Pause { check, by });
            assert_eq!(unseen(story), [""; 0]);
        },
    );
}
