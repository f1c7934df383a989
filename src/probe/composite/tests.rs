//! Members in every state, and what they make of the whole.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::core::outcome::Verdict::{Fail, Pass, Unknown, Warn};
use crate::probe::Probe;
use crate::probe::tests::read;

#[test]
fn the_truth_table() {
    // Members, then what all of them, any, and two of them being needed makes.
    let table: &[(&[Verdict], [Verdict; 3])] = &[
        (&[Pass, Pass, Pass], [Pass, Pass, Pass]),
        (&[Pass, Pass, Warn], [Warn, Pass, Pass]),
        (&[Pass, Pass, Fail], [Fail, Pass, Pass]),
        (&[Pass, Pass, Unknown], [Unknown, Pass, Pass]),
        (&[Pass, Warn, Warn], [Warn, Pass, Warn]),
        (&[Pass, Warn, Fail], [Fail, Pass, Warn]),
        (&[Pass, Warn, Unknown], [Unknown, Pass, Warn]),
        (&[Pass, Fail, Fail], [Fail, Pass, Fail]),
        (&[Pass, Fail, Unknown], [Fail, Pass, Unknown]),
        (&[Pass, Unknown, Unknown], [Unknown, Pass, Unknown]),
        (&[Warn, Warn, Warn], [Warn, Warn, Warn]),
        (&[Warn, Warn, Fail], [Fail, Warn, Warn]),
        (&[Warn, Warn, Unknown], [Unknown, Warn, Warn]),
        (&[Warn, Fail, Fail], [Fail, Warn, Fail]),
        (&[Warn, Fail, Unknown], [Fail, Warn, Unknown]),
        (&[Warn, Unknown, Unknown], [Unknown, Warn, Unknown]),
        (&[Fail, Fail, Fail], [Fail, Fail, Fail]),
        (&[Fail, Fail, Unknown], [Fail, Unknown, Fail]),
        (&[Fail, Unknown, Unknown], [Fail, Unknown, Unknown]),
        (&[Unknown, Unknown, Unknown], [Unknown, Unknown, Unknown]),
    ];
    for (members, [all, any, two]) in table {
        assert_eq!(quorum(members, 3), *all, "all of {members:?}");
        assert_eq!(quorum(members, 1), *any, "any of {members:?}");
        assert_eq!(quorum(members, 2), *two, "two of {members:?}");
        let turned: Vec<Verdict> = members.iter().rev().copied().collect();
        assert_eq!(quorum(&turned, 2), *two, "in another order");
    }
}

#[test]
fn what_cannot_be_seen_never_turns_good_into_bad_or_bad_into_good() {
    let all = [Pass, Warn, Fail];
    for (a, b, needed) in all.iter().flat_map(|a| {
        all.iter()
            .flat_map(move |b| (1..=3).map(move |n| (*a, *b, n)))
    }) {
        let known = quorum(&[a, b, Unknown], needed);
        let could: Vec<Verdict> = all.iter().map(|c| quorum(&[a, b, *c], needed)).collect();
        let good = could.iter().filter(|verdict| **verdict != Fail).count();
        let expected = match good {
            0 => known == Fail,
            3 => known == Pass || known == Warn,
            _ => known == Unknown,
        };
        assert!(
            expected,
            "{a:?} {b:?} {needed}: {known:?}, could be {could:?}"
        );
    }
}

