//! Web pages: through a SOCKS5 proxy (RFC 1928).

use belfry::core::outcome::Verdict;
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::server::{Server, page, write};
use crate::{assert_fails, look, look_briefly, text};

/// A proxy for everybody that answers with this, and when it is a yes connects.
async fn open(answer: &'static [u8]) -> Server {
    Server::start(move |mut stream| async move {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.expect("it greets");
        write(&mut stream, &[5, 0]).await;
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.expect("it asks");
        let length = match head[3] {
            1 => 4,
            3 => stream.read_u8().await.expect("a length").into(),
            _ => 16,
        };
        let mut host = vec![0; length];
        stream.read_exact(&mut host).await.expect("a host");
        let port = stream.read_u16().await.expect("a port");
        write(&mut stream, answer).await;
        if let Ok(mut other) = TcpStream::connect(("127.0.0.1", port)).await {
            drop(copy_bidirectional(&mut stream, &mut other).await);
        }
    })
    .await
}

/// A proxy that answers the greeting with this, and a login with that.
async fn greeting(answer: &'static [u8], login: &'static [u8]) -> Server {
    Server::start(move |mut stream| async move {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.expect("it greets");
        write(&mut stream, answer).await;
        let mut byte = [0; 64];
        drop(stream.read(&mut byte).await);
        write(&mut stream, login).await;
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await
}

fn keys(url: &str, login: &str, proxy: &Server) -> String {
    format!(
        "http = {{ url = \"{url}\", proxy = \"socks5://{login}{}\" }}",
        proxy.address
    )
}

#[tokio::test]
async fn every_kind_of_address_goes_there_and_comes_back() {
    let server = Server::http(|_| async { page(200, "") }).await;
    let port = server.address.port();
    let answers: [&[u8]; 3] = [
        &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80],
        b"\x05\0\0\x03\x04name\0\x50",
        &[
            5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80,
        ],
    ];
    for answer in answers {
        let proxy = open(answer).await;
        for host in ["127.0.0.1", "[::1]", "shop.invalid"] {
            let outcome = look(&keys(&format!("http://{host}:{port}/"), "", &proxy)).await;
            assert_eq!(text(&outcome), "200 OK in T", "{host}");
        }
    }
}

#[tokio::test]
async fn every_no_has_its_reason() {
    for (code, reason) in [
        (1, "failure"),
        (2, "not allowed"),
        (3, "network unreachable"),
        (4, "host unreachable"),
        (5, "connection refused"),
        (6, "TTL expired"),
        (7, "not supported"),
        (8, "not supported"),
    ] {
        let proxy = open(vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0].leak()).await;
        let outcome = look(&keys("http://shop.invalid/", "", &proxy)).await;
        let at = proxy.address;
        let said = format!("the proxy {at} has no way to shop.invalid:80: {reason}");
        assert_fails(&outcome, &said);
    }
}

#[tokio::test]
async fn who_it_lets_in_and_what_is_none_is_told() {
    for (answer, login, reply, said) in [
        (&b"\x05\xff"[..], "", &b""[..], "wants a user and password"),
        (b"\x05\xff", "u:p@", b"", "takes no user and password"),
        (b"HT", "", b"", "does not speak SOCKS5"),
        (
            b"\x05\x02",
            "u:p@",
            b"\x01\x01",
            "refuses user and password",
        ),
        (
            b"\x05\x00",
            "",
            b"\x04\x00\x00\x01",
            "does not speak SOCKS5",
        ),
        (
            b"\x05\x00",
            "",
            b"\x05\x00\x00\x09",
            "does not speak SOCKS5",
        ),
    ] {
        let proxy = greeting(answer, reply).await;
        let outcome = look(&keys("http://shop.invalid/", login, &proxy)).await;
        assert_fails(&outcome, &format!("the proxy {} {said}", proxy.address));
    }
    let gone = Server::start(|mut stream| async move {
        drop(stream.read_exact(&mut [0; 3]).await);
    })
    .await;
    let outcome = look(&keys("http://shop.invalid/", "", &gone)).await;
    let at = gone.address;
    let said = format!("the proxy: {at} closed the connection without an answer");
    assert_fails(&outcome, &said);
}

/// A SOCKS5 proxy that wants `belfry:sesame`, and knows one name.
async fn socks(reply: u8) -> Server {
    Server::start(move |mut stream| async move {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.expect("it greets");
        assert_eq!(greeting, [5, 1, 2]);
        write(&mut stream, &[5, 2]).await;
        let mut login = [0; 15];
        stream.read_exact(&mut login).await.expect("it logs in");
        let good = &login == b"\x01\x06belfry\x06sesame";
        write(&mut stream, &[1, u8::from(!good)]).await;
        let mut request = [0; 5];
        if stream.read_exact(&mut request).await.is_err() {
            return;
        }
        assert_eq!(request[..4], [5, 1, 0, 3], "the proxy resolves the name");
        let mut name = vec![0; usize::from(request[4])];
        stream.read_exact(&mut name).await.expect("a name");
        let port = stream.read_u16().await.expect("a port");
        assert_eq!(name, b"shop.invalid");
        write(&mut stream, &[5, reply, 0, 1, 127, 0, 0, 1, 0, 80]).await;
        if let Ok(mut other) = TcpStream::connect(("127.0.0.1", port)).await {
            drop(copy_bidirectional(&mut stream, &mut other).await);
        }
    })
    .await
}

#[tokio::test]
async fn a_socks_proxy_connects_by_name() {
    let server = Server::http(|request| async move {
        let host = request.headers()["host"]
            .to_str()
            .expect("a host")
            .to_owned();
        page(200, format!("{} {host}", request.uri()))
    })
    .await;
    let port = server.address.port();
    let keys = |password: &str, proxy: &Server| {
        format!(
            "http = {{ url = \"http://shop.invalid:{port}/a\", body = \"^/a shop.invalid:{port}$$\", \
             proxy = \"socks5://belfry:{password}@{}\" }}",
            proxy.address
        )
    };
    let good = socks(0).await;
    assert_eq!(text(&look(&keys("sesame", &good)).await), "200 OK in T");
    assert_fails(
        &look(&keys("sesamo", &good)).await,
        "refuses user and password",
    );
    let barred = socks(2).await;
    let outcome = look(&keys("sesame", &barred)).await;
    assert_fails(
        &outcome,
        &format!("has no way to shop.invalid:{port}: not allowed"),
    );
    let web = Server::raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let outcome = look_briefly(&keys("sesame", &web)).await;
    assert_eq!(outcome.verdict, Verdict::Fail);
}
