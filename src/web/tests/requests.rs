//! Requests that are too large, or that two servers could read differently.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::attacks::status;
use super::*;
use crate::web::limits::{FORM_BYTES, HEAD_BYTES, URI_BYTES};

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let town = Town::found(Limits::default()).await;
    let long = |len: usize| "x".repeat(len);
    for (request, expected) in [
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\na: {}\r\n\r\n",
                long(HEAD_BYTES)
            ),
            431,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\na: {}\r\n\r\n",
                long(1024 * 1024)
            ),
            431,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
                "a: b\r\n".repeat(10_000)
            ),
            431,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
                "a: b\r\n".repeat(101)
            ),
            431,
        ),
        (
            format!(
                "GET /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
                long(URI_BYTES)
            ),
            414,
        ),
    ] {
        let answer = town.raw(request.as_bytes()).await;
        // A peer that sends on while it is refused may find the connection reset before it reads.
        assert!(
            status(&answer) == expected || (answer.is_empty() && request.len() > HEAD_BYTES),
            "{} bytes: {answer}",
            request.len()
        );
    }
    assert_eq!(town.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let town = Town::found(short()).await;
    for head in [
        "content-length: 4\r\ncontent-length: 5",
        "content-length: 4, 5",
        "content-length: +4",
        "content-length: 0x4",
        "transfer-encoding: gzip, chunked, gzip",
        "a\0b: c",
        "a: b\0c",
        "a : b",
        "a: b\r\n folded",
    ] {
        let request = format!("POST /mail/test HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\nabcd");
        let answer = town.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{head:?}: {answer}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let town = Town::found(short()).await;
    let inner = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let request = format!(
        "GET /readyz HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        inner.len() + 5
    );
    // Read by the chunks and then closed, as RFC 9112 section 6.3 says: what follows is never a request.
    let answer = town.raw(request.as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn bare_line_feeds_and_nul_do_no_harm() {
    let town = Town::found(short()).await;
    let bare = town
        .raw(b"GET /healthz HTTP/1.1\nhost: x\nconnection: close\n\n")
        .await;
    assert!(matches!(status(&bare), 200 | 400), "{bare}");
    assert_eq!(status(&town.raw(b"\0\0\0\0\r\n\r\n").await), 400);
    assert_eq!(
        status(
            &town
                .raw(b"GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .await
        ),
        400
    );
    assert_eq!(
        status(
            &town
                .raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
                .await
        ),
        400
    );
}

#[tokio::test]
async fn a_thousand_requests_in_one_breath_are_answered_in_order() {
    let town = Town::found(Limits::default()).await;
    let mut requests = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(999);
    requests.push_str("GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut stream = town.connect().await;
    let (mut reader, mut writer) = stream.split();
    let write = async {
        writer.write_all(requests.as_bytes()).await.expect("taken");
    };
    let read = async {
        let mut text = String::new();
        reader.read_to_string(&mut text).await.expect("text");
        text
    };
    let ((), text) = timeout(PATIENCE, async { tokio::join!(write, read) })
        .await
        .expect("answers");
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 999);
    assert_eq!(text.matches("HTTP/1.1 404 Not Found").count(), 1);
    assert!(text.rfind("HTTP/1.1 404") > text.rfind("HTTP/1.1 200"));
}

#[tokio::test]
async fn bodies_beyond_the_cap_are_refused_announced_or_not() {
    let town = Town::found(short()).await;
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, "x".repeat(20_000));
    for (path, framing, body) in [
        (
            "/api/v1/mail/test",
            format!("content-length: {}", FORM_BYTES + 1),
            String::new(),
        ),
        (
            "/api/v1/mail/test",
            "transfer-encoding: chunked".to_owned(),
            chunk.clone(),
        ),
        (
            "/checks/x/pause",
            "content-length: 99999999999".to_owned(),
            String::new(),
        ),
        ("/", "content-length: 1073741824".to_owned(), String::new()),
    ] {
        let method = if path == "/" { "GET" } else { "POST" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n{framing}\r\n\r\n{body}"
        );
        let answer = town.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), 413, "{path} {framing}: {answer}");
    }
}

#[tokio::test]
async fn a_rotated_heartbeat_is_heard_at_both_addresses() {
    let town = Town::found(Limits::default()).await;
    let made = town.get(&format!("/ping/{PING_KEY}/fresh?create=1")).await;
    assert_eq!(made.status, 201);
    let check = "/api/v1/checks/fresh";
    let said = |reply: &Reply| serde_json::from_str::<serde_json::Value>(&reply.body);
    let reply = town.ask("GET", check, &town.bearer(), "").await;
    let old = said(&reply).expect("JSON")["ping_url"].clone();
    let old = old.as_str().expect("an address");

    let rotate = format!("{check}/rotate");
    let reply = town
        .ask("POST", &rotate, "origin: http://evil.example\r\n", "")
        .await;
    assert_eq!(reply.status, 403);
    let reply = town.ask("POST", &rotate, &town.bearer(), "").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let said = said(&reply).expect("JSON");
    let new = said["ping_url"].as_str().expect("an address");
    assert!(said["old_heard_until"].is_string(), "{said}");
    assert_ne!(new, old);
    for url in [new, old] {
        assert_eq!(town.get(url).await.status, 200, "{url}");
    }
    let reply = town
        .ask("POST", &format!("{rotate}-now"), &town.bearer(), "")
        .await;
    assert!(
        reply.body.contains("\"old_heard_until\":null"),
        "{}",
        reply.body
    );
    for url in [new, old] {
        assert_eq!(town.get(url).await.status, 404, "{url}");
    }
    let reply = town.press("/checks/fresh/rotate").await;
    assert_eq!(reply.header("location"), Some("/checks/fresh"));

    // What the configuration says is changed there.
    for name in ["nightly-backup", "postgres"] {
        let rotate = format!("/api/v1/checks/{name}/rotate");
        let reply = town.ask("POST", &rotate, &town.bearer(), "").await;
        assert_eq!(reply.status, 409, "{name}");
    }
    let old = format!("/ping/{}", story::BEAT);
    assert_eq!(town.get(&old).await.status, 200);
}
