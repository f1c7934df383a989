//! Web pages: through a proxy.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belfry::clock::Clock;
use belfry::core::outcome::Verdict;
use belfry::probe::Env;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;

use crate::http_way::{CA, at, nginx};
use crate::server::{Server, page, read_head, redirect, write};
use crate::tls::{acceptor, chain};
use crate::{PATIENT, assert_fails, look, look_briefly, probe, text};

/// A proxy that wants `belfry:sesame`; what is asked of it in the clear it answers itself with what it saw.
async fn proxy() -> Server {
    Server::start(serve_proxy).await
}

/// The same, spoken to by TLS, and an environment that trusts it.
async fn secure_proxy() -> (Server, Env) {
    let chain = chain("localhost", 90, 900);
    let acceptor = acceptor(chain.certificates, chain.key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_proxy(stream).await;
            }
        }
    })
    .await;
    let env = Env::new(Clock::start(), Arc::default()).trusting(chain.root);
    (server, env)
}

async fn serve_proxy<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let head = String::from_utf8(read_head(&mut stream).await).expect("it is text");
    let (line, rest) = head.split_once("\r\n").expect("there is a line");
    let login = format!(
        "proxy-authorization: basic {}",
        STANDARD.encode("belfry:sesame")
    );
    if !rest.to_lowercase().contains(&login.to_lowercase()) {
        write(
            &mut stream,
            b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        return;
    }
    let Some(to) = line.strip_prefix("CONNECT ") else {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{line}",
            line.len()
        );
        write(&mut stream, answer.as_bytes()).await;
        return;
    };
    let to = to.trim_end_matches(" HTTP/1.1");
    match TcpStream::connect(to).await {
        Ok(mut other) => {
            write(
                &mut stream,
                b"HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n",
            )
            .await;
            drop(copy_bidirectional(&mut stream, &mut other).await);
        }
        Err(_) => {
            write(&mut stream, b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        }
    }
}

#[tokio::test]
async fn an_http_proxy_is_asked_with_the_whole_address_or_for_a_way_through() {
    let (proxy, server) = (proxy().await, nginx(true).await);
    let through = format!("proxy = \"http://belfry:sesame@{}\"", proxy.address);
    let outcome = look(&format!(
        "http = {{ url = \"http://shop.invalid/a?b=c\", {through}, \
         body = \"^GET http://shop\\\\.invalid/a\\\\?b=c HTTP/1.1$$\" }}"
    ))
    .await;
    assert_eq!(text(&outcome), "200 OK in T");
    let keys = format!("{CA}, {through}, version = \"2\", body = \"^HTTP/2.0\"");
    let outcome = at(&server, "/", &keys).await;
    assert_eq!(text(&outcome), "200 OK in T");
    let phases = outcome.phases.as_ref().expect("phases are measured");
    let names: Vec<&str> = phases.iter().map(|phase| &*phase.name).collect();
    assert_eq!(names, ["connect", "proxy", "tls", "first byte", "transfer"]);
}

#[tokio::test]
async fn what_comes_through_a_proxy_in_place_of_a_page_is_told_with_its_name() {
    for (answer, said) in [
        (&b""[..], "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP/1.1"),
    ] {
        let proxy = Server::raw(answer).await;
        let through = format!("proxy = \"http://{}\"", proxy.address);
        let outcome = look(&format!(
            "http = {{ url = \"http://shop.invalid/\", {through} }}"
        ))
        .await;
        let said = format!("shop.invalid:80 through the proxy {} {said}", proxy.address);
        assert_fails(&outcome, &said);
    }
}

#[tokio::test]
async fn a_proxy_is_spoken_to_by_tls() {
    let ((proxy, env), server) = (secure_proxy().await, nginx(true).await);
    let port = proxy.address.port();
    let through = format!("proxy = \"https://belfry:sesame@localhost:{port}\"");
    // The clear is packed once, what is secure twice.
    let clear = format!(
        "http = {{ url = \"http://shop.invalid/a\", {through}, body = \"^GET http://shop\\\\.invalid/a HTTP/1.1$$\" }}"
    );
    let outcome = probe(&clear).run(&env, PATIENT).await;
    assert_eq!(text(&outcome), "200 OK in T");
    for version in ["1.1", "2"] {
        // The page is trusted by `ca` only, the proxy by what is trusted anyway.
        let keys = format!(
            "http = {{ url = \"https://localhost:{}/\", {CA}, {through}, version = \"{version}\" }}",
            server.port
        );
        let keys = keys.replace("FOLDER", &server.folder.path().display().to_string());
        let outcome = probe(&keys).run(&env, PATIENT).await;
        assert_eq!(text(&outcome), "200 OK in T");
        let phases = outcome.phases.as_ref().expect("phases are measured");
        let names: Vec<&str> = phases.iter().map(|phase| &*phase.name).collect();
        let expected = ["dns", "connect", "proxy", "tls", "first byte", "transfer"];
        assert_eq!(names, expected);
    }
    // Nobody vouches for it.
    let outcome = look(&clear).await;
    assert_fails(
        &outcome,
        &format!("the proxy: the certificate of localhost:{port} is not trusted"),
    );
    // Not even where the page need not prove who it is: the proxy gets a password.
    let careless = clear.replace("http://shop", "https://shop");
    let careless = careless.replace(", body", ", verify = false, body");
    assert_fails(&look(&careless).await, "is not trusted");
    let wrong = clear.replace("sesame", "sesamo");
    let outcome = probe(&wrong).run(&env, PATIENT).await;
    assert_fails(&outcome, "407 Proxy Authentication Required");
}

