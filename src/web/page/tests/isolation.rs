//! What is shown while we are isolated.

use super::story::good;
use super::*;
use crate::core::check::UPLINK;
use crate::core::view::View;

/// A view in which these checks have failed four times, and the others are well.
fn view(failing: &[&str]) -> View {
    let uplink = |name: &str| probe(name, "", UPLINK, "gateway, resolver");
    let shop = Check {
        behind: Some("belfry.uplink".into()),
        ..probe("shop", "", "http", "https://shop.example/")
    };
    let checks = vec![
        uplink("belfry.uplink"),
        uplink("belfry.uplink.office"),
        shop,
        probe("disk", "", "disk", "/"),
    ];
    let checks = checks.into_iter().map(|check| (check, 0)).collect();
    let before = |seconds| NOW - Duration::from_secs(seconds);
    let mut story = Story::begin(checks, before(600));
    for name in ["belfry.uplink", "belfry.uplink.office", "shop", "disk"] {
        story.look(before(500), name, good(5, 1));
    }
    for round in (1..=4).rev() {
        for name in failing {
            story.look(before(round * 30), name, Outcome::fail("no answer"));
        }
    }
    story.view(NOW)
}

#[test]
fn the_verdict_says_from_what_we_are_isolated() {
    for (failing, sentence) in [
        (&["belfry.uplink", "shop"][..], "We are isolated"),
        (
            &["belfry.uplink", "disk"],
            "We are isolated, and 1 check is down",
        ),
        (&["belfry.uplink.office"], "We are isolated from office"),
        (&["disk", "shop"], "2 checks are down"),
    ] {
        let (view, vitals) = (view(failing), vitals());
        let verdict = census::Census::of(&shell(&view, &vitals)).verdict();
        assert_eq!(verdict.sentence, sentence);
    }
}

#[test]
fn what_is_behind_the_uplink_is_unknown_and_says_why() {
    let (view, vitals) = (view(&["belfry.uplink", "shop"]), vitals());
    let shell = shell(&view, &vitals);
    let watched = view.engine.named("shop").expect("there");
    let row = row(&shell, watched).into_string();
    assert!(row.contains("class=\"check unknown\""), "{row}");
    assert!(
        row.contains("not known, we are isolated: no answer"),
        "{row}"
    );
    let rules = settings::settings(&shell, watched).into_string();
    assert!(rules.contains("/checks/belfry.uplink"), "{rules}");
}