async fn told(keys: &str, members: &[(&str, Known)]) -> String {
    let (probe, problems) = read(&format!("composite = {{ {keys} }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let known: BTreeMap<String, Known> = members
        .iter()
        .map(|(name, known)| ((*name).to_owned(), known.clone()))
        .collect();
    let env =
        Env::new(Clock::start(), Arc::default()).knowing(move |name| known.get(name).cloned());
    let probe = probe.expect("it is valid");
    let outcome = probe.run(&env, Duration::from_secs(1)).await;
    format!("{}: {}", outcome.verdict.word(), outcome.message())
}

#[tokio::test]
async fn who_is_bad_is_named_with_the_reason_and_the_worst_first() {
    let up = Known::look(&Outcome::pass("200 OK"));
    let slow = Outcome::timed(
        Warn,
        Duration::from_millis(900),
        "200 OK",
        ", slower than 800 ms",
    );
    let slow = Known::look(&slow);
    let down = Known::look(&Outcome::fail("connection refused"));
    let three = "quorum = 2, of = [\"a\", \"b\", \"c\"]";
    let up3 = [("a", up.clone()), ("b", up.clone()), ("c", up.clone())];
    assert_eq!(told(three, &up3).await, "pass: 3 of 3 up, 2 needed");
    assert_eq!(
        told(three, &[("a", slow.clone()), ("b", down.clone())]).await,
        "unknown: 1 of 3 up, 2 needed: b is down (connection refused), c is unknown (nothing is known of it yet), \
         a is degraded (200 OK, slower than 800 ms)"
    );
    assert_eq!(
        told(
            "all = [\"a\", \"b\"]",
            &[("a", up.clone()), ("b", down.clone())]
        )
        .await,
        "fail: 1 of 2 up: b is down (connection refused)"
    );
    assert_eq!(
        told("any = [\"a\", \"b\"]", &[("a", up), ("b", down)]).await,
        "pass: 1 of 2 up: b is down (connection refused)"
    );
    assert_eq!(
        told("all = \"a\"", &[("a", slow)]).await,
        "warn: 1 of 1 up: a is degraded (200 OK, slower than 800 ms)"
    );
}

#[tokio::test]
async fn each_member_is_an_assertion() {
    let (probe, _) = read("composite = { any = [\"a\", \"b\"] }");
    let env = Env::new(Clock::start(), Arc::default())
        .knowing(|name| (name == "a").then(|| Known::look(&Outcome::fail("it is gone"))));
    let probe = probe.expect("it is valid");
    let (outcome, findings) = probe.explain(&env, Duration::from_secs(1)).await;
    let found: Vec<(&str, &str, Verdict)> = findings
        .iter()
        .map(|f| (f.what.as_str(), f.found.as_str(), f.verdict))
        .collect();
    assert_eq!(
        found,
        [
            ("a", "down (it is gone)", Fail),
            ("b", "unknown (nothing is known of it yet)", Unknown),
            ("up", "0", Unknown),
        ]
    );
    let metrics = outcome.metrics.expect("it has numbers");
    let numbers: Vec<f64> = metrics.iter().map(|metric| metric.value).collect();
    assert_eq!(numbers, [0.0, 1.0]);
}

#[test]
fn one_form_with_names_that_stand_there_once() {
    for (keys, problem) in [
        ("", "it names no checks"),
        ("all = []", "\"all\" names 0 checks; name 1 to 100"),
        (
            "all = [\"a\"], any = [\"b\"]",
            "\"any\" is a second list; keep one of all, any",
        ),
        ("any = [\"a\", \"b\", \"a\"]", "\"any\" names \"a\" twice"),
        ("of = [\"a\"]", "how many \"of\" them is not said"),
        (
            "quorum = 2, all = [\"a\", \"b\"]",
            "\"quorum\" of what is not said",
        ),
        (
            "quorum = 3, of = [\"a\", \"b\"]",
            "\"quorum\" is more than the 2 there are",
        ),
        (
            "quorum = 0, of = [\"a\", \"b\"]",
            "\"quorum\" is not such a number",
        ),
        ("all = 1", "\"all\" is not a text"),
    ] {
        let (_, problems) = read(&format!("composite = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
    let target = |text: &str| read(text).0.map(|probe| probe.target());
    assert_eq!(
        target("composite = { quorum = 1, of = [\"a\", \"b\"] }").as_deref(),
        Some("1 of a, b")
    );
}

#[test]
fn where_it_stands_in_the_file_makes_no_other_probe() {
    let (here, there) = (
        read("composite = { all = [\"a\"] }").0,
        read("\n\ncomposite = { all   = [\"a\"] }").0,
    );
    assert_eq!(here, there);
    assert!(matches!(here, Some(Probe::Composite(_))));
}