#[tokio::test]
async fn a_proxy_that_is_none_by_tls_is_told_as_such() {
    let plain = Server::raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let keys = |at: SocketAddr| {
        format!("http = {{ url = \"https://127.0.0.1:1/\", proxy = \"https://{at}\" }}")
    };
    let greeting = Server::start(|mut stream| async move {
        write(&mut stream, b"220 mail.example ESMTP\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let at = greeting.address;
    let said = format!("the proxy: {at} does not speak TLS");
    assert_fails(&look(&keys(at)).await, &said);
    let outcome = look_briefly(&keys(plain.address)).await;
    assert_eq!(outcome.verdict, Verdict::Fail);
}

#[tokio::test]
async fn trouble_with_a_proxy_is_said_of_the_proxy() {
    let proxy = proxy().await;
    let at = proxy.address;
    let https =
        |proxy: &str| format!("http = {{ url = \"https://127.0.0.1:1/\", proxy = \"{proxy}\" }}");
    let outcome = look(&https(&format!("http://{at}"))).await;
    let said =
        format!("the proxy {at} answers 407 Proxy Authentication Required to CONNECT 127.0.0.1:1");
    assert_fails(&outcome, &said);
    let outcome = look(&https(&format!("http://belfry:sesame@{at}"))).await;
    assert_fails(
        &outcome,
        &format!("the proxy {at} answers 502 Bad Gateway to CONNECT"),
    );
    let none = crate::real::free_port();
    let outcome = look(&https(&format!("http://127.0.0.1:{none}"))).await;
    assert_fails(
        &outcome,
        &format!("the proxy: nothing listens on 127.0.0.1:{none}"),
    );
    let ssh = Server::raw(b"SSH-2.0-x\r\n\r\n").await;
    let outcome = look(&https(&format!("http://{}", ssh.address))).await;
    assert_fails(&outcome, "does not speak HTTP/1.1");
    let endless = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        while write(&mut stream, b"HTTP/1.1 200 OK yyyyyyyyyyyyyyyyyyyyyyyyyyyy").await {}
    })
    .await;
    let outcome = look(&https(&format!("http://{}", endless.address))).await;
    assert_fails(&outcome, "answers CONNECT with a head of more than 16 KiB");
    for (answer, said) in [
        (&b""[..], "closed the connection"),
        (
            b"HTTP/1.1 200 OK\r\n\r\nhello",
            "sends more than its answer",
        ),
    ] {
        let server = Server::raw(answer).await;
        let outcome = look(&https(&format!("http://{}", server.address))).await;
        assert_fails(&outcome, &format!("the proxy {} {said}", server.address));
    }
    let silent = Server::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let outcome = look_briefly(&https(&format!("http://{}", silent.address))).await;
    assert_fails(
        &outcome,
        "no answer within 400 ms (asking the proxy for a way through)",
    );
}

#[tokio::test]
async fn a_redirect_through_a_proxy_leads_to_nothing_of_this_host() {
    let proxy = Server::http(|request| async move {
        let place = request.uri().path().trim_start_matches('/').to_owned();
        match &*place {
            "" => page(200, ""),
            _ => redirect(302, &format!("http://{place}/")),
        }
    })
    .await;
    // Of what we cannot resolve, the proxy knows more.
    let outcome = look(&format!(
        "http = {{ url = \"http://shop.invalid/other.invalid\", proxy = \"http://{}\" }}",
        proxy.address
    ))
    .await;
    assert_eq!(text(&outcome), "200 OK in T");
    for place in [
        "127.0.0.1",
        "localhost",
        "a.localhost",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        let outcome = look(&format!(
            "http = {{ url = \"http://shop.invalid/{place}\", proxy = \"http://{}\" }}",
            proxy.address
        ))
        .await;
        assert_fails(&outcome, &format!("redirects to {place}:80, "));
    }
}
