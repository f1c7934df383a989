//! UDP ports.

use std::net::SocketAddr;

use belfry::core::outcome::Verdict;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::{assert_fails, look, look_briefly, said, text};

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
