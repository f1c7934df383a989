//! Stories of what operators do: pause, resume, acknowledge, configure.

use belfry::core::check::Check;
use belfry::core::input::Input;
use belfry::core::outcome::Verdict;
use belfry::core::state::Phase;

use crate::looks;
use crate::story::{Story, check};

#[test]
fn a_pause_ends_judgement_and_a_resume_begins_anew() {
    let mut story = Story::of([check("shop")]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.deliver().said();
    let shop = story.id("shop");
    story.input(&Input::Pause {
        check: shop,
        by: "ann".into(),
    });
    story.expect(&["shop paused: by ann", "incident closed: paused by ann"]);
    looks(&mut story, "shop", &[Verdict::Fail; 5]);
    story.expect(&[]);
    story
        .input(&Input::Resume {
            check: shop,
            by: "ann".into(),
        })
        .pass("shop");
    story.expect(&["shop new: by ann", "shop up: first good look"]);
}

#[test]
fn a_check_without_what_it_needs_is_paused_until_it_has_it() {
    let without = Check {
        not_configured: Some("set DATABASE_URL".into()),
        ..check("postgres")
    };
    let mut story = Story::of([without]);
    assert_eq!(story.phase("postgres"), Phase::Paused);
    let postgres = story.id("postgres");
    story
        .input(&Input::Resume {
            check: postgres,
            by: "ann".into(),
        })
        .expect(&[]);
    story
        .plan([check("postgres")])
        .expect(&["postgres new: configured"]);
}

#[test]
fn an_incident_is_acknowledged_once() {
    let mut story = Story::of([check("shop")]);
    looks(&mut story, "shop", &[Verdict::Fail; 3]);
    story.said();
    let incident = story.engine.incidents.keys().next().expect("open").clone();
    let ack = Input::Acknowledge {
        incident,
        by: "ann".into(),
        note: "on it".into(),
    };
    story
        .input(&ack)
        .input(&ack)
        .expect(&["incident acknowledged"]);
}
