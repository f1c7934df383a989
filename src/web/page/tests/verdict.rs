//! How it all is, in one sentence.

use super::*;

/// Three checks, each told in one word how it is.
fn three(words: [&str; 3]) -> View {
    let mut story = Story::begin(
        ["a", "b", "c"]
            .map(|name| (probe(name, "", "tcp", ""), 0))
            .into(),
        NOW,
    );
    for (name, word) in ["a", "b", "c"].into_iter().zip(words) {
        let looks = match word {
            "up" => vec![Outcome::pass("ok")],
            "down" => vec![Outcome::fail("refused"); 3],
            "degraded" => vec![Outcome::new(Verdict::Warn, "slow"); 3],
            "unknown" => vec![Outcome::pass("ok"), Outcome::unknown("no network")],
            _ => vec![],
        };
        for outcome in looks {
            story.look(NOW, name, outcome);
        }
        if word == "paused" {
            let check = story.id(name);
            story.tell(
                NOW,
                &Input::Pause {
                    check,
                    by: "anna".into(),
                },
            );
        }
    }
    story.view(NOW)
}

#[test]
fn the_verdict_is_a_sentence() {
    for (words, sentence, others) in [
        (["up", "up", "up"], "All 3 checks are up", ""),
        (["up", "paused", "paused"], "a is up", "2 checks paused"),
        (
            ["up", "up", "new"],
            "2 checks are up so far",
            "1 check not looked at yet",
        ),
        (
            ["down", "up", "degraded"],
            "a is down",
            "1 check degraded, 1 up",
        ),
        (
            ["down", "down", "unknown"],
            "2 checks are down",
            "1 check unknown",
        ),
        (
            ["up", "degraded", "unknown"],
            "b is degraded",
            "1 check unknown, 1 up",
        ),
        (
            ["degraded", "degraded", "up"],
            "2 checks are degraded",
            "1 check up",
        ),
        (["unknown", "up", "up"], "a cannot be seen", "2 checks up"),
        (
            ["unknown", "unknown", "up"],
            "2 checks cannot be seen",
            "1 check up",
        ),
        (["new", "new", "new"], "Looking for the first time…", ""),
        (
            ["new", "paused", "new"],
            "Looking for the first time…",
            "1 check paused",
        ),
        (
            ["paused", "paused", "paused"],
            "All 3 checks are paused",
            "",
        ),
    ] {
        let (view, vitals) = (three(words), vitals());
        let verdict = census::Census::of(&shell(&view, &vitals)).verdict();
        assert_eq!(
            (verdict.sentence.as_str(), verdict.others.as_str()),
            (sentence, others),
            "{words:?}"
        );
    }
}

#[test]
fn nothing_watched_says_what_to_write() {
    let (view, vitals) = (View::default(), vitals());
    let page = overview(&shell(&view, &vitals)).into_string();
    assert!(page.contains("<title>Nothing is watched yet · web-1</title>"));
    assert!(page.contains("[check.shop]"));
    assert!(
        heartbeats(&shell(&view, &vitals), &[])
            .into_string()
            .contains("[heartbeat.nightly-backup]")
    );
    assert!(
        mail(&shell(&view, &vitals), &[])
            .into_string()
            .contains("[email]")
    );
    assert!(
        incidents(&shell(&view, &vitals), &[])
            .into_string()
            .contains("No open incidents")
    );
}
