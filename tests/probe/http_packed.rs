//! Web pages: bodies that come packed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::{Server, page};
use crate::{assert_fails, look, text};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A server that packs its page for those who ask for it, or for everybody.
async fn packing(body: Vec<u8>, always: bool) -> Server {
    let packed = bytes::Bytes::from(gzip(&body));
    let body = bytes::Bytes::from(body);
    Server::http(move |request| {
        let (packed, body) = (packed.clone(), body.clone());
        async move {
            let accepted = request.headers().get("accept-encoding");
            let accepted = accepted.and_then(|value| value.to_str().ok());
            if !always && !accepted.is_some_and(|value| value.contains("gzip")) {
                return page(200, body);
            }
            let mut page = page(200, packed);
            page.headers_mut()
                .insert("content-encoding", "gzip".parse().expect("it is a value"));
            page
        }
    })
    .await
}

#[tokio::test]
async fn a_packed_body_is_unpacked_before_it_is_judged() {
    for (compressed, always) in [(true, false), (false, true), (false, false)] {
        let server = packing(b"hello".to_vec(), always).await;
        let keys = format!("compressed = {compressed}, body = \"^hello$$\", size_fail = \"6B\"");
        let outcome = look(&format!(
            "http = {{ url = \"{}\", {keys} }}",
            server.url("/")
        ))
        .await;
        assert_eq!(text(&outcome), "200 OK in T", "{keys} {always}");
    }
    let server = packing(b"hello".to_vec(), false).await;
    let keys = "compressed = true, expect_headers = { content-encoding = \"gzip\" }";
    let outcome = look(&format!(
        "http = {{ url = \"{}\", {keys} }}",
        server.url("/")
    ))
    .await;
    assert_eq!(text(&outcome), "200 OK in T");
}

#[tokio::test]
async fn a_body_that_no_browser_can_read_fails_where_it_was_asked_for_packed() {
    let lie = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello";
    let server = Server::raw(lie).await;
    let url = server.url("/");
    let outcome = look(&format!("http = {{ url = \"{url}\", compressed = true }}")).await;
    assert_fails(
        &outcome,
        "but the body says it is gzip, and is not, or is damaged",
    );
    // Nobody asked what is in it.
    let outcome = look(&format!("http = {{ url = \"{url}\" }}")).await;
    assert_eq!(text(&outcome), "200 OK in T");
}

#[tokio::test]
async fn a_bomb_ends_at_a_limit_that_is_named() {
    let server = packing(vec![b'a'; 80 << 20], true).await;
    for (keys, said) in [
        (
            "body = \"b\"",
            "but the first MiB of the body does not match /b/",
        ),
        ("size_fail = \"10MiB\"", "but the body has more than 64 MiB"),
        (
            "json = { \"$.a\" = 1 }",
            "but the body is longer than 1 MiB, of which no JSON is read",
        ),
        (
            "checksum = \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
            "but the body has more than 64 MiB, too many for a checksum",
        ),
    ] {
        let outcome = look(&format!(
            "http = {{ url = \"{}\", {keys} }}",
            server.url("/")
        ))
        .await;
        assert_fails(&outcome, said);
    }
}

/// Gigabytes in some kilobytes of zstd.
async fn zstd_bomb() -> Server {
    // A window of 8 MiB, and blocks (RFC 8878, section 3.1.1.2) that repeat a byte a hundred thousand times.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (23 - 10) << 3];
    for _ in 0..20_000 {
        let head = (100_000_u32 << 3 | 1 << 1).to_le_bytes();
        bomb.extend_from_slice(&head[..3]);
        bomb.push(b'a');
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: {}\r\n\r\n",
        bomb.len()
    );
    Server::raw([head.into_bytes(), bomb].concat().leak()).await
}

#[tokio::test]
async fn some_kilobytes_of_zstd_that_are_gigabytes_end_at_the_limit() {
    let server = zstd_bomb().await;
    for (keys, said) in [
        (
            "body = \"b\"",
            "but the first MiB of the body does not match /b/",
        ),
        ("size_fail = \"10MiB\"", "but the body has more than 64 MiB"),
    ] {
        let url = server.url("/");
        let outcome = look(&format!("http = {{ url = \"{url}\", {keys} }}")).await;
        assert_fails(&outcome, said);
    }
}

#[tokio::test]
async fn others_have_their_turn_while_a_bomb_is_unpacked() {
    // Both on this one thread.
    let server = zstd_bomb().await;
    let keys = format!(
        "http = {{ url = \"{}\", size_fail = \"10MiB\" }}",
        server.url("/")
    );
    let looking = async { assert_fails(&look(&keys).await, "but the body has more than 64 MiB") };
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = looking => {}
        () = others => {}
    }
    // One for each quarter of a MiB that came out, at least.
    assert!(turns > 200, "{turns} turns");
}
