//! Stories about heartbeats that get another address.

use std::time::Duration;

use belfry::core::heartbeat::{HEARD_FOR, MOST_FORMER};
use belfry::core::input::Input;
use uuid::Uuid;

use crate::story::{Story, heartbeat};

/// A moment before the old one is not heard any more.
const JUST_BEFORE: Duration = Duration::from_millis(7 * 24 * 3_600_000 - 1);

fn rotate(story: &mut Story, uuid: u128, keep: Duration) {
    let check = story.id("job");
    let uuid = Uuid::from_u128(uuid);
    let by = "operator".into();
    story.input(&Input::Rotate {
        check,
        uuid,
        keep,
        by,
    });
}

fn is_heard(story: &Story, uuid: Uuid) -> bool {
    let watched = story.engine.beat(&uuid);
    watched.is_some_and(|watched| &*watched.check.name == "job")
}

fn own(story: &Story) -> Uuid {
    let watched = story.engine.named("job").expect("a heartbeat");
    watched.record.beat.as_ref().expect("a beat").uuid
}

#[test]
fn the_old_address_is_heard_for_a_week_and_over_a_crash() {
    let mut story = Story::of([heartbeat("job")]);
    let old = own(&story);
    rotate(&mut story, 1, HEARD_FOR);
    let new = Uuid::from_u128(1);
    assert_eq!(own(&story), new);
    story.crash();
    assert!(is_heard(&story, old) && is_heard(&story, new));
    assert_eq!(story.engine.heartbeats().count(), 1, "it is one heartbeat");
    story.after(JUST_BEFORE);
    assert!(is_heard(&story, old));
    story.after(Duration::from_millis(1));
    assert!(!is_heard(&story, old) && is_heard(&story, new));
    story.crash();
    assert!(!is_heard(&story, old) && is_heard(&story, new));
}

#[test]
fn several_are_heard_and_not_without_end() {
    let mut story = Story::of([heartbeat("job")]);
    let first = own(&story);
    for number in 1..=MOST_FORMER {
        rotate(&mut story, number as u128, HEARD_FOR);
    }
    assert!(is_heard(&story, first));
    rotate(&mut story, 99, HEARD_FOR);
    assert!(!is_heard(&story, first));
    assert!(is_heard(&story, Uuid::from_u128(1)));
}

#[test]
fn an_address_in_wrong_hands_is_not_heard_any_more_nor_are_those_before() {
    let mut story = Story::of([heartbeat("job")]);
    let first = own(&story);
    rotate(&mut story, 1, HEARD_FOR);
    rotate(&mut story, 2, Duration::ZERO);
    story.crash();
    for gone in [first, Uuid::from_u128(1)] {
        assert!(!is_heard(&story, gone), "{gone}");
    }
    assert!(is_heard(&story, Uuid::from_u128(2)));
}

#[test]
fn what_the_configuration_says_of_an_address_stays() {
    let mut fixed = heartbeat("job");
    let own_uuid = Uuid::from_u128(7);
    if let Some(rule) = &mut fixed.heartbeat {
        rule.uuid = Some(own_uuid);
    }
    let mut story = Story::of([fixed.clone()]);
    rotate(&mut story, 1, HEARD_FOR);
    assert_eq!(own(&story), own_uuid);
    assert!(!is_heard(&story, Uuid::from_u128(1)));

    // One that was replaced and is written into the configuration is the address again, for good.
    let mut story = Story::of([heartbeat("job")]);
    let old = own(&story);
    rotate(&mut story, 1, HEARD_FOR);
    if let Some(rule) = &mut fixed.heartbeat {
        rule.uuid = Some(old);
    }
    story.plan([fixed]).after(HEARD_FOR);
    assert!(is_heard(&story, old));
}
