//! What a composite is told of a member in each of its states.

use std::path::Path;

use belfry::clock::Clock;
use belfry::probe::{Env, Known, Probe};
use belfry::settings::{Report, Section, Source};
use toml::de::DeTable;

use super::*;

/// What a composite of this check alone says of it.
async fn composed(story: &Story) -> String {
    let text = "composite = { all = \"shop\" }";
    let source = Source {
        name: "t.toml".into(),
        text: text.to_owned(),
    };
    let report = Report::new(&|_| None, Path::new("."));
    let table = DeTable::parse(text).expect("it is valid");
    let mut check = Section::new("check.t", table.get_ref(), table.span(), &source, &report);
    let probe = Probe::read(&mut check).expect("it is valid");
    let shop = story.engine.named("shop").expect("the story has it");
    let known = Known::state(&story.engine, shop);
    let env = Env::new(Clock::start(), Arc::default()).knowing(move |_| Some(known.clone()));
    let outcome = probe.run(&env, LOOK).await;
    format!("{}: {}", outcome.verdict.word(), outcome.message())
}

#[tokio::test]
async fn a_member_is_what_its_own_rules_have_confirmed() {
    let mut story = Story::of([check("shop")]);
    let new = "unknown: 0 of 1 up: shop is new";
    assert_eq!(composed(&story).await, new);
    story.pass("shop").after(LOOK);
    assert_eq!(composed(&story).await, "pass: 1 of 1 up");
    // One failure is none yet.
    story.fail("shop").after(LOOK);
    assert_eq!(composed(&story).await, "pass: 1 of 1 up");
    looks(&mut story, "shop", &[Verdict::Fail; 2]);
    let down = "fail: 0 of 1 up: shop is down (connection refused)";
    assert_eq!(composed(&story).await, down);
    looks(&mut story, "shop", &[Verdict::Warn; 3]);
    let degraded = composed(&story).await;
    assert!(
        degraded.starts_with("warn: 1 of 1 up: shop is degraded ("),
        "{degraded}"
    );
    // What cannot be seen now may be anything.
    looks(&mut story, "shop", &[Verdict::Unknown]);
    let unseen = composed(&story).await;
    assert!(
        unseen.starts_with("unknown: 0 of 1 up: shop is unknown ("),
        "{unseen}"
    );
    let check = story.id("shop");
    story.input(&Input::Pause {
        check,
        by: "ann".into(),
    });
    let paused = "unknown: 0 of 1 up: shop is paused (by ann)";
    assert_eq!(composed(&story).await, paused);
}
