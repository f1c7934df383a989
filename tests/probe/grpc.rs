//! gRPC servers, made of HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::Verdict;
use belfry::probe::Env;
use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::http_way::nginx;
use crate::real::{Real, free_port, words};
use crate::server::{Server, write};
use crate::tls::{acceptor, chain};
use crate::{PATIENT, assert_fails, look, look_briefly, probe, text};

/// What a server says to a call, knowing the message that came.
type Says = fn(&[u8]) -> (Response<()>, Vec<u8>, Option<HeaderMap>);

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, says: Says) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        assert_eq!(request.headers()["content-type"], "application/grpc");
        let mut body = request.into_body();
        // The connection must go on for the body to come.
        let message = tokio::select! {
            message = body.data() => message.and_then(Result::ok).unwrap_or_default(),
            _ = std::future::poll_fn(|cx| connection.poll_closed(cx)) => return,
        };
        let (head, data, trailers) = says(&message);
        let is_all = data.is_empty() && trailers.is_none();
        let Ok(mut stream) = respond.send_response(head, is_all) else {
            return;
        };
        if !is_all {
            drop(stream.send_data(Bytes::from(data), trailers.is_none()));
        }
        if let Some(trailers) = trailers {
            drop(stream.send_trailers(trailers));
        }
    }
}

async fn server(says: Says) -> Server {
    Server::start(move |stream| serve(stream, says)).await
}

fn head() -> Response<()> {
    let head = Response::builder().header("content-type", "application/grpc");
    head.body(()).expect("it is valid")
}

fn status(code: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().expect("it is valid"));
    trailers
}

/// A healthy answer to this.
fn healthy(health: u8) -> (Response<()>, Vec<u8>, Option<HeaderMap>) {
    (head(), vec![0, 0, 0, 0, 2, 8, health], Some(status("0")))
}

fn keys(server: &Server, more: &str) -> String {
    format!("grpc = {{ address = \"{}\"{more} }}", server.address)
}

#[tokio::test]
async fn health_is_that_of_the_service_that_is_asked_for() {
    let server = server(|message| match message {
        b"\x00\x00\x00\x00\x00" => healthy(1),
        b"\x00\x00\x00\x00\x05\x0a\x03x.Y" => healthy(2),
        _ => {
            let mut head = head();
            head.headers_mut().extend(status("5"));
            let message = "no%20such%0athing".parse().expect("it is valid");
            head.headers_mut().insert("grpc-message", message);
            (head, vec![], None)
        }
    })
    .await;
    assert_eq!(text(&look(&keys(&server, "")).await), "SERVING in T");
    assert_fails(
        &look(&keys(&server, ", service = \"x.Y\"")).await,
        "is NOT_SERVING",
    );
    assert_fails(
        &look(&keys(&server, ", service = \"x.Z\"")).await,
        "does not know the service x.Z (NOT_FOUND: no such thing)",
    );
}

/// etcd, which tells its health.
async fn etcd() -> Real {
    let peers = free_port();
    Real::listening("etcd", |folder, port| {
        words(&format!(
            "--data-dir {} --listen-client-urls http://127.0.0.1:{port} --advertise-client-urls http://127.0.0.1:{port} \
             --listen-peer-urls http://127.0.0.1:{peers} --initial-advertise-peer-urls http://127.0.0.1:{peers} \
             --initial-cluster default=http://127.0.0.1:{peers}",
            folder.display()
        ))
    })
    .await
}

#[tokio::test]
async fn the_health_of_etcd_is_told_and_that_it_hangs_or_has_ended() {
    let mut server = etcd().await;
    let port = server.port;
    let keys = |more: &str| format!("grpc = {{ address = \"127.0.0.1:{port}\"{more} }}");
    assert_eq!(text(&look(&keys("")).await), "SERVING in T");
    assert_fails(
        &look(&keys(", service = \"shop.Orders\"")).await,
        "does not know the service shop.Orders (NOT_FOUND: unknown service)",
    );
    // It ends the handshake, or cuts it.
    assert_fails(&look(&keys(", tls = true")).await, "the connection");
    server.freeze();
    assert_fails(&look_briefly(&keys("")).await, "no answer within 400 ms");
    server.thaw();
    server.stop().await;
    assert_fails(&look(&keys("")).await, "nothing listens on 127.0.0.1:");
}

