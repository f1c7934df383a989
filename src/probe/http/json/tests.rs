use bytes::Bytes;

use super::*;
use crate::probe::Probe;
use crate::probe::tests::read as read_check;

/// What is said of `body` where `json` is written so: the message, the findings, the metrics.
fn judged(json: &str, body: &str) -> String {
    let text = format!("[http]\nurl = \"http://a/\"\n[http.json]\n{json}\n");
    let (probe, problems) = read_check(&text);
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Http(settings)) = probe else {
        panic!("an http probe was read");
    };
    let body = Body {
        size: body.len() as u64,
        text: Bytes::copy_from_slice(body.as_bytes()),
        ..Body::default()
    };
    let mut judgement = Judgement::default();
    let mut trace = Trace::start(std::time::Duration::from_secs(1));
    let conditions = settings.more.as_ref().expect("there are conditions");
    judge(&conditions.wants.json, &body, &mut judgement, &mut trace);
    judgement.outcome("good").message()
}

fn problems(json: &str) -> Vec<String> {
    read_check(&format!(
        "[http]\nurl = \"http://a/\"\n[http.json]\n{json}\n"
    ))
    .1
}

const BODY: &str = r#"{"status":"up","queue":120,"ratio":1.0,"note":null,"ok":true,
    "nodes":[{"name":"a","lag":1},{"name":"b","lag":7}]}"#;

#[test]
fn what_a_path_leads_to_is_compared() {
    for (condition, said) in [
        (r#""$.status" = "up""#, "good"),
        (r#""$.status" = "down""#, "$.status is \"up\", not \"down\""),
        (r#""$.queue" = 120"#, "good"),
        (r#""$.ratio" = 1"#, "good"),
        (r#""$.queue" = "120""#, "$.queue is 120, not \"120\""),
        (r#""$.ok" = true"#, "good"),
        (
            r#""$.status" = { not = "up" }"#,
            "$.status is \"up\", not other than \"up\"",
        ),
        (
            r#""$.queue" = { below = 100 }"#,
            "$.queue is 120, not below 100",
        ),
        (
            r#""$.queue" = { least = 120, most = 120, above = 119.5 }"#,
            "good",
        ),
        (
            r#""$.status" = { above = 1 }"#,
            "$.status is \"up\", not above 1",
        ),
        (r#""$.status" = { matches = "^u" }"#, "good"),
        (
            r#""$.status" = { matches = "^d" }"#,
            "$.status is \"up\", not like /^d/",
        ),
        (
            r#""$.nodes[*].lag" = { below = 5 }"#,
            "$.nodes[*].lag is 7, not below 5",
        ),
        (r#""$.nodes[*]" = { count = 2 }"#, "good"),
        (
            r#""$.nodes[*]" = { count_least = 3 }"#,
            "$.nodes[*] leads to 2 values, not 3 or more",
        ),
        (
            r#""$.nodes[*]" = { count_most = 1 }"#,
            "$.nodes[*] leads to 2 values, not at most 1",
        ),
        (
            r#""$.nodes[?@.lag > 5]" = { exists = false }"#,
            "$.nodes[?@.lag > 5] leads to 1 value, not nothing",
        ),
        (r#""$.missing" = 1"#, "there is no $.missing"),
        (
            r#""$.missing" = { exists = true }"#,
            "there is no $.missing",
        ),
        (r#""$.note" = { exists = true }"#, "good"),
        (r#""$..lag" = { most = 7 }"#, "good"),
        (
            r#""$.queue" = { warn = 100, fail = 200 }"#,
            "$.queue 120 (warn at 100)",
        ),
        (
            r#""$.status" = { warn = 1 }"#,
            "$.status is \"up\", not a number",
        ),
    ] {
        assert_eq!(judged(condition, BODY), said, "{condition}");
    }
}

#[test]
fn a_body_that_is_no_json_says_what_it_is() {
    for (body, said) in [
        (
            "<html>",
            "the body is not JSON (expected value at line 1 column 1)",
        ),
        (
            "",
            "the body is not JSON (EOF while parsing a value at line 1 column 0)",
        ),
        (
            "{} {}",
            "the body is not JSON (trailing characters at line 1 column 4)",
        ),
    ] {
        assert_eq!(judged("\"$.a\" = 1", body), said);
    }
    let deep = "[".repeat(10_000);
    assert!(judged("\"$.a\" = 1", &deep).starts_with("the body is not JSON (recursion limit"));
    let many = format!("[{}]", vec!["1"; 60_000].join(","));
    assert_eq!(
        judged("\"$.a\" = 1", &many),
        "the body has more than 50000 values of JSON, which are not read"
    );
}

#[test]
fn what_is_wrong_with_a_condition_is_said_where_it_stands() {
    for (json, part) in [
        (
            r#""status" = 1"#,
            "\"status\" is not a path into JSON; write json",
        ),
        (r#""$..a..b" = 1"#, "\"..\" can stand once in a path"),
        (
            r#""$[?count($..*) > 1]" = { exists = true }"#,
            "\"..\" can stand once in a path",
        ),
        (
            r#""$[?@.a == $.b]" = { exists = true }"#,
            "a filter looks at @",
        ),
        (r#""$.a" = []"#, "no value of JSON; write a text"),
        (r#""$.a" = {}"#, "says nothing of what is there"),
        (
            r#""$.a" = { exists = false, is = 1 }"#,
            "cannot be compared",
        ),
        (r#""$.a" = { bellow = 1 }"#, "did you mean \"below\"?"),
        (
            r#""$.a" = { warn = 2, fail = 1 }"#,
            "warn first, fail later",
        ),
        (r#""$.a" = { matches = "(" }"#, "not a regular expression"),
    ] {
        let problems = problems(json);
        assert!(
            problems.iter().any(|p| p.contains(part)),
            "{json}: {problems:?}"
        );
    }
    // Dots and dollars of a name are none of the path.
    assert_eq!(problems(r#"'$["a..b"]["..?$"]' = 1"#), Vec::<String>::new());
}
