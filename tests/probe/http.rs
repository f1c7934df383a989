//! Web pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belfry::core::outcome::Verdict;
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Server, page, read_head, write};
use crate::{assert_fails, look, look_briefly, said, text};

#[tokio::test]
async fn a_page_that_answers_passes_and_its_time_is_taken_apart() {
    let server = Server::http(|_| async { page(200, "ok") }).await;
    let outcome = look(&format!("http = {{ url = \"{}\" }}", server.url("/"))).await;
    assert_eq!(outcome.verdict, Verdict::Pass);
    assert_eq!(text(&outcome), "200 OK in T");
    let phases = outcome.phases.as_ref().expect("phases are measured");
    let names: Vec<&str> = phases.iter().map(|phase| &*phase.name).collect();
    assert_eq!(names, ["connect", "first byte", "transfer"]);
    let sum: u64 = phases.iter().map(|phase| phase.took_us).sum();
    assert!(
        sum <= outcome.latency_us.expect("it was timed") + 3,
        "{outcome:?}"
    );
}

#[tokio::test]
async fn every_assertion_is_explained_whether_it_holds_or_not() {
    let server = Server::http(|_| async { page(503, "closed") }).await;
    let text = format!(
        "http = {{ url = \"{}\", body = \"open\", slow = \"10s\" }}",
        server.url("/")
    );
    let (outcome, findings) = crate::probe(&text)
        .explain(&crate::env(), Duration::from_secs(20))
        .await;
    assert_eq!(outcome.verdict, Verdict::Fail);
    let told: Vec<String> = findings
        .iter()
        .map(|f| {
            format!(
                "{} {}: {}, {}",
                f.verdict.word(),
                f.what,
                f.expected,
                f.found
            )
        })
        .collect();
    assert_eq!(
        &told[..2],
        [
            "fail status: 200 to 299, 503 Service Unavailable",
            "fail body: /open/, closed"
        ]
    );
    assert!(told[2].starts_with("pass time: at most 10 s, "), "{told:?}");
}

#[tokio::test]
async fn an_error_fails_and_a_wrong_body_fails() {
    let server = Server::http(|request| async move {
        let status = if request.uri().path() == "/ok" {
            200
        } else {
            503
        };
        page(status, "all is well")
    })
    .await;
    let outcome = look(&format!("http = {{ url = \"{}\" }}", server.url("/"))).await;
    assert_eq!(text(&outcome), "503 Service Unavailable in T");
    assert_eq!(outcome.verdict, Verdict::Fail);
    let url = server.url("/ok");
    let outcome = look(&format!(
        "http = {{ url = \"{url}\", body = \"is well$$\" }}"
    ))
    .await;
    assert_eq!(outcome.verdict, Verdict::Pass);
    let outcome = look(&format!("http = {{ url = \"{url}\", body = \"is ill\" }}")).await;
    assert_fails(&outcome, "but the body does not match /is ill/");
}

#[tokio::test]
async fn the_request_is_what_the_settings_say() {
    let server = Server::http(|request| async move {
        let (head, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .expect("the request is whole")
            .to_bytes();
        let named = |name: &str| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or("none").to_owned()
        };
        let said = format!(
            "{} {} host={} x={} agent={} connection={} body={}",
            head.method,
            head.uri,
            named("host"),
            named("x-key"),
            named("user-agent"),
            named("connection"),
            String::from_utf8_lossy(&body)
        );
        page(200, said)
    })
    .await;
    let keys = concat!(
        "headers = { Host = \"shop.example\", X-Key = \"abc\" }, send = \"hello\", ",
        r#"body = "^POST /a\\?b=c host=shop.example x=abc agent=belfry/[0-9.]+ connection=close body=hello$$""#,
    );
    let url = server.url("/a?b=c");
    let outcome = look(&format!("http = {{ url = \"{url}\", {keys} }}")).await;
    assert_eq!(text(&outcome), "200 OK in T");
}

#[tokio::test]
async fn a_slow_page_is_warned_of() {
    let server = Server::http(|_| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        page(200, "")
    })
    .await;
    let url = server.url("/");
    let outcome = look(&format!("http = {{ url = \"{url}\", slow = \"1ms\" }}")).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(text(&outcome), "200 OK in T, slower than 1.0 ms");
}

#[tokio::test]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = look(&format!("http.url = \"http://{address}/\"")).await;
    assert_eq!(
        said(&outcome),
        format!("fail: nothing listens on {address} (connection refused)")
    );
}