#[tokio::test]
async fn every_other_status_and_health_is_told_by_its_name() {
    let server = server(|message| {
        let code = match message.last() {
            Some(b'U') => "12",
            Some(b'L') => "14",
            Some(b'X') => "99",
            Some(b'?') => "five",
            Some(b'K') => return healthy(3),
            Some(b'0') => return healthy(0),
            Some(b'9') => return healthy(9),
            _ => "5",
        };
        let mut head = head();
        head.headers_mut().extend(status(code));
        (head, vec![], None)
    })
    .await;
    for (service, part) in [
        ("", "answers with NOT_FOUND"),
        ("U", "does not tell its health (UNIMPLEMENTED)"),
        ("L", "answers with UNAVAILABLE"),
        ("X", "answers with status 99"),
        ("?", "broke off without a status of gRPC"),
        ("K", "K at 127.0.0.1:"),
        ("K", " is SERVICE_UNKNOWN"),
        ("0", " is UNKNOWN"),
        ("9", " is status 9"),
    ] {
        let outcome = look(&keys(&server, &format!(", service = \"{service}\""))).await;
        assert_fails(&outcome, part);
    }
}

#[tokio::test]
async fn slow_health_is_warned_of() {
    let server = Server::start(|stream| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        serve(stream, |_| healthy(1)).await;
    })
    .await;
    let outcome = look(&keys(&server, ", slow = \"1ms\"")).await;
    assert_eq!(text(&outcome), "SERVING in T, slower than 1.0 ms");
    assert_eq!(outcome.verdict, Verdict::Warn);
}

#[tokio::test]
async fn who_refuses_the_call_and_who_has_only_pages_is_told() {
    let server = Server::start(|stream| async move {
        let Ok(mut connection) = h2::server::handshake(stream).await else {
            return;
        };
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
    })
    .await;
    let part = format!("calling {}: stream error received: ", server.address);
    assert_fails(&look(&keys(&server, "")).await, &part);
    let nginx = nginx(false).await;
    let at = format!("grpc.address = \"127.0.0.1:{}\"", nginx.port);
    assert_fails(&look(&at).await, "speaks HTTP/2, but not gRPC");
}

#[tokio::test]
async fn over_tls_the_certificate_counts_too() {
    let chain = chain("localhost", 5, 400);
    let acceptor = acceptor(chain.certificates, chain.key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, |_| healthy(1)).await;
            }
        }
    })
    .await;
    let env = Env::new(Clock::start(), Arc::default()).trusting(chain.root);
    let keys = format!(
        "grpc = {{ address = \"localhost:{}\", tls = true }}",
        server.address.port()
    );
    let outcome = probe(&keys).run(&env, PATIENT).await;
    assert_eq!(
        text(&outcome),
        "SERVING in T, the certificate expires in 5 days (warn at 14 days)"
    );
    assert_eq!(outcome.verdict, Verdict::Warn);
}

#[tokio::test]
async fn what_is_no_health_is_told_as_what_it_is() {
    let page = server(|_| (Response::new(()), b"hello".to_vec(), None)).await;
    assert_fails(&look(&keys(&page, "")).await, "speaks HTTP/2, but not gRPC");
    let proxy = server(|_| {
        let head = Response::builder().status(502);
        (head.body(()).expect("it is valid"), vec![], None)
    })
    .await;
    assert_fails(
        &look(&keys(&proxy, "")).await,
        "answers 502 Bad Gateway where a gRPC server",
    );
    let broken = server(|_| (head(), vec![0, 0], Some(status("0")))).await;
    assert_fails(
        &look(&keys(&broken, "")).await,
        "something else than a health",
    );
    let mute = server(|_| (head(), vec![0, 0, 0, 0, 0], None)).await;
    assert_fails(
        &look(&keys(&mute, "")).await,
        "broke off without a status of gRPC",
    );
    let large = server(|_| (head(), vec![0; 10_000], Some(status("0")))).await;
    assert_fails(
        &look(&keys(&large, "")).await,
        "answers with more than 4 KiB",
    );
}

#[tokio::test]
async fn what_does_not_speak_http2_is_told_within_the_deadline() {
    let old = Server::start(|mut stream| async move {
        write(
            &mut stream,
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        )
        .await;
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    assert_fails(&look(&keys(&old, "")).await, "does not speak HTTP/2");
    let silent = Server::start(|mut stream| async move {
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    assert_fails(
        &look_briefly(&keys(&silent, "")).await,
        "no answer within 400 ms",
    );
    let slow = Server::start(|mut stream| async move {
        // The head of a frame of settings that comes a byte at a time.
        while write(&mut stream, &[0]).await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_fails(
        &look_briefly(&keys(&slow, "")).await,
        "no answer within 400 ms",
    );
    let gone = Server::start(|_| async {}).await;
    assert_eq!(look(&keys(&gone, "")).await.verdict, Verdict::Fail);
}
