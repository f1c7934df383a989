//! Web pages: conditions on their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use belfry::core::metric::Metric;
use belfry::core::outcome::{Outcome, Verdict};

use crate::server::{Server, page, redirect};
use crate::{assert_fails, look, probe, text};

/// Looks at a page that says `body` with this header, with these keys.
async fn seen(header: (&'static str, &'static str), body: &'static str, keys: &str) -> Outcome {
    let server = Server::http(move |_| async move {
        let mut page = page(200, body);
        page.headers_mut()
            .insert(header.0, header.1.parse().expect("it is a value"));
        page
    })
    .await;
    look(&format!(
        "http = {{ url = \"{}\", {keys} }}",
        server.url("/")
    ))
    .await
}

#[tokio::test]
async fn a_status_without_a_name_and_what_comes_behind_a_body_are_taken_as_they_are() {
    let server = Server::raw(
        b"HTTP/1.1 299 \r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n",
    )
    .await;
    let url = server.url("/");
    let outcome = look(&format!("http = {{ url = \"{url}\", body = \"^ok$$\" }}")).await;
    assert_eq!(text(&outcome), "299 in T");
    let outcome = look(&format!("http = {{ url = \"{url}\", status = 200 }}")).await;
    assert_fails(&outcome, "299 in ");
}

fn metric(outcome: &Outcome, name: &str) -> Option<f64> {
    let metrics = outcome.metrics.as_deref().unwrap_or_default();
    let found = metrics.iter().find(|Metric { name: n, .. }| **n == *name);
    found.map(|metric| metric.value)
}

#[tokio::test]
async fn json_is_looked_into_and_what_is_not_so_is_said() {
    let body = r#"{"status":"degraded","queue":{"length":120},"nodes":[1,2]}"#;
    let json = ("content-type", "application/json");
    let outcome = seen(
        json,
        body,
        r#"json = { "$.status" = "degraded", "$.nodes[*]" = { count = 2, below = 3 } }"#,
    )
    .await;
    assert_eq!(text(&outcome), "200 OK in T");
    let keys = r#"json = { "$.status" = "up", "$.queue.length" = { warn = 100 } }"#;
    let outcome = seen(json, body, keys).await;
    assert_fails(
        &outcome,
        ", but $.status is \"degraded\", not \"up\", $.queue.length 120",
    );
    assert_eq!(metric(&outcome, "$.queue.length"), Some(120.0));
}

