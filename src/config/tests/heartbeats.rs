//! What a heartbeat says of its pings, and the keys of the API.

use super::*;
use crate::config::{Rights, new_api_key};
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
fn keys_of_the_api_are_kept_as_digests_and_not_repeated() {
    let (write, line) = new_api_key(Rights::Write);
    let (read, read_line) = new_api_key(Rights::Read);
    let by_hash = plan(&format!("[api]\n{line}\n{read_line}\n")).api_keys;
    let by_text = plan(&format!(
        "[api]\nkey = \"{write}\"\nread_only_key = \"{read}\"\n"
    ));
    assert_eq!(by_hash, by_text.api_keys);
    assert_eq!(by_hash.len(), 2);
    assert!(!format!("{by_text:?}").contains(&write));
    for (key, text) in [
        ("key", "hunter2"),
        ("read_only_key", "with a space, thirty-two letters"),
        ("key_hash", "sha256:7"),
        ("key_hash", "md5:0"),
        ("read_only_key_hash", write.as_str()),
    ] {
        let found = problems(&format!("[api]\n{key} = \"{text}\"\n"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("belfry key new"), "{found:#?}");
        assert!(!found[0].contains(text), "{found:#?}");
    }
}
