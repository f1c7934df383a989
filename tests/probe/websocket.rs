//! Websockets, good and bad.

use std::sync::Arc;

use base64::Engine;
use belfry::clock::Clock;
use belfry::core::outcome::Verdict;
use belfry::probe::Env;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::http_way::nginx;
use crate::real::Real;
use crate::server::{Server, read_head, write};
use crate::tls::{acceptor, chain};
use crate::{PATIENT, assert_fails, look, look_briefly, probe, text};

/// Shakes hands as a server.
async fn shake(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    shake_with(stream, "Upgrade: websocket\r\n").await;
}

/// The same with these headers beside the proof.
async fn shake_with(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), headers: &str) {
    let head = String::from_utf8(read_head(stream).await).expect("it is ASCII");
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("sec-websocket-key: "))
        .expect("a client sends a key");
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let proof = base64::engine::general_purpose::STANDARD.encode(hash.finalize());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {proof}\r\n{headers}\r\n"
    );
    write(stream, answer.as_bytes()).await;
}

/// The text of the short frame that a client sends.
async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut head = [0; 6];
    drop(stream.read_exact(&mut head).await);
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    drop(stream.read_exact(&mut payload).await);
    let masked = payload.iter().zip(head[2..].iter().cycle());
    masked.map(|(byte, mask)| byte ^ mask).collect()
}

