//! What hostile and broken clients do, and that everybody else is served meanwhile.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::*;

pub(super) fn status(text: &str) -> u16 {
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
