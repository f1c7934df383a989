//! Stories about readers and operators.

use std::sync::Arc;

use super::*;
use crate::core::state::Phase;

/// The id of the open incident.
fn incident(town: &Town) -> String {
    let view = Arc::clone(&town.view.borrow());
    view.engine
        .incidents
        .keys()
        .next()
        .expect("an open incident")
        .to_string()
}

#[tokio::test]
async fn every_address_answers_and_is_safe() {
    let town = Town::found(Limits::default()).await;
    let id = incident(&town);
    for (path, kind) in [
        ("/".to_owned(), "text/html; charset=utf-8"),
        ("/checks/shop".to_owned(), "text/html; charset=utf-8"),
        ("/incidents".to_owned(), "text/html; charset=utf-8"),
        (format!("/incidents/{id}"), "text/html; charset=utf-8"),
        ("/heartbeats".to_owned(), "text/html; charset=utf-8"),
        ("/mail".to_owned(), "text/html; charset=utf-8"),
        ("/about".to_owned(), "text/html; charset=utf-8"),
        ("/api/v1/status".to_owned(), "application/json"),
        ("/api/v1/checks".to_owned(), "application/json"),
        ("/api/v1/checks/shop".to_owned(), "application/json"),
        (
            "/api/v1/checks/shop/outcomes?limit=5".to_owned(),
            "application/json",
        ),
        ("/api/v1/incidents".to_owned(), "application/json"),
        (format!("/api/v1/incidents/{id}"), "application/json"),
        ("/api/v1/outbox".to_owned(), "application/json"),
        (
            "/metrics".to_owned(),
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        ("/healthz".to_owned(), "text/plain; charset=utf-8"),
        ("/readyz".to_owned(), "text/plain; charset=utf-8"),
        ("/assets/style.css".to_owned(), "text/css; charset=utf-8"),
        (
            "/assets/live.js".to_owned(),
            "text/javascript; charset=utf-8",
        ),
        ("/assets/icon.svg".to_owned(), "image/svg+xml"),
    ] {
        let reply = town.get(&path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        assert_eq!(reply.header("content-type"), Some(kind), "{path}");
        assert!(!reply.body.is_empty(), "{path}");
        // Where a page says nothing of itself, its own forms come from "null".
        let is_data = ["json", "plain", "openmetrics"]
            .iter()
            .any(|data| kind.contains(data));
        let referrer = if is_data {
            "no-referrer"
        } else {
            "same-origin"
        };
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", referrer),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        let policy = reply.header("content-security-policy").unwrap_or_default();
        for part in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        let head = town.ask("HEAD", &path, "", "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "HEAD {path}");
    }
}

#[tokio::test]
async fn mistakes_are_explained_in_the_manner_of_the_place() {
    let town = Town::found(Limits::default()).await;
    let api = town.get("/api/v1/checks/shpo").await;
    assert_eq!(api.status, 404);
    assert!(api.json()["error"].is_string() && api.json()["hint"].is_string());
    let page = town.get("/checks/%3Cscript%3E").await;
    assert_eq!(page.status, 404);
    assert!(page.body.starts_with("<!DOCTYPE html>"), "{}", page.body);
    let method = town.ask("DELETE", "/api/v1/checks", "", "").await;
    assert_eq!(
        (method.status, method.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let method = town.ask("GET", "/checks/shop/pause", "", "").await;
    assert_eq!((method.status, method.header("allow")), (405, Some("POST")));
    assert_eq!(
        town.get("/api/v1/checks/shop/outcomes?from=x").await.status,
        400
    );
}

#[tokio::test]
async fn an_operator_acknowledges_pauses_and_resumes() {
    let mut town = Town::found(Limits::default()).await;
    let id = incident(&town);
    let note = r#"{"by":"Ada","note":"on it"}"#;
    let headers = format!("{}content-type: application/json\r\n", town.bearer());
    let path = format!("/api/v1/incidents/{id}/ack");
    let reply = town.ask("POST", &path, &headers, note).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let open = Arc::clone(
        town.view
            .borrow()
            .engine
            .incidents
            .values()
            .next()
            .expect("open"),
    );
    assert_eq!(
        open.acknowledged.as_ref().map(|ack| ack.by.as_ref()),
        Some("Ada")
    );

    let reply = town.press("/checks/shop/pause").await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/checks/shop"))
    );
    let phase = |town: &Town| {
        town.view
            .borrow()
            .engine
            .named("shop")
            .expect("a check")
            .phase()
    };
    assert_eq!(phase(&town), Phase::Paused);
    let reply = town.press("/api/v1/checks/shop/run").await;
    assert_eq!(reply.status, 409, "{}", reply.body);
    let reply = town.press("/api/v1/checks/shop/resume").await;
    assert_eq!(reply.json()["state"], "new");
    let reply = town.press("/api/v1/checks/shop/run").await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    // One place in the queue, and nobody takes from it.
    let reply = town.press("/api/v1/checks/shop/run").await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("5"))
    );
    assert!(town.wanted.recv().await.is_some());
    let reply = town.press("/api/v1/checks/nightly-backup/run").await;
    assert_eq!(reply.status, 409);
    let reply = town.press("/mail/test").await;
    assert!(matches!(reply.status, 303 | 409), "{}", reply.status);
}

#[tokio::test]
async fn who_does_not_sit_here_or_comes_from_a_foreign_page_operates_nothing() {
    let town = Town::found(Limits::default()).await;
    let ours = format!("origin: http://{}\r\n", town.address);
    for headers in [
        String::new(),
        "host: status.example.org\r\norigin: http://status.example.org\r\n".to_owned(),
        "origin: http://evil.example\r\n".to_owned(),
        "origin: null\r\n".to_owned(),
        format!("{ours}sec-fetch-site: cross-site\r\n"),
        format!("{ours}x-forwarded-for: 192.0.2.9\r\n"),
        format!("{ours}authorization: Bearer 0123456789abcdef0123456789abcdef\r\n"),
    ] {
        let reply = town
            .ask("POST", "/api/v1/checks/shop/pause", &headers, "")
            .await;
        assert_eq!(reply.status, 403, "{headers}");
        let hint = reply.json()["hint"].to_string();
        assert!(hint.contains("operator-token"), "{hint}");
    }
    // nginx as it comes, with a POST of anybody.
    let proxied = format!(
        "POST /api/v1/checks/shop/pause HTTP/1.0\r\nhost: {}\r\n{ours}\r\n",
        town.address
    );
    let reply = Reply::parse(&town.raw(proxied.as_bytes()).await);
    assert_eq!(reply.status, 403);
    let phase = || town.view.borrow().engine.named("shop").map(|w| w.phase());
    assert_ne!(phase(), Some(Phase::Paused));
    // Nor are the buttons shown.
    let here = town.get("/checks/shop").await;
    assert!(here.body.contains("/checks/shop/pause"));
    let host = "host: status.example.org\r\n";
    let there = town.ask("GET", "/checks/shop", host, "").await;
    assert_eq!(there.status, 200);
    assert!(!there.body.contains("/checks/shop/pause"));
    // The token opens what the place does not.
    let headers = format!("{host}x-forwarded-for: 192.0.2.9\r\n{}", town.bearer());
    let reply = town.ask("POST", "/checks/shop/pause", &headers, "").await;
    assert_eq!(reply.status, 303);
    assert_eq!(phase(), Some(Phase::Paused));
}

#[tokio::test]
async fn where_the_page_is_published_nobody_operates_for_being_here() {
    let town = Town::found(Limits::default()).await;
    let mut facts = Facts::clone(&town.facts.borrow());
    facts.reached.is_published = true;
    town.facts.send_replace(Arc::new(facts));
    let refused = town.press("/api/v1/checks/shop/pause").await;
    assert_eq!(refused.status, 403);
    let hint = refused.json()["hint"].to_string();
    assert!(
        hint.contains("operator-token") && !hint.contains("buttons"),
        "{hint}"
    );
    let secret = story::BEAT.to_string();
    for path in [
        "/heartbeats",
        "/checks/nightly-backup",
        "/api/v1/checks/nightly-backup",
    ] {
        let reply = town.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(!reply.body.contains(&secret), "{path}");
        let shown = town.ask("GET", path, &town.bearer(), "").await;
        assert!(shown.body.contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn a_name_that_was_made_to_point_here_is_told_nothing() {
    let town = Town::found(Limits::default()).await;
    let evil = "host: evil.example:8080\r\n";
    for path in [
        "/",
        "/nowhere",
        "/events",
        "/metrics",
        "/mail",
        "/assets/style.css",
        "/api/v1/status",
    ] {
        let reply = town.ask("GET", path, evil, "").await;
        assert_eq!(reply.status, 421, "{path}");
        assert!(reply.body.contains("[page] url"), "{path}: {}", reply.body);
        assert!(!reply.body.contains("web-1"), "{path}: {}", reply.body);
    }
    assert_eq!(town.ask("DELETE", "/", evil, "").await.status, 421);
    let ping = format!("/ping/{}", story::BEAT);
    for path in ["/healthz", "/readyz", &ping] {
        assert_eq!(town.ask("GET", path, evil, "").await.status, 200, "{path}");
    }
    for host in ["web-1:8080", "status.example.org", "localhost"] {
        let host = format!("host: {host}\r\n");
        assert_eq!(town.ask("GET", "/", &host, "").await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn the_overview_is_drawn_once_for_all_and_not_sent_twice() {
    let town = Town::found(Limits::default()).await;
    let first = town.get("/").await;
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(town.get("/").await.header("etag"), Some(tag.as_str()));
    let again = town
        .ask("GET", "/", &format!("if-none-match: {tag}\r\n"), "")
        .await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let small = town.ask("GET", "/", "accept-encoding: gzip\r\n", "").await;
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert_ne!(small.header("etag"), Some(tag.as_str()));
    // What an operator did is seen at once, however young the drawing is.
    let reply = town.press("/checks/shop/pause").await;
    assert_eq!(reply.status, 303);
    let after = town.get("/").await;
    assert_ne!(after.header("etag"), Some(tag.as_str()));
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let town = Town::found(Limits::default()).await;
    assert_eq!(town.get("/readyz").await.status, 200);
    town.vitals.commit_failures.set(3);
    let reply = town.get("/readyz").await;
    assert_eq!(reply.status, 503);
    assert!(reply.body.contains("journal"), "{}", reply.body);
    town.vitals.commit_failures.set(0);
    town.vitals
        .lateness_max
        .set_duration(Duration::from_mins(1));
    assert_eq!(town.get("/readyz").await.status, 503);
    assert_eq!(town.get("/healthz").await.body, "OK");
}

#[tokio::test]
async fn http_2_with_prior_knowledge_is_understood() {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let town = Town::found(short()).await;
    let io = TokioIo::new(town.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake::<_, _, Empty<bytes::Bytes>>(
            TokioExecutor::new(),
            io,
        )
        .await
        .expect("HTTP/2");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    for (method, path, status, body) in [
        ("GET", "/healthz", 200, "OK"),
        ("HEAD", "/healthz", 200, ""),
        ("GET", "/api/v1/nothing", 404, "{"),
        ("POST", "/checks/shop/pause", 303, ""),
    ] {
        let request = http::Request::builder()
            .method(method)
            .header("origin", format!("http://{}", town.address))
            .uri(format!("http://{}{path}", town.address))
            .body(Empty::new())
            .expect("a request");
        let response = timeout(PATIENCE, client.send_request(request))
            .await
            .expect("in time")
            .expect("an answer");
        assert_eq!(response.status(), status, "{method} {path}");
        let bytes = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        assert!(
            bytes.starts_with(body.as_bytes()),
            "{method} {path}: {bytes:?}"
        );
        assert_eq!(
            bytes.is_empty(),
            body.is_empty(),
            "{method} {path}: {bytes:?}"
        );
    }
}
