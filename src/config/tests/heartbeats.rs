//! What a heartbeat says of its pings, and the keys of the API.

use super::*;
use crate::config::{Rights, new_token};
use crate::core::heartbeat::Rule;

fn rule(settings: &str) -> Rule {
    let text = format!("[heartbeat.job]\nevery = \"1d\"\n{settings}\n");
    let plan = plan(&text);
    let mut rules = plan.checks.iter().filter_map(|c| c.check.heartbeat.clone());
    rules.next().expect("a heartbeat")
}

fn refused(settings: &str, parts: &[&str]) {
    let text = format!("[heartbeat.job]\nevery = \"1d\"\n{settings}\n");
    one_problem(&text, parts);
}

#[test]
fn which_pings_count_is_said_in_the_words_of_healthchecks() {
    let all = rule(
        "methods = \"POST\"\nmanual_resume = true\nfilter_http_body = true\nfilter_default_fail = true\nstart_kw = \"began\"\nsuccess_kw = \"done, OK\"\nfailure_kw = \"ERROR\"",
    );
    let filter = all.filter.expect("a filter");
    assert!(all.manual_resume && filter.only_post && filter.http_body && filter.default_fail);
    assert_eq!(
        (&*filter.start, &*filter.success, &*filter.failure),
        ("began", "done, OK", "ERROR")
    );
    let none = rule("methods = \"\"");
    assert!(none.filter.is_none() && !none.manual_resume);
}

#[test]
fn what_would_let_no_ping_count_or_do_nothing_is_refused() {
    refused("methods = \"GET\"", &["can only be \"POST\""]);
    refused(
        "filter_http_body = true",
        &["no words to look for", "success_kw"],
    );
    refused(
        "failure_kw = \"x\"",
        &["\"failure_kw\" does nothing", "filter_http_body = true"],
    );
    refused("filter_default_fail = true", &["does nothing by itself"]);
    let long = "x".repeat(201);
    refused(
        &format!("filter_http_body = true\nsuccess_kw = \"{long}\""),
        &["longer than 200"],
    );
}

#[test]
fn tokens_are_kept_as_digests_and_not_repeated() {
    let (write, lines) = new_token("deploy", Rights::Write);
    let (read, read_lines) = new_token("reports", Rights::Read);
    let by_hash = plan(&format!("{lines}\n{read_lines}\n")).tokens;
    let by_text = plan(&format!(
        "[token.deploy]\nsecret = \"{write}\"\nrights = \"write\"\n[token.reports]\nsecret = \"{read}\"\n"
    ));
    assert_eq!(by_hash, by_text.tokens);
    let all = by_hash.iter().map(|token| (&*token.name, token.rights));
    let both = [("deploy", Rights::Write), ("reports", Rights::Read)];
    assert_eq!(all.collect::<Vec<_>>(), both);
    assert!(!format!("{by_text:?}").contains(&write));
}

#[test]
fn what_is_no_token_is_refused_and_its_secret_not_repeated() {
    let refused = |text: &str, secret: &str, says: &[&str]| {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{found:#?}");
        for says in says {
            assert!(found[0].contains(says), "{found:#?} does not say {says}");
        }
        assert!(
            secret.is_empty() || !found[0].contains(secret),
            "{found:#?}"
        );
    };
    let long = "x".repeat(32);
    for (key, text) in [
        ("secret", "hunter2"),
        ("secret", "with a space, thirty-two letters"),
        ("secret_hash", "sha256:7"),
        ("secret_hash", "md5:0"),
        ("secret_hash", long.as_str()),
    ] {
        let token = format!("[token.a]\n{key} = \"{text}\"\n");
        refused(&token, text, &["belfry token new"]);
    }
    refused("[token.a]\nrights = \"read\"\n", "", &["has no secret"]);
    let both = format!(
        "[token.a]\nsecret = \"{long}\"\nsecret_hash = \"sha256:{}\"\n",
        "0".repeat(64)
    );
    refused(&both, &long, &["stand together", "keep one"]);
    let wide = format!("[token.a]\nsecret = \"{long}\"\nrights = \"wriet\"\n");
    refused(&wide, &long, &["did you mean \"write\"?"]);
    let named = format!("[token.\"a b\"]\nsecret = \"{long}\"\n");
    refused(&named, &long, &["[token.deploy]"]);
    let twice = format!("[token.a]\nsecret = \"{long}\"\n[token.b]\nsecret = \"{long}\"\n");
    refused(&twice, &long, &["[token.a] has the same secret"]);
}

#[test]
fn a_heartbeat_may_go_by_calendar_events_of_systemd() {
    let expected = |event: &str| {
        let text = format!(
            "[daemon]\ntimezone = \"Europe/Berlin\"\n[heartbeat.job]\non_calendar = {event}\n"
        );
        let plan = plan(&text);
        check(&plan, "job").schedule.to_string()
    };
    assert_eq!(expected("\"daily\""), "on_calendar daily (Europe/Berlin)");
    assert_eq!(
        expected("[\"Mon..Fri 03:00\", \"Sat 05:00 UTC\"]"),
        "on_calendar Mon..Fri 03:00; Sat 05:00 UTC (Europe/Berlin)"
    );
    assert_eq!(
        expected("\"weekly Pacific/Auckland\""),
        "on_calendar weekly Pacific/Auckland"
    );
}

#[test]
fn what_a_heartbeat_tolerates_is_said_for_itself_and_not_inherited() {
    let text = "[defaults]\nfail_after = 3\nalert_degraded = true\n\
                [heartbeat.plain]\nevery = \"1d\"\n\
                [heartbeat.job]\nevery = \"1d\"\nfail_after = \"2 of 5\"\nmissed_after = 4\nalert_degraded = false\n";
    let plan = plan(text);
    let rules = |name| {
        let check = check(&plan, name);
        let missed = check.heartbeat.as_ref().map(|rule| rule.missed_after);
        (check.fail_after, missed, check.alert_degraded)
    };
    assert_eq!(rules("plain"), (Threshold::in_a_row(1), Some(1), true));
    assert_eq!(rules("job"), (Threshold { bad: 2, of: 5 }, Some(4), false));
    refused("missed_after = 0", &["from 1 to 64"]);
    refused("fail_after = \"3 of 2\"", &["3 of 5"]);
}
