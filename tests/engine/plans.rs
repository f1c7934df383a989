//! Stories of a configuration that changes: what was heard, shown and told goes on.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::{Check, Flapping};
use belfry::core::heartbeat::{Rule, Signal};
use belfry::core::input::Input;
use belfry::core::outcome::Verdict;
use belfry::core::schedule::Schedule;
use belfry::core::state::Phase;
use uuid::Uuid;

use crate::story::{Story, check, heartbeat};
use crate::{LOOK, looks};

/// A heartbeat with an address of its own in the configuration.
fn addressed(name: &str, uuid: u128) -> Check {
    let rule = Rule {
        uuid: Some(Uuid::from_u128(uuid)),
        ..heartbeat(name).heartbeat.expect("a heartbeat")
    };
    Check {
        heartbeat: Some(rule),
        ..heartbeat(name)
    }
}

/// Whose address that is.
fn owner(story: &Story, uuid: u128) -> Option<Arc<str>> {
    let owner = story.engine.beat(&Uuid::from_u128(uuid))?;
    Some(Arc::clone(&owner.check.name))
}

#[test]
fn two_heartbeats_swap_their_addresses_and_both_are_heard() {
    for fragile in [false, true] {
        let mut story = Story::of([addressed("a", 1), addressed("b", 2)]);
        story.fragile = fragile;
        story.plan([addressed("a", 2), addressed("b", 1)]);
        assert_eq!(owner(&story, 2).as_deref(), Some("a"));
        assert_eq!(owner(&story, 1).as_deref(), Some("b"));
    }
}

#[test]
fn a_heartbeat_that_gets_its_old_name_back_is_heard() {
    for fragile in [false, true] {
        let mut story = Story::of([addressed("a", 1)]);
        story.fragile = fragile;
        story.plan([addressed("b", 1)]);
        assert_eq!(owner(&story, 1).as_deref(), Some("b"));
        story.plan([addressed("a", 1)]);
        assert_eq!(owner(&story, 1).as_deref(), Some("a"));
    }
}

#[test]
fn a_heartbeat_that_may_take_longer_now_is_not_held_to_the_old_hour() {
    let mut story = Story::of([heartbeat("backup")]);
    story.ping("backup", Signal::Success).said();
    let daily = Check {
        schedule: Schedule::Every(Duration::from_hours(24)),
        ..heartbeat("backup")
    };
    story
        .plan([daily])
        .after(Duration::from_mins(24 * 60 + 9))
        .expect(&[]);
    story.after(Duration::from_mins(1));
    assert_eq!(story.phase("backup"), Phase::Down);
}

#[test]
fn what_comes_back_into_the_plan_begins_anew() {
    let mut story = Story::of([check("shop"), heartbeat("backup")]);
    story.ping("backup", Signal::Success);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story
        .deliver()
        .plan([])
        .after(Duration::from_hours(24))
        .said();
    story
        .plan([check("shop"), heartbeat("backup")])
        .input(&Input::Tick)
        .after(Duration::from_hours(4))
        .expect(&["shop returned", "backup returned"]);
    assert_eq!(story.phase("shop"), Phase::New);
    assert_eq!(story.phase("backup"), Phase::New);
}

#[test]
fn an_incident_of_a_check_that_flapped_ends_when_flapping_is_no_longer_looked_for() {
    let mut story = Story::of([check("shop")]);
    while !story.engine.named("shop").expect("there").record.flapping {
        looks(&mut story, "shop", &[Verdict::Fail; 3]);
        story.deliver().pass("shop").after(LOOK);
    }
    assert_eq!(story.engine.incidents.len(), 1, "held open");
    story.said();
    let calm = Check {
        flapping: None,
        ..check("shop")
    };
    story.plan([calm]).after(LOOK).expect(&[
        "shop is steady",
        "incident closed: up and no longer looked at for flapping",
        "mail: recovered",
    ]);
}

#[test]
fn turns_while_it_flaps_are_in_the_timeline() {
    let calm = Flapping {
        turns: 3,
        ..Flapping::DEFAULT
    };
    let mut story = Story::of([Check {
        flapping: Some(calm),
        ..check("shop")
    }]);
    story.pass("shop");
    for _ in 0..3 {
        looks(&mut story, "shop", &[Verdict::Fail; 3]);
        story.deliver().pass("shop").after(LOOK);
    }
    let incident = story.engine.incidents.values().next().expect("held open");
    let lines: Vec<&str> = incident.timeline.iter().map(|e| &*e.text).collect();
    assert!(lines.contains(&"up: 200 OK"), "{lines:?}");
    assert!(lines.contains(&"down: connection refused"), "{lines:?}");
}

#[test]
fn a_check_that_loses_what_it_needs_closes_its_incident_without_a_mail() {
    let mut story = Story::of([check("postgres")]);
    looks(&mut story, "postgres", &[Verdict::Fail; 3]);
    story.deliver().said();
    let without = Check {
        not_configured: Some("set DATABASE_URL".into()),
        ..check("postgres")
    };
    story.plan([without]).expect(&[
        "postgres paused: set DATABASE_URL",
        "incident closed: paused by the configuration: set DATABASE_URL",
    ]);
}

#[test]
fn a_job_that_was_started_before_a_pause_is_not_missed_after_it() {
    let mut story = Story::of([heartbeat("backup")]);
    story
        .ping("backup", Signal::Success)
        .ping("backup", Signal::Start)
        .said();
    let (check, by) = (story.id("backup"), "ann");
    story.input(&Input::Pause {
        check,
        by: by.into(),
    });
    story.after(Duration::from_hours(60)).input(&Input::Resume {
        check,
        by: by.into(),
    });
    story
        .after(Duration::from_hours(2))
        .expect(&["backup paused: by ann", "backup new: by ann"]);
}

#[test]
fn silence_that_began_while_a_parent_was_in_trouble_is_told_when_the_parent_is_well() {
    let child = Check {
        depends_on: vec!["postgres".into()],
        ..heartbeat("backup")
    };
    for fragile in [false, true] {
        let mut story = Story::of([check("postgres"), child.clone()]);
        story.fragile = fragile;
        story.pass("postgres").ping("backup", Signal::Success);
        // The parent fails once, just when the deadline comes, and is never down.
        story.after(Duration::from_mins(69)).fail("postgres").said();
        story
            .after(Duration::from_mins(2))
            .expect(&["backup down: no ping in time"]);
        story
            .pass("postgres")
            .input(&Input::Tick)
            .expect(&["incident: backup", "mail: opened"]);
        story.input(&Input::Tick).expect(&[]);
    }
}

#[test]
fn a_heartbeat_that_turns_silent_just_when_it_would_be_steady_stays_told() {
    let quick = Check {
        schedule: Schedule::Every(Duration::from_mins(4)),
        heartbeat: Some(Rule {
            grace: Duration::from_mins(1),
            ..heartbeat("backup").heartbeat.expect("a heartbeat")
        }),
        ..heartbeat("backup")
    };
    let mut story = Story::of([quick]);
    while !story.engine.named("backup").expect("there").record.flapping {
        story
            .ping("backup", Signal::Fail)
            .deliver()
            .ping("backup", Signal::Success)
            .deliver();
    }
    // Steady after five minutes, and silent after five minutes.
    story.said();
    story.after(Duration::from_mins(5));
    assert_eq!(story.phase("backup"), Phase::Down);
    assert_eq!(story.engine.incidents.len(), 1, "{:?}", story.said());
}