#[tokio::test]
async fn headers_are_wanted_and_unwanted() {
    let html = ("content-type", "text/html; charset=utf-8");
    for (keys, said) in [
        (r#"{ Content-Type = "^text/html" }"#, ""),
        (
            r#"{ content-type = "^text/plain" }"#,
            ", but content-type \"text/html; charset=utf-8\" does not match /^text/plain/",
        ),
        ("{ content-type = true, server = false }", ""),
        (
            "{ content-type = false, x-frame-options = true }",
            ", but there is a header content-type, there is no header x-frame-options",
        ),
        (r#"{ content-type = { not = "utf-16" } }"#, ""),
        (
            r#"{ content-type = { not = "utf-8" } }"#,
            ", but content-type \"text/html; charset=utf-8\" matches /utf-8/",
        ),
        (r#"{ x-cache = "HIT" }"#, ", but there is no header x-cache"),
    ] {
        let outcome = seen(html, "", &format!("expect_headers = {keys}")).await;
        assert_eq!(text(&outcome), format!("200 OK in T{said}"), "{keys}");
        let verdict = if said.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Fail
        };
        assert_eq!(outcome.verdict, verdict);
    }
}

#[tokio::test]
async fn what_a_body_must_not_say_how_large_it_is_and_which_it_is() {
    let plain = ("x-a", "b");
    for (keys, said) in [
        ("body_not = \"stack trace\"", ""),
        ("body_not = \"h.llo\"", ", but the body matches /h.llo/"),
        ("size_warn = \"5B\"", ", the body has 5 B (warn at 5 B)"),
        ("size_warn = \"6B\", size_min = \"5B\"", ""),
        ("size_fail = \"4B\"", ", but the body has 5 B (fail at 4 B)"),
        (
            "size_min = \"1KiB\"",
            ", but the body has only 5 B, less than 1 KiB",
        ),
        (
            "checksum = \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
            "",
        ),
        (
            "checksum = \"sha256:0cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
            ", but the checksum is 2cf24dba5fb0…, not 0cf24dba5fb0…",
        ),
    ] {
        let outcome = seen(plain, "hello", keys).await;
        assert_eq!(text(&outcome), format!("200 OK in T{said}"), "{keys}");
    }
    let outcome = seen(plain, "hello", "size_warn = \"1KiB\"").await;
    assert_eq!(metric(&outcome, "size"), Some(5.0));
}

#[tokio::test]
async fn an_old_page_is_told_by_its_own_date() {
    let old = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    let outcome = seen(old, "", "age_warn = \"1d\", age_fail = \"3000d\"").await;
    assert_fails(&outcome, ", but it was modified more than 3000 d ago");
    let outcome = seen(old, "", "age_warn = \"1d\"").await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert!(metric(&outcome, "age").expect("it is measured") > 9e8);
    for odd in [("x-a", "b"), ("last-modified", "yesterday")] {
        let outcome = seen(odd, "", "age_warn = \"1d\"").await;
        assert_fails(&outcome, ", but it does not say when it was modified");
    }
}

#[tokio::test]
async fn where_it_leads_is_asserted_followed_or_not() {
    let server = Server::http(|request| async move {
        match request.uri().path() {
            "/old" => redirect(301, "/new?token=hunter2"),
            "/app" => redirect(302, "shop:cart"),
            _ => page(200, ""),
        }
    })
    .await;
    let url = server.url("/old");
    for (keys, said) in [
        ("location = \"/new\\\\?token=\"", "200 OK in T"),
        (
            "status = 301, location = \"^http://[^/]*/new\"",
            "301 Moved Permanently in T",
        ),
    ] {
        let outcome = look(&format!("http = {{ url = \"{url}\", {keys} }}")).await;
        assert_eq!(text(&outcome), said, "{keys}");
    }
    let app = server.url("/app");
    let outcome = look(&format!(
        "http = {{ url = \"{app}\", status = 302, location = \"^shop:cart$$\" }}"
    ))
    .await;
    assert_eq!(text(&outcome), "302 Found in T");
    let outcome = look(&format!(
        "http = {{ url = \"{url}\", location = \"/login\" }}"
    ))
    .await;
    let place = server.url("/new");
    assert_fails(
        &outcome,
        &format!(", but it leads to {place}, which does not match /\\/login/").replace("\\/", "/"),
    );
    assert!(!outcome.message().contains("hunter2"));
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_fails_where_it_is_looked_into() {
    let odd = ("content-encoding", "gzip");
    assert_fails(
        &seen(odd, "hello", "body = \"hello\"").await,
        ", but the body says it is gzip, and is not, or is damaged",
    );
    let strange = ("content-encoding", "compress");
    assert_fails(
        &seen(strange, "hello", "json = { \"$.a\" = 1 }").await,
        ", but the body is packed with compress, which is not unpacked here",
    );
    assert_eq!(
        text(&seen(odd, "hello", "slow = \"9s\"").await),
        "200 OK in T"
    );
    // An answer to HEAD names the encoding of what it does not send.
    let keys = "method = \"HEAD\", body_not = \"x\", size_warn = \"1B\"";
    assert_eq!(text(&seen(odd, "hello", keys).await), "200 OK in T");
    // A cookie is judged, and not shown to whoever reads our pages.
    let cookie = ("set-cookie", "session=hunter2");
    let keys = "expect_headers = { set-cookie = \"HttpOnly\" }";
    assert_fails(
        &seen(cookie, "", keys).await,
        "but set-cookie \"…\" does not match /HttpOnly/",
    );
}

#[tokio::test]
async fn the_share_of_the_last_looks_is_judged_once_there_are_enough() {
    let pause_ms = Arc::new(AtomicU64::new(30));
    let pause = Arc::clone(&pause_ms);
    let server = Server::http(move |_| {
        let pause = Duration::from_millis(pause.load(Ordering::Relaxed));
        async move {
            tokio::time::sleep(pause).await;
            page(200, "")
        }
    })
    .await;
    let url = server.url("/");
    let probe = probe(&format!(
        "http = {{ url = \"{url}\", p50 = {{ warn = \"20ms\", fail = \"10m\", of = 3 }} }}"
    ));
    let env = crate::env();
    for _ in 0..2 {
        let outcome = probe.run(&env, crate::PATIENT).await;
        assert_eq!(text(&outcome), "200 OK in T");
        assert_eq!(metric(&outcome, "p50"), None);
    }
    let outcome = probe.run(&env, crate::PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(
        text(&outcome),
        "200 OK in T, p50 of the last 3 looks is 20 ms or more"
    );
    assert!(metric(&outcome, "p50").expect("it is measured") >= 0.03);
}

#[tokio::test]
async fn an_error_page_is_not_asked_for_more_but_explain_tells_it() {
    let server = Server::http(|_| async { page(503, "<html>") }).await;
    let text_ = format!(
        "http = {{ url = \"{}\", json = {{ \"$.a\" = 1 }}, expect_headers = {{ x-a = true }} }}",
        server.url("/")
    );
    let (outcome, findings) = probe(&text_).explain(&crate::env(), crate::PATIENT).await;
    assert_eq!(text(&outcome), "503 Service Unavailable in T");
    let told: Vec<String> = findings
        .iter()
        .map(|f| format!("{}: {}, {}", f.what, f.expected, f.found))
        .collect();
    assert_eq!(
        told,
        [
            "status: 200 to 299, 503 Service Unavailable",
            "body: JSON, is not JSON (expected value at line 1 column 1)",
            "header x-a: there, none"
        ]
    );
}
