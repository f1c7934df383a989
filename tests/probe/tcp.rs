//! TCP ports.

use belfry::core::outcome::Verdict;
use tokio::io::AsyncReadExt;

use crate::server::{Server, write};
use crate::{assert_fails, look, look_briefly, text};

#[tokio::test]
async fn a_port_that_takes_connections_passes() {
    let server = Server::start(|_| async {}).await;
    let outcome = look(&format!("tcp.address = \"{}\"", server.address)).await;
    assert_eq!(outcome.verdict, Verdict::Pass);
    assert_eq!(text(&outcome), "connected in T");
}

#[tokio::test]
async fn what_is_sent_and_answered_can_be_told() {
    let server = Server::start(|mut stream| async move {
        let mut line = [0; 6];
        if stream.read_exact(&mut line).await.is_ok() && line == *b"PING\r\n" {
            // In two pieces, as networks do.
            write(&mut stream, b"+PO").await;
            write(&mut stream, b"NG\r\n").await;
            stream.read_u8().await.expect_err("the client closes");
        }
    })
    .await;
    let address = server.address;
    let with = |expect: &str| {
        format!("tcp = {{ address = \"{address}\", send = \"PING\\r\\n\", expect = \"{expect}\" }}")
    };
    assert_eq!(
        text(&look(&with("^\\\\+PONG")).await),
        "answered as expected in T"
    );
    let outcome = look_briefly(&with("^-ERR")).await;
    assert_fails(
        &outcome,
        "answered \"+PONG\", which does not match /^-ERR/, and no more came in time",
    );
}

#[tokio::test]
async fn a_slow_answer_is_warned_of() {
    let server = Server::start(|mut stream| async move {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        write(&mut stream, b"220 ready\r\n").await;
        drop(stream.read_u8().await);
    })
    .await;
    let outcome = look(&format!(
        "tcp = {{ address = \"{}\", expect = \"^220\", slow = \"1ms\" }}",
        server.address
    ))
    .await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(
        text(&outcome),
        "answered as expected in T, slower than 1.0 ms"
    );
}

#[tokio::test]
async fn who_goes_away_in_the_middle_is_told_with_the_step() {
    let server = Server::start(|mut stream| async move {
        write(&mut stream, b"220 ready\r\n").await;
        drop(stream.read_exact(&mut [0; 6]).await);
    })
    .await;
    let outcome = look(&format!(
        "tcp = {{ address = \"{}\", preset = \"ftp\" }}",
        server.address
    ))
    .await;
    assert_fails(
        &outcome,
        "closed the connection without an answer (step 2 of 2)",
    );
}

#[tokio::test]
async fn an_odd_answer_is_shown_harmless_and_short() {
    let server = Server::start(|mut stream| async move {
        write(&mut stream, b"421 \x1b[31mgo away\r\nBcc: x\r\n").await;
    })
    .await;
    let outcome = look(&format!(
        "tcp = {{ address = \"{}\", expect = \"^220\" }}",
        server.address
    ))
    .await;
    assert_fails(
        &outcome,
        "answered \"421  [31mgo away  Bcc: x\", which does not match /^220/",
    );

    let server =
        Server::start(
            |mut stream| async move { while write(&mut stream, &[0xff; 4_096]).await {} },
        )
        .await;
    let outcome = look(&format!(
        "tcp = {{ address = \"{}\", expect = \"^220\" }}",
        server.address
    ))
    .await;
    assert_fails(&outcome, "which does not match /^220/");

    let server = Server::start(|_| async {}).await;
    let outcome = look(&format!(
        "tcp = {{ address = \"{}\", expect = \"^220\" }}",
        server.address
    ))
    .await;
    assert_fails(&outcome, "closed the connection before it sent anything");
}