/// A server that sends these frames after the handshake, and stays.
async fn sending(frames: &'static [u8]) -> Server {
    Server::start(move |mut stream| async move {
        shake(&mut stream).await;
        write(&mut stream, frames).await;
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await
}

fn keys(server: &Server, more: &str) -> String {
    format!(
        "websocket = {{ url = \"ws://{}/feed\"{more} }}",
        server.address
    )
}

#[tokio::test]
async fn a_websocket_opens_and_answers_between_pings_and_in_pieces() {
    let server = sending(b"").await;
    assert_eq!(text(&look(&keys(&server, "")).await), "opened in T");

    let echo = Server::start(|mut stream| async move {
        shake(&mut stream).await;
        let said = hear(&mut stream).await;
        // Another message, a ping, and the echo in two pieces.
        write(&mut stream, b"\x81\x05hello\x89\x02hi").await;
        assert_eq!(hear(&mut stream).await, b"hi", "a ping is answered");
        let (one, two) = said.split_at(2);
        write(
            &mut stream,
            &[&[0x01, 2][..], one, &[0x80, 2], two].concat(),
        )
        .await;
        assert_eq!(hear(&mut stream).await, [3, 232], "a client takes leave");
    })
    .await;
    let more = ", send = \"ping\", expect = \"^ping$$\"";
    assert_eq!(
        text(&look(&keys(&echo, more)).await),
        "answered as expected in T"
    );
}

#[tokio::test]
async fn a_slow_one_is_warned_of_and_what_was_asserted_is_explained() {
    let server = Server::start(|mut stream| async move {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        shake(&mut stream).await;
        write(&mut stream, b"\x81\x05hello\x81\x04pong").await;
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    let keys = keys(&server, ", expect = \"^pong\", slow = \"1ms\"");
    let (outcome, findings) = probe(&keys).explain(&crate::env(), PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(
        text(&outcome),
        "answered as expected in T, slower than 1.0 ms"
    );
    let told: Vec<String> = findings
        .iter()
        .take(3)
        .map(|f| format!("{}: {}, {}", f.what, f.expected, f.found))
        .collect();
    assert_eq!(
        told,
        [
            "handshake: 101 with Sec-WebSocket-Accept of our key, so it is",
            "message: /^pong/, hello (another)",
            "message: /^pong/, pong"
        ]
    );
}

#[tokio::test]
async fn over_tls_the_certificate_counts_too() {
    let chain = chain("localhost", 5, 400);
    let acceptor = acceptor(chain.certificates, chain.key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                shake(&mut stream).await;
                drop(stream.read_to_end(&mut Vec::new()).await);
            }
        }
    })
    .await;
    let env = Env::new(Clock::start(), Arc::default()).trusting(chain.root);
    let keys = format!(
        "websocket.url = \"wss://localhost:{}/\"",
        server.address.port()
    );
    let outcome = probe(&keys).run(&env, PATIENT).await;
    assert_eq!(
        text(&outcome),
        "opened in T, the certificate expires in 5 days (warn at 14 days)"
    );
    assert_eq!(outcome.verdict, Verdict::Warn);
}

/// Says again what it hears, and ends with the number 1011 where that is no good.
const ECHO: &str = "
import asyncio, sys, websockets
async def echo(socket):
    async for message in socket:
        if message == 'bad':
            await socket.close(1011, 'too bad')
        await socket.send(message)
async def main():
    async with websockets.serve(echo, '127.0.0.1', int(sys.argv[1]), subprotocols=['chat']):
        await asyncio.Future()
asyncio.run(main())
";

#[tokio::test]
async fn a_real_server_opens_one_and_answers_or_closes_it() {
    // Of the package python3-websockets.
    let mut server = Real::listening("python3", |_, port| {
        vec!["-c".to_owned(), ECHO.to_owned(), port.to_string()]
    })
    .await;
    let at = format!("url = \"ws://127.0.0.1:{}/\"", server.port);
    let keys = |more: &str| format!("websocket = {{ {at}{more} }}");
    assert_eq!(
        text(&look(&keys(", protocol = \"chat\"")).await),
        "opened in T"
    );
    assert_eq!(
        text(&look(&keys(", send = \"ping\", expect = \"^ping$$\"")).await),
        "answered as expected in T"
    );
    for (more, part) in [
        (", protocol = \"mqtt\"", "agrees to no subprotocol"),
        (
            ", send = \"bad\", expect = \"x\"",
            "closed the websocket (1011 too bad)",
        ),
        (
            ", send = \"ping\", expect = \"pong\"",
            "sent no message that matches /pong/; the last was \"ping\"",
        ),
    ] {
        assert_fails(&look_briefly(&keys(more)).await, part);
    }
    server.freeze();
    assert_fails(
        &look_briefly(&keys("")).await,
        "no answer within 400 ms (connected, waiting for the answer)",
    );
    server.thaw();
    server.kill().await;
    assert_fails(&look(&keys("")).await, "nothing listens on 127.0.0.1:");
    // A page of nginx, where there is none.
    let nginx = nginx(true).await;
    let keys = format!(
        "websocket = {{ url = \"wss://localhost:{}/\", tls = {{ verify = false }} }}",
        nginx.port
    );
    assert_fails(
        &look(&keys).await,
        "does not open a websocket there: 200 OK",
    );
}

#[tokio::test]
async fn what_is_no_websocket_is_told_as_such() {
    let page = Server::raw(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    assert_fails(
        &look(&keys(&page, "")).await,
        "does not open a websocket there: 404 Not Found",
    );
    let liar = Server::raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )
    .await;
    assert_fails(
        &look(&keys(&liar, "")).await,
        "Sec-WebSocket-Accept is wrong",
    );
    for (more, head, part) in [
        (
            "",
            "Upgrade: h2c\r\n",
            "switches to something else than a websocket",
        ),
        (
            "",
            "Upgrade: websocket\r\nSec-WebSocket-Extensions: x\r\n",
            "uses an extension that it was not offered",
        ),
        (
            "",
            "Upgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n",
            "agrees to chat",
        ),
        (
            ", protocol = \"mqtt\"",
            "Upgrade: websocket\r\n",
            "agrees to no subprotocol",
        ),
    ] {
        let server = Server::start(move |mut stream| async move {
            shake_with(&mut stream, head).await;
        })
        .await;
        assert_fails(&look(&keys(&server, more)).await, part);
    }
    let garbage = Server::raw(b"SSH-2.0-x\r\n").await;
    assert_fails(&look(&keys(&garbage, "")).await, "does not speak HTTP/1.1");
    let silent = Server::start(|mut stream| async move {
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    assert_fails(
        &look_briefly(&keys(&silent, "")).await,
        "no answer within 400 ms",
    );
}

#[tokio::test]
async fn wrong_endless_and_missing_messages_are_told_within_bounds() {
    let expect = ", expect = \"pong\"";
    for (frames, part) in [
        (
            &b"\x88\x09\x03\xf3too bad"[..],
            "closed the websocket (1011 too bad)",
        ),
        (b"\x88\x00", "closed the websocket"),
        (b"\x81\x85abcdhello", "a masked frame"),
        (b"\x83\x00", "a frame of a kind that there is not"),
        (b"\x09\x00", "a control frame in pieces"),
        (b"\xc1\x00", "an extension that it was not offered"),
        (
            b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
            "a message of more than 64 KiB",
        ),
    ] {
        let server = sending(frames).await;
        assert_fails(&look(&keys(&server, expect)).await, part);
    }
    let server = sending(b"\x81\x05hello").await;
    assert_fails(
        &look_briefly(&keys(&server, expect)).await,
        "sent no message that matches /pong/; the last was \"hello\"",
    );
    let server = sending(b"").await;
    assert_fails(
        &look_briefly(&keys(&server, expect)).await,
        "no answer within 400 ms",
    );

    let pieces = Server::start(|mut stream| async move {
        shake(&mut stream).await;
        write(&mut stream, b"\x01\x01x").await;
        let piece = [&[0x00, 126, 0x10, 0][..], &[b'x'; 4_096]].concat();
        while write(&mut stream, &piece).await {}
    })
    .await;
    assert_fails(
        &look(&keys(&pieces, expect)).await,
        "a message of more than 64 KiB",
    );
    let cut = Server::start(|mut stream| async move {
        shake(&mut stream).await;
        write(&mut stream, b"\x81\x05hel").await;
    })
    .await;
    assert_fails(
        &look(&keys(&cut, expect)).await,
        "cut the connection without closing the websocket",
    );
    let pings = Server::start(|mut stream| async move {
        shake(&mut stream).await;
        while write(&mut stream, b"\x8a\x00").await {}
    })
    .await;
    assert_fails(
        &look(&keys(&pings, expect)).await,
        "sent 1000 frames, and no message",
    );
    let feed = Server::start(|mut stream| async move {
        shake(&mut stream).await;
        while write(&mut stream, b"\x81\x01x").await {}
    })
    .await;
    assert_fails(
        &look(&keys(&feed, expect)).await,
        "sent no message that matches",
    );
}
