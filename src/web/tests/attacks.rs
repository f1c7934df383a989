//! What hostile and broken clients do, and that everybody else is served meanwhile.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::*;
use crate::web::limits::{FORM_BYTES, HEAD_BYTES, URI_BYTES};

fn status(text: &str) -> u16 {
    Reply::parse(text).status
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let town = Town::found(short()).await;
    assert_eq!(town.raw(b"").await, "");
    assert_eq!(town.raw(b"P").await, "");
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_however_lively_it_drips() {
    let town = Town::found(short()).await;
    let mut stream = town.connect().await;
    let begun = Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("open");
    while stream.write_all(b"x: y\r\n").await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "still open");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(town.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_never_ends_is_answered_with_408() {
    let town = Town::found(short()).await;
    let request = format!(
        "POST /ping/{} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf",
        story::BEAT
    );
    assert_eq!(status(&town.raw(request.as_bytes()).await), 408);
    assert_eq!(town.vitals.pings.value(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_while_and_then_closed() {
    let town = Town::found(short()).await;
    let mut stream = town.connect().await;
    for _ in 0..2 {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .expect("open");
        read_until(&mut stream, "\r\n\r\nOK").await;
    }
    assert_eq!(read_to_end(&mut stream).await, "");
}

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
async fn a_reader_that_takes_nothing_is_given_up() {
    let town = Town::found(short()).await;
    let stream = town.connect().await;
    // Asks for far more than sockets hold, and never reads.
    let requests = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50);
    let gone = async {
        loop {
            stream.writable().await.expect("a socket");
            match stream.try_write(requests.as_bytes()) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    sleep(Duration::from_millis(20)).await;
                    if town.vitals.connections.value() == 0 {
                        return;
                    }
                }
                Err(_) => return,
            }
            if town.vitals.connections.value() == 0 && town.vitals.requests.value() > 0 {
                return;
            }
        }
    };
    timeout(PATIENCE, gone)
        .await
        .expect("the connection is closed");
}

/// A client of HTTP/2 that takes nothing, and the connection below it.
async fn takes_nothing(
    town: &Town,
) -> (
    hyper::client::conn::http2::SendRequest<http_body_util::Empty<bytes::Bytes>>,
    JoinSet<()>,
) {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let io = TokioIo::new(town.connect().await);
    let (client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(io)
        .await
        .expect("HTTP/2");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    (client, tasks)
}

fn get(path: &str) -> http::Request<http_body_util::Empty<bytes::Bytes>> {
    let request = http::Request::get(format!("http://localhost{path}"));
    request
        .body(http_body_util::Empty::new())
        .expect("a request")
}

#[tokio::test]
async fn answers_that_nobody_takes_are_limited_and_their_room_is_free_again() {
    let limits = Limits {
        unsent: 64 << 10,
        ..Limits::default()
    };
    let town = Town::found(limits).await;
    let (mut client, connection) = takes_nothing(&town).await;
    let mut untaken = Vec::new();
    let refused = loop {
        let answer = client.send_request(get("/")).await.expect("an answer");
        if answer.status() != 200 {
            break answer.status();
        }
        untaken.push(answer);
        assert!(untaken.len() < 16, "nothing is refused");
    };
    assert_eq!(refused, 503);
    // What is small is answered all the same, and so is who comes when the others are gone.
    let small = client.send_request(get("/healthz")).await;
    assert_eq!(small.expect("an answer").status(), 200);
    drop((untaken, client, connection));
    let free = async {
        while town.get("/").await.status != 200 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, free).await.expect("there is room again");
}

#[tokio::test]
async fn a_connection_whose_streams_take_nothing_is_given_up() {
    let town = Town::found(short()).await;
    let (mut client, mut connection) = takes_nothing(&town).await;
    let answer = client.send_request(get("/")).await.expect("an answer");
    timeout(PATIENCE, connection.join_next())
        .await
        .expect("the server closes the connection");
    drop(answer);
}

#[tokio::test]
async fn two_thousand_silent_connections_lock_nobody_out() {
    let limits = Limits {
        connections: 200,
        per_loopback: 100,
        silence: PATIENCE,
        ..Limits::default()
    };
    let town = Town::found(limits).await;
    let mut silent: Vec<TcpStream> = Vec::new();
    for number in 0..2_000 {
        silent.push(town.connect().await);
        if number % 200 == 0 {
            assert_eq!(town.get("/healthz").await.status, 200, "after {number}");
        }
    }
    assert_eq!(town.get("/healthz").await.status, 200);
    let settled = async {
        while town.vitals.connections.value() > 101 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, settled)
        .await
        .expect("places are limited");
}

#[tokio::test]
async fn when_everybody_is_being_served_the_next_is_told_so() {
    let limits = Limits {
        per_loopback: 3,
        ..Limits::default()
    };
    let town = Town::found(limits).await;
    let mut served = Vec::new();
    for _ in 0..3 {
        let mut stream = town.connect().await;
        stream
            .write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .expect("open");
        read_until(&mut stream, "retry: ").await;
        served.push(stream);
    }
    let mut stream = town.connect().await;
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 5"), "{answer}");
    served.pop();
    let free = async {
        while town.get("/healthz").await.status != 200 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, free)
        .await
        .expect("the place is free again");
}

#[tokio::test]
async fn what_is_under_way_is_finished_before_the_end() {
    let mut town = Town::found(Limits::default()).await;
    let mut idle = town.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("open");
    read_until(&mut idle, "\r\n\r\nOK").await;
    let mut half = town.connect().await;
    let head = format!(
        "POST /ping/{} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n",
        story::BEAT
    );
    half.write_all(head.as_bytes()).await.expect("open");
    read_until(&mut half, "100 Continue").await;
    let mut watcher = town.connect().await;
    watcher
        .write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("open");
    read_until(&mut watcher, "retry: ").await;

    town.shutdown.cancel();
    assert_eq!(read_to_end(&mut idle).await, "");
    read_to_end(&mut watcher).await;
    half.write_all(b"done").await.expect("still open");
    let answer = read_to_end(&mut half).await;
    assert!(answer.contains("200 OK"), "{answer}");
    timeout(PATIENCE, town.tasks.join_next())
        .await
        .expect("the server ends");
}
