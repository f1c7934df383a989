//! How remedies are written, and what is said when they are written wrongly.

use super::*;
use crate::core::remedy::{Limit, Then};

fn shop(remedy: &str) -> String {
    format!("{SHOP}remedy = {{ {remedy} }}\n")
}

#[test]
fn a_remedy_begins_when_the_check_is_down_unless_it_says_otherwise() {
    let plan = plan(&shop("restart = \"nginx\""));
    let rule = check(&plan, "shop").remedy.as_ref().expect("a rule");
    assert_eq!(&*rule.what, "restart nginx.service");
    assert_eq!((rule.after, rule.steps), (3, 2));
    assert_eq!(
        (rule.limit, rule.then, rule.quiet),
        (Limit::DEFAULT, Then::Alert, true)
    );
}

#[test]
fn a_remedy_says_when_how_often_and_what_then() {
    let said = "run = [\"/usr/local/bin/fix\", \"--token\", \"x\"], after = 2, limit = \"5 per 1h\", then = \"stop\", timeout = \"5s\", settle = \"1s\", quiet = false, user = \"root\"";
    let plan = plan(&shop(said));
    let rule = check(&plan, "shop").remedy.as_ref().expect("a rule");
    assert_eq!(&*rule.what, "/usr/local/bin/fix", "arguments are not told");
    let limit = Limit {
        times: 5,
        within: Duration::from_hours(1),
    };
    assert_eq!(
        (rule.after, rule.limit, rule.then, rule.quiet),
        (2, limit, Then::Stop, false)
    );
    assert_eq!(rule.timeout, Duration::from_secs(5));
    assert_eq!(rule.settle, Duration::from_secs(1));
}

#[test]
fn a_remedy_that_cannot_be_is_refused_with_what_to_write() {
    for (remedy, says) in [
        (
            "after = 2",
            [
                "not said what the remedy does",
                "restart = \"nginx.service\"",
            ],
        ),
        (
            "run = [\"/bin/true\"], restart = \"a.service\"",
            ["\"restart\" is a second remedy", "keep one of"],
        ),
        (
            "run = [\"fix\"]",
            ["\"run\" is not the whole path", "begin it with /"],
        ),
        (
            "run = \"/bin/fix --now\"",
            ["is a line", "run = [\"/bin/fix\", \"--now\"]"],
        ),
        ("run = [\"/bin/a\\nb\"]", ["line break", "script"]),
        (
            "restart = \"-H evil\"",
            ["no unit of systemd", "nginx.service"],
        ),
        (
            "start = \"/usr/bin/fix\"",
            ["no unit of systemd", "start = [\"/usr/bin/fix\"]"],
        ),
        (
            "stop = \"a.service\"",
            ["\"stop\" alone is no remedy", "start"],
        ),
        (
            "restart = \"a\", limit = \"often\"",
            ["\"often\" is no limit", "3 per 15m"],
        ),
        (
            "restart = \"a\", limit = \"99 per 1h\"",
            ["is no limit", "1 to 20 times"],
        ),
        (
            "restart = \"a\", then = \"alret\"",
            ["no \"then\"", "did you mean \"alert\"?"],
        ),
        (
            "restart = \"a\", afer = 2",
            ["unknown key \"afer\"", "did you mean \"after\"?"],
        ),
    ] {
        let found = problems(&shop(remedy)).join("\n");
        for part in says {
            assert!(
                found.contains(part),
                "{remedy}\n{found}\ndoes not say {part}"
            );
        }
    }
}

#[test]
fn a_heartbeat_can_be_healed_after_its_one_failure() {
    let job = |more: &str| {
        format!(
            "[heartbeat.job]\nevery = \"1d\"\nremedy = {{ run = [\"/usr/local/bin/job\"]{more} }}\n"
        )
    };
    let plan = plan(&job(""));
    assert_eq!(
        check(&plan, "job").remedy.as_ref().expect("a rule").after,
        1
    );
    one_problem(
        &job(", after = 3"),
        &["a heartbeat fails once", "leave it out"],
    );
}
