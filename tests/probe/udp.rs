//! UDP ports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use belfry::core::outcome::Verdict;
use belfry::probe::Finding;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::real::{Real, words};
use crate::{PATIENT, assert_fails, env, look, look_briefly, probe, said, text};

/// Answers the datagram that comes as this number, and those after it; until dropped.
async fn echo(from_number: usize) -> (SocketAddr, JoinSet<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = socket.local_addr().expect("it is bound");
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut packet = [0; 1_024];
        let mut number = 0;
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            number += 1;
            if number >= from_number {
                drop(socket.send_to(&packet[..length], from).await);
            }
        }
    });
    (address, task)
}

#[tokio::test]
async fn an_answer_is_matched_byte_by_byte() {
    let (address, _task) = echo(1).await;
    let keys = |expect: &str| {
        format!(
            "udp = {{ address = \"{address}\", send = '\\xff\\x00hello', expect = '{expect}' }}"
        )
    };
    assert_eq!(
        text(&look(&keys("(?-u)^\\xff\\x00hello$$")).await.clone()),
        "answered as expected in T"
    );
    assert_fails(
        &look_briefly(&keys("^bye")).await,
        "which does not match /^bye/",
    );
}

#[tokio::test]
async fn a_datagram_that_is_lost_is_sent_again() {
    let (address, _task) = echo(2).await;
    let keys = format!("udp = {{ address = \"{address}\", send = \"a\", expect = \"a\" }}");
    let outcome = look(&keys).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
}

#[tokio::test]
async fn silence_fails_only_where_an_answer_is_expected() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = silent.local_addr().expect("it is bound");
    let keys = format!("udp = {{ address = \"{address}\", send = \"a\", expect = \"a\" }}");
    assert_fails(&look_briefly(&keys).await, "no answer within 400 ms");
    let outcome = look_briefly(&format!("udp.address = \"{address}\"")).await;
    assert_eq!(
        said(&outcome),
        "pass: sent; nobody says that nothing listens"
    );

    let (address, _task) = echo(1).await;
    let outcome = look(&format!(
        "udp = {{ address = \"{address}\", send = \"a\" }}"
    ))
    .await;
    assert_eq!(text(&outcome), "answered in T");
}

#[tokio::test]
async fn an_unreachable_port_is_told_with_and_without_an_answer_to_wait_for() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = closed.local_addr().expect("it is bound");
    drop(closed);
    for more in ["", ", send = \"a\", expect = \"a\""] {
        let outcome = look(&format!("udp = {{ address = \"{address}\"{more} }}")).await;
        assert_fails(&outcome, "nothing listens on 127.0.0.1:");
    }
}

/// A question for www.example to a name server (RFC 1035, section 4.1), and the address in its answer.
const QUESTION: &str = concat!(
    r"send = '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01', ",
    r"expect = '(?s-u)\A\x12\x34.*\xc0\x00\x02\x07'"
);

#[tokio::test]
async fn a_real_server_is_asked_and_told_when_it_hangs_or_has_ended() {
    let mut server = Real::listening("dnsmasq", |_, port| {
        words(&format!(
            "--keep-in-foreground --conf-file=/dev/null --pid-file= --port={port} --listen-address=127.0.0.1 \
             --bind-interfaces --no-resolv --no-hosts --user=root --host-record=www.example,192.0.2.7"
        ))
    })
    .await;
    let at = format!("address = \"127.0.0.1:{}\"", server.port);
    let keys = format!("udp = {{ {at}, {QUESTION} }}");
    assert_eq!(text(&look(&keys).await), "answered as expected in T");
    let other = keys.replace("www", "ftp");
    assert_fails(&look_briefly(&other).await, "which does not match /");
    server.freeze();
    assert_fails(
        &look_briefly(&keys).await,
        "no answer within 400 ms (connected, waiting for the answer)",
    );
    server.thaw();
    server.stop().await;
    for keys in [keys, format!("udp = {{ {at} }}")] {
        assert_fails(&look(&keys).await, "nothing listens on 127.0.0.1:");
    }
}

/// Answers each datagram with what `says` makes of it, and of the socket; until dropped.
async fn server<F>(
    says: impl Fn(Arc<UdpSocket>, SocketAddr) -> F + Send + 'static,
) -> (SocketAddr, JoinSet<()>)
where
    F: Future<Output = ()> + Send,
{
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = socket.local_addr().expect("it is bound");
    let socket = Arc::new(socket);
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((_, from)) = socket.recv_from(&mut [0; 1_024]).await {
            says(Arc::clone(&socket), from).await;
        }
    });
    (address, task)
}

#[tokio::test]
async fn a_slow_answer_is_warned_of_and_what_was_asserted_is_explained() {
    let (address, _task) = server(|socket, from| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(socket.send_to(b"hello", from).await);
    })
    .await;
    let keys = format!(
        "udp = {{ address = \"{address}\", send = \"a\", expect = \"^h\", slow = \"1ms\" }}"
    );
    let (outcome, findings) = probe(&keys).explain(&env(), PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(
        text(&outcome),
        "answered as expected in T, slower than 1.0 ms"
    );
    let told = |f: &Finding| format!("{}: {}, {}", f.what, f.expected, f.found);
    assert_eq!(told(&findings[0]), "answer: /^h/, hello");
    let brief = Duration::from_millis(100);
    let (_, findings) = probe(&keys.replace("^h", "^j"))
        .explain(&env(), brief)
        .await;
    assert_eq!(told(&findings[0]), "answer: /^j/, hello");
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let silent = silent
        .local_addr()
        .map(|it| (it, silent))
        .expect("it is bound");
    let keys = keys.replace(&address.to_string(), &silent.0.to_string());
    let (_, findings) = probe(&keys).explain(&env(), brief).await;
    assert_eq!(told(&findings[0]), "answer: /^h/, nothing");
}

#[tokio::test]
async fn a_flood_of_wrong_answers_is_none_before_the_time_is_over() {
    let (address, _task) = server(|socket, from| async move {
        while socket.send_to(b"flood", from).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let keys = format!("udp = {{ address = \"{address}\", send = \"a\", expect = \"^b\" }}");
    let started = Instant::now();
    assert_fails(
        &look(&keys).await,
        "answered \"flood\", which does not match /^b/",
    );
    assert!(started.elapsed() < PATIENT);
}
