//! Stories of heartbeats that are made while running: by a ping, or by somebody with a key.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::CheckId;
use belfry::core::engine::Slug;
use belfry::core::heartbeat::made::{MOST, MOST_BY_PINGS};
use belfry::core::heartbeat::{Made, Rule, Signal};
use belfry::core::input::Input;
use belfry::core::state::Phase;
use uuid::Uuid;

use crate::story::{Story, check, heartbeat};

const ADDRESS: Uuid = Uuid::from_u128(42);

fn called(name: &str) -> Made {
    Made {
        name: name.into(),
        slug: name.into(),
        timeout: Duration::from_hours(1),
        grace: Duration::from_mins(10),
        ..Made::default()
    }
}

fn make(story: &mut Story, uuid: u128, made: Made) {
    let (uuid, made) = (Uuid::from_u128(uuid), Arc::new(made));
    story.input(&Input::Make { uuid, made });
}

fn provision(story: &mut Story, slug: &str, uuid: u128) {
    let ping = story.heard(Signal::Success);
    story.input(&Input::Provision {
        slug: slug.into(),
        uuid: Uuid::from_u128(uuid),
        ping,
    });
}

fn change(story: &mut Story, name: &str, made: Made) {
    let check = story.id(name);
    let made = Arc::new(made);
    story.input(&Input::Change { check, made });
}

fn unmake(story: &mut Story, name: &str) {
    let (check, by) = (story.id(name), "the API".into());
    story.input(&Input::Unmake { check, by });
}

/// What everybody sees: names and states.
fn seen(story: &Story) -> Vec<(String, &'static str)> {
    let active = story.engine.active();
    active
        .map(|w| (w.check.name.to_string(), w.phase().word()))
        .collect()
}

#[test]
fn one_that_is_made_is_watched_alerts_and_recovers_like_any_other() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        make(&mut story, 42, called("nightly"));
        story.expect(&["nightly made"]);
        assert_eq!(
            seen(&story),
            [("web".into(), "new"), ("nightly".into(), "new")]
        );
        story.ping("nightly", Signal::Success);
        story.expect(&["nightly up: ping received"]);
        story.after(Duration::from_mins(69)).expect(&[]);
        story.after(Duration::from_mins(2));
        story.expect(&[
            "nightly down: no ping in time",
            "incident: nightly",
            "mail: opened",
        ]);
        story.deliver().ping("nightly", Signal::Success).said();
        assert_eq!(story.phase("nightly"), Phase::Up);
        let watched = story.engine.beat(&ADDRESS).expect("it keeps its address");
        assert_eq!(watched.record.beat.as_ref().map(|beat| beat.pings), Some(2));
    }
}

#[test]
fn a_ping_of_a_name_that_nobody_has_makes_one_that_is_expected_daily() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        provision(&mut story, "nightly", 42);
        story.expect(&["nightly made", "nightly up: ping received"]);
        provision(&mut story, "nightly", 43);
        story.expect(&[]);
        let watched = story
            .engine
            .beat(&ADDRESS)
            .expect("the first address counts");
        assert_eq!(watched.record.beat.as_ref().map(|beat| beat.pings), Some(2));
        assert_eq!(story.engine.made_count(), 1);
        story
            .after(Duration::from_hours(25) - Duration::from_secs(1))
            .expect(&[]);
        story.after(Duration::from_secs(1));
        assert_eq!(story.phase("nightly"), Phase::Down);
    }
}

#[test]
fn a_ping_of_a_name_that_the_configuration_has_makes_nothing() {
    let mut story = Story::of([heartbeat("nightly")]);
    provision(&mut story, "nightly", 42);
    story.expect(&["nightly up: ping received"]);
    assert_eq!(story.engine.made_count(), 0);
}

#[test]
fn a_slug_that_two_have_is_nobodys() {
    let mut story = Story::of([heartbeat("nightly")]);
    make(&mut story, 1, called("nightly"));
    make(
        &mut story,
        2,
        Made {
            slug: "other".into(),
            ..called("nightly")
        },
    );
    story.expect(&["nightly 2 made", "nightly 3 made"]);
    assert!(matches!(story.engine.slug("nightly"), Slug::Many));
    assert!(matches!(story.engine.slug("other"), Slug::One(w) if &*w.check.name == "nightly 3"));
    // What the pages call one that was made is no slug.
    assert!(matches!(story.engine.slug("nightly 2"), Slug::Nobody));
    provision(&mut story, "nightly", 42);
    story.expect(&[]);
    unmake(&mut story, "nightly 2");
    assert!(matches!(story.engine.slug("nightly"), Slug::One(_)));
}

#[test]
fn settings_that_change_count_from_the_last_ping_and_may_bring_another_name() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        make(&mut story, 42, called("nightly"));
        story.ping("nightly", Signal::Success).said();
        let created = story
            .engine
            .beat(&ADDRESS)
            .expect("made")
            .record
            .made
            .clone();
        let created = created.expect("made").created;
        let daily = Made {
            created,
            timeout: Duration::from_hours(24),
            ..called("daily")
        };
        change(&mut story, "nightly", daily.clone());
        story.expect(&["daily changed"]);
        change(&mut story, "daily", daily);
        story.expect(&[]);
        assert!(story.engine.named("nightly").is_none());
        assert!(matches!(story.engine.slug("nightly"), Slug::Nobody));
        story.after(Duration::from_hours(24)).expect(&[]);
        story.after(Duration::from_mins(10));
        assert_eq!(story.phase("daily"), Phase::Down);
    }
}