#[tokio::test]
async fn answers_that_are_none_fail_in_plain_words() {
    for (answer, part) in [
        (&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], "does not speak HTTP/1.1"),
        (b"<html>hello from 1991</html>", "does not speak HTTP/1.1"),
        (b"", "closed the connection without an answer"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-le",
            "closed the connection without an answer",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            "broke off in the middle of the body",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "broke off in the middle of the body",
        ),
    ] {
        let server = Server::raw(answer).await;
        let outcome = look(&format!("http.url = \"{}\"", server.url("/"))).await;
        assert_fails(&outcome, part);
    }
}

/// A server that tells how many bytes it got rid of.
async fn endless(head: &'static [u8], rest: &'static [u8]) -> (Server, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let server = Server::start(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            read_head(&mut stream).await;
            write(&mut stream, head).await;
            while write(&mut stream, rest).await {
                counter.fetch_add(rest.len(), Ordering::Relaxed);
            }
        }
    })
    .await;
    (server, taken)
}

#[tokio::test]
async fn a_body_without_end_is_judged_by_its_first_mebibyte() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    let (server, taken) = endless(head, &[b'a'; 16_384]).await;
    let url = server.url("/");
    let outcome = look(&format!("http = {{ url = \"{url}\", body = \"^a+$$\" }}")).await;
    assert_eq!(text(&outcome), "200 OK in T");
    let outcome = look(&format!("http = {{ url = \"{url}\", body = \"b\" }}")).await;
    assert_fails(&outcome, "but the first MiB of the body does not match /b/");
    let outcome = look(&format!(
        "http = {{ url = \"{url}\", expect_headers = {{ x = false }} }}"
    ))
    .await;
    assert_eq!(text(&outcome), "200 OK in T");
    // Three looks of a mebibyte, and what the buffers of the system swallowed beside.
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 40 << 20, "the server got rid of {taken} bytes");
}

#[tokio::test]
async fn a_body_whose_size_is_asked_for_is_read_up_to_a_limit_that_is_named() {
    let (server, taken) = endless(b"HTTP/1.1 200 OK\r\n\r\n", &[b'a'; 16_384]).await;
    let keys = "size_warn = \"64MiB\", size_min = \"1MiB\"";
    let outcome = look(&format!(
        "http = {{ url = \"{}\", {keys} }}",
        server.url("/")
    ))
    .await;
    assert_eq!(
        text(&outcome),
        "200 OK in T, the body has more than 64 MiB (warn at 64 MiB)"
    );
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 100 << 20, "the server got rid of {taken} bytes");
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let (server, _) = endless(
        b"HTTP/1.1 200 OK\r\n",
        b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
    )
    .await;
    assert_fails(
        &look(&format!("http.url = \"{}\"", server.url("/"))).await,
        "with a head of more than",
    );
    let (server, _) = endless(b"HTTP/1.1 200 OK\r\nx: ", &[b'y'; 4_096]).await;
    assert_fails(
        &look(&format!("http.url = \"{}\"", server.url("/"))).await,
        "with a head of more than",
    );
}

#[tokio::test]
async fn whatever_a_server_does_the_time_is_kept() {
    let silent = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = look_briefly(&format!("http.url = \"{}\"", silent.url("/"))).await;
    assert_eq!(
        said(&outcome),
        "fail: no answer within 400 ms (connected, waiting for the answer)"
    );

    let (flood, _) = endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n").await;
    let outcome = look_briefly(&format!("http.url = \"{}\"", flood.url("/"))).await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));

    let drip = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        write(
            &mut stream,
            b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n",
        )
        .await;
        while write(&mut stream, b"x").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let outcome = look_briefly(&format!("http.url = \"{}\"", drip.url("/"))).await;
    assert_fails(&outcome, "no answer within 400 ms (reading the answer)");
}

#[tokio::test]
async fn a_reset_is_told_as_one() {
    let server = Server::start(|mut stream: TcpStream| async move {
        let mut first = [0];
        drop(stream.read(&mut first).await);
        // Closing with unread bytes resets the connection.
        stream.set_zero_linger().expect("it is a TCP socket");
    })
    .await;
    let outcome = look(&format!("http.url = \"{}\"", server.url("/"))).await;
    assert_fails(
        &outcome,
        &format!("{} cut the connection (connection reset)", server.address),
    );
}

#[tokio::test]
async fn a_port_of_our_own_is_asked_as_a_visitor_would() {
    let server = Server::http(|request| async move {
        page(
            if request.uri().path() == "/" {
                200
            } else {
                404
            },
            "",
        )
    })
    .await;
    let port = server.address.port();
    let outcome = look(&format!("port.address = \"0.0.0.0:{port}\"")).await;
    assert_eq!(text(&outcome), "200 OK in T");
    let outcome = look(&format!(
        "port = {{ address = \"127.0.0.1:{port}\", path = \"/x\" }}"
    ))
    .await;
    assert_fails(&outcome, "404 Not Found");
}