#[test]
fn one_that_is_deleted_is_gone_and_its_incident_ends_without_a_mail() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        make(&mut story, 42, called("nightly"));
        story.ping("nightly", Signal::Fail).said();
        unmake(&mut story, "nightly");
        story.expect(&["incident closed: deleted by the API", "nightly removed"]);
        assert!(story.engine.beat(&ADDRESS).is_none());
        assert_eq!(seen(&story), [("web".into(), "new")]);
        // Its name can be had again; nothing of the old one comes back but its number.
        make(&mut story, 43, called("nightly"));
        story.expect(&["nightly made"]);
        let watched = story.engine.named("nightly").expect("made");
        assert_eq!((watched.id, watched.phase()), (CheckId(1), Phase::New));
        assert_eq!(watched.record.beat.as_ref().map(|beat| beat.pings), Some(0));
        assert!(story.engine.beat(&ADDRESS).is_none());
    }
}

#[test]
fn another_configuration_leaves_those_that_were_made_as_they_are() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        make(&mut story, 42, called("nightly"));
        story.ping("nightly", Signal::Success).said();
        story.plan([check("db")]);
        story.expect(&["db added", "web removed"]);
        assert_eq!(
            seen(&story),
            [("db".into(), "new"), ("nightly".into(), "up")]
        );
        story.after(Duration::from_mins(70));
        assert_eq!(story.phase("nightly"), Phase::Down);
    }
}

#[test]
fn a_heartbeat_of_the_configuration_takes_over_the_made_one_of_its_name() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        make(&mut story, 42, called("nightly"));
        story.ping("nightly", Signal::Success).said();
        story.plan([check("web"), heartbeat("nightly")]);
        story.expect(&["nightly taken over"]);
        let watched = story.engine.beat(&ADDRESS).expect("its address stays");
        assert_eq!((watched.phase(), story.engine.made_count()), (Phase::Up, 0));
        // From now on it goes with the configuration.
        story.plan([check("web")]);
        story.expect(&["nightly removed"]);
        assert!(story.engine.beat(&ADDRESS).is_none());
    }
}

#[test]
fn a_check_of_the_configuration_leaves_the_made_one_of_its_name_alone_under_another() {
    for fragile in [false, true] {
        let mut story = Story::of([check("web")]);
        story.fragile = fragile;
        make(&mut story, 42, called("nightly"));
        story.ping("nightly", Signal::Success).said();
        story.plan([check("web"), check("nightly"), check("nightly 2")]);
        let mut said = story.said();
        said.sort();
        assert_eq!(
            said,
            ["nightly 2 added", "nightly 3 changed", "nightly added"]
        );
        let watched = story.engine.beat(&ADDRESS).expect("its address stays");
        assert_eq!(
            (&*watched.check.name, watched.phase()),
            ("nightly 3", Phase::Up)
        );
        assert!(
            matches!(story.engine.slug("nightly"), Slug::One(w) if w.check.name == watched.check.name)
        );
        assert!(
            story
                .engine
                .named("nightly")
                .expect("a check")
                .record
                .beat
                .is_none()
        );
        story.after(Duration::from_mins(70));
        assert_eq!(story.phase("nightly 3"), Phase::Down);
    }
}

#[test]
fn what_the_configuration_has_is_neither_changed_nor_deleted() {
    let mut story = Story::of([heartbeat("nightly"), check("web")]);
    for name in ["nightly", "web"] {
        change(&mut story, name, called("other"));
        unmake(&mut story, name);
    }
    story.expect(&[]);
    assert_eq!(seen(&story).len(), 2);
}

#[test]
fn no_more_are_made_than_there_may_be_and_pings_have_as_many_again() {
    let mut story = Story::of([check("web")]);
    for number in 0..=MOST as u128 {
        make(&mut story, 1_000 + number, called(&format!("job-{number}")));
    }
    assert_eq!(story.engine.made_count(), MOST);
    for number in 0..=(MOST_BY_PINGS - MOST) as u128 {
        provision(&mut story, &format!("slug-{number}"), 1_000_000 + number);
    }
    assert_eq!(story.engine.made_count(), MOST_BY_PINGS);
    // One more has no name and no address.
    assert!(matches!(
        story.engine.slug(&format!("slug-{MOST}")),
        Slug::Nobody
    ));
}

#[test]
fn only_the_addresses_that_were_chosen_are_told() {
    let mut story = Story::of([check("web")]);
    make(
        &mut story,
        1,
        Made {
            told: Some(Vec::new()),
            ..called("quiet")
        },
    );
    make(
        &mut story,
        2,
        Made {
            told: Some(vec!["ops@example.org".into()]),
            ..called("loud")
        },
    );
    // One whose only address is in the configuration no more.
    let gone = Some(vec!["gone@example.org".into()]);
    make(
        &mut story,
        3,
        Made {
            told: gone,
            ..called("left")
        },
    );
    story.said();
    story.ping("left", Signal::Fail);
    story.expect(&[
        "left down: the job reported a failure",
        "incident: left",
        "mail: opened",
    ]);
    story.ping("quiet", Signal::Fail);
    story.expect(&["quiet down: the job reported a failure", "incident: quiet"]);
    story.ping("loud", Signal::Fail);
    story.expect(&[
        "loud down: the job reported a failure",
        "incident: loud",
        "mail: opened",
    ]);
}

#[test]
fn a_rule_of_the_configuration_is_one_of_those_that_were_made_too() {
    let mut story = Story::of([check("web")]);
    make(
        &mut story,
        42,
        Made {
            manual_resume: true,
            ..called("nightly")
        },
    );
    let watched = story.engine.beat(&ADDRESS).expect("made");
    let expected = Rule {
        manual_resume: true,
        ..Rule::new(Duration::from_mins(10), Uuid::nil())
    };
    assert_eq!(watched.check.heartbeat.as_ref(), Some(&expected));
}
