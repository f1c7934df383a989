//! Web pages: by which protocol, with which TLS. The server is nginx where it can be.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belfry::core::outcome::{Outcome, Verdict};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::real::{Real, words};
use crate::server::{Server, page, read_head, write};
use crate::tls::{Chain, acceptor, chain};
use crate::{assert_fails, look, look_briefly, text};

fn pem(kind: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        STANDARD.encode(der)
    )
}

fn certificates(all: &[CertificateDer<'_>]) -> String {
    all.iter().map(|der| pem("CERTIFICATE", der)).collect()
}

/// Writes a chain: `NAME.pem`, `NAME.key`, and its root `NAME-ca.pem`.
fn write_chain(folder: &Path, name: &str, chain: &Chain) {
    let sent = certificates(&chain.certificates[..2]);
    let root = certificates(std::slice::from_ref(&chain.root));
    let key = pem("PRIVATE KEY", chain.key.secret_der());
    for (file, text) in [
        (format!("{name}.pem"), sent),
        (format!("{name}.key"), key),
        (format!("{name}-ca.pem"), root),
    ] {
        fs::write(folder.join(file), text).expect("there is room");
    }
}

/// nginx with HTTP/2, a page `/mine` for those with a certificate, `/locked` for those with a password, and
/// `/packed`. In the clear it listens on a socket of its own, for HTTP/2 only.
pub(crate) async fn nginx(tls: bool) -> Real {
    Real::listening("nginx", |folder, port| {
        write_chain(folder, "server", &chain("localhost", 80, 400));
        write_chain(folder, "client", &chain("localhost", 80, 400));
        fs::write(folder.join("users"), "belfry:{PLAIN}sesame\n").expect("there is room");
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|kind| format!("{kind}_temp_path {kind};"));
        let temporary = temporary.concat();
        let listen = if tls {
            format!(
                "listen 127.0.0.1:{port} ssl http2; ssl_certificate server.pem; \
                 ssl_certificate_key server.key; ssl_client_certificate client-ca.pem; \
                 ssl_verify_client optional; ssl_verify_depth 3;"
            )
        } else {
            format!("listen 127.0.0.1:{port} http2;")
        };
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log error.log; user root; events {{ }}
             http {{ access_log off; {temporary} default_type text/plain;
               gzip_min_length 1; gzip_types text/plain; gzip_proxied any;
               server {{ {listen}
                 location / {{ return 200 \"$server_protocol $ssl_client_verify\"; }}
                 location /mine {{ if ($ssl_client_verify != SUCCESS) {{ return 403; }} return 200; }}
                 location /away {{ return 302 https://127.0.0.1:{port}/mine; }}
                 location /locked {{ auth_basic x; auth_basic_user_file users; root /nowhere; }}
                 location /packed {{ gzip on; return 200 \"a text that is long enough to be packed\"; }}
               }} }}"
        );
        fs::write(folder.join("nginx.conf"), config).expect("there is room");
        let folder = folder.display();
        words(&format!("-p {folder} -c {folder}/nginx.conf -e {folder}/start.log"))
    })
    .await
}

pub(crate) async fn at(server: &Real, path: &str, keys: &str) -> Outcome {
    let folder = server.folder.path().display();
    let keys = keys.replace("FOLDER", &folder.to_string());
    let url = format!("https://localhost:{}{path}", server.port);
    look(&format!("http = {{ url = \"{url}\", {keys} }}")).await
}

pub(crate) const CA: &str = "ca = \"FOLDER/server-ca.pem\"";
const US: &str = "client_certificate = \"FOLDER/client.pem\", client_key = \"FOLDER/client.key\"";

#[tokio::test]
async fn both_versions_are_spoken_over_tls_and_in_the_clear() {
    let server = nginx(true).await;
    for (version, said) in [("1.1", "HTTP/1.1"), ("2", "HTTP/2.0")] {
        let keys = format!("{CA}, version = \"{version}\", body = \"^{said}\"");
        let outcome = at(&server, "/", &keys).await;
        assert_eq!(text(&outcome), "200 OK in T", "{version}");
        assert_eq!(outcome.verdict, Verdict::Pass);
    }
    let keys = format!("{CA}, version = \"2\", compressed = true, body = \"long enough\"");
    let outcome = at(&server, "/packed", &keys).await;
    assert_eq!(text(&outcome), "200 OK in T");
    let clear = nginx(false).await;
    let url = format!("http://127.0.0.1:{}/", clear.port);
    let keys = "version = \"2\", send = \"hello\", body = \"^HTTP/2.0\"";
    let outcome = look(&format!("http = {{ url = \"{url}\", {keys} }}")).await;
    assert_eq!(text(&outcome), "200 OK in T");
}

#[tokio::test]
async fn a_server_without_the_version_is_told() {
    let one = Server::http(|_| async { page(200, "") }).await;
    let keys = |url: String| format!("http = {{ url = \"{url}\", version = \"2\" }}");
    assert_fails(&look(&keys(one.url("/"))).await, "");
    let old = Server::raw(b"HTTP/1.0 200 OK\r\n\r\n").await;
    let outcome = look(&format!(
        "http = {{ url = \"{}\", version = \"1.1\" }}",
        old.url("/")
    ))
    .await;
    assert_fails(&outcome, ", but it speaks HTTP/1.0, not HTTP/1.1");
    let silent = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = look_briefly(&keys(silent.url("/"))).await;
    assert_fails(
        &outcome,
        "no answer within 400 ms (connected, waiting for the answer)",
    );
    let server = chain("localhost", 80, 400);
    let accepting = acceptor(server.certificates, server.key);
    let plain = Server::start(move |stream| {
        let accepting = accepting.clone();
        async move { drop(accepting.accept(stream).await) }
    })
    .await;
    let url = format!("https://{}/", plain.address);
    let outcome = look(&format!(
        "http = {{ url = \"{url}\", version = \"2\", verify = false }}"
    ))
    .await;
    assert_fails(
        &outcome,
        "does not speak HTTP/2 (it did not take h2 by ALPN)",
    );
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_or_nothing_is_verified() {
    let server = nginx(true).await;
    assert_fails(&at(&server, "/", "slow = \"9s\"").await, "is not trusted");
    assert_fails(
        &at(&server, "/", "ca = \"FOLDER/client-ca.pem\"").await,
        "has a wrong signature",
    );
    assert_eq!(text(&at(&server, "/", CA).await), "200 OK in T");
    let outcome = at(&server, "/", "verify = false, certificate_days = 90").await;
    assert_eq!(
        text(&outcome),
        "200 OK in T, the certificate expires in 80 days (warn at 90 days)"
    );
}

#[tokio::test]
async fn our_certificate_is_shown_at_home_and_nowhere_else() {
    let server = nginx(true).await;
    let outcome = at(&server, "/mine", &format!("{CA}, {US}")).await;
    assert_eq!(text(&outcome), "200 OK in T");
    assert_fails(&at(&server, "/mine", CA).await, "403 Forbidden");
    // The same server by another name is another place.
    let keys = format!("verify = false, {US}");
    assert_fails(&at(&server, "/away", &keys).await, "403 Forbidden");
}

#[tokio::test]
async fn a_password_opens_what_is_locked() {
    let server = nginx(true).await;
    let basic = |password: &str| {
        format!("{CA}, basic = {{ user = \"belfry\", password = \"{password}\" }}, status = 404")
    };
    // There is nothing behind the lock.
    let outcome = at(&server, "/locked", &basic("sesame")).await;
    assert_eq!(text(&outcome), "404 Not Found in T");
    assert_fails(
        &at(&server, "/locked", &basic("open")).await,
        "401 Unauthorized",
    );
}

#[tokio::test]
async fn a_pin_holds_one_key_or_one_certificate() {
    let server = nginx(true).await;
    let sent = fs::read_to_string(server.folder.path().join("server.pem")).unwrap();
    let first: String = sent
        .lines()
        .skip(1)
        .take_while(|l| !l.starts_with('-'))
        .collect();
    let leaf = STANDARD.decode(first).unwrap();
    let whole: [u8; 32] = Sha256::digest(&leaf).into();
    let whole = whole.map(|byte| format!("{byte:02x}")).concat();
    let outcome = at(&server, "/", &format!("{CA}, pin = \"sha256:{whole}\"")).await;
    assert_eq!(text(&outcome), "200 OK in T");
    let other = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let outcome = at(&server, "/", &format!("{CA}, pin = \"{other}\"")).await;
    assert_fails(&outcome, "has another key than pinned: sha256/");
    let told = outcome.message();
    let found = told.split_whitespace().last().unwrap();
    let both = format!("{CA}, pin = [\"{other}\", \"{found}\"]");
    assert_eq!(text(&at(&server, "/", &both).await), "200 OK in T");
}

/// Serves HTTP/2 in the clear: a head, and then what `more` makes of the stream.
async fn two<F, T>(more: F) -> Server
where
    F: Fn(h2::SendStream<bytes::Bytes>) -> T + Clone + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    Server::start(move |stream| {
        let more = more.clone();
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let Ok(stream) = respond.send_response(http::Response::new(()), false) else {
                    return;
                };
                let mut under_way = tokio::task::JoinSet::new();
                under_way.spawn(more(stream));
                drop(std::future::poll_fn(|cx| connection.poll_closed(cx)).await);
            }
        }
    })
    .await
}

#[tokio::test]
async fn over_http2_a_body_is_bounded_and_the_time_is_kept() {
    let endless = two(|mut stream| async move {
        loop {
            stream.reserve_capacity(16_384);
            let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
            let Some(Ok(room)) = room else { return };
            if stream.send_data(vec![b'a'; room].into(), false).is_err() {
                return;
            }
        }
    })
    .await;
    let keys = "version = \"2\", body = \"b\"";
    let outcome = look(&format!(
        "http = {{ url = \"{}\", {keys} }}",
        endless.url("/")
    ))
    .await;
    assert_fails(&outcome, "but the first MiB of the body does not match /b/");
    let drip = two(|mut stream| async move {
        while stream.send_data("x".into(), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let keys = format!("http = {{ url = \"{}\", version = \"2\" }}", drip.url("/"));
    assert_fails(
        &look_briefly(&keys).await,
        "no answer within 400 ms (reading the answer)",
    );
    let broken =
        two(|mut stream| async move { stream.send_reset(h2::Reason::INTERNAL_ERROR) }).await;
    let keys = format!(
        "http = {{ url = \"{}\", version = \"2\" }}",
        broken.url("/")
    );
    assert_fails(&look(&keys).await, "broke off in the middle of the body");
}

#[tokio::test]
async fn over_http2_what_refuses_or_is_none_is_told() {
    let keys = |server: &Server| {
        format!(
            "http = {{ url = \"{}\", version = \"2\" }}",
            server.url("/")
        )
    };
    let refusing = Server::start(|stream| async move {
        let Ok(mut connection) = h2::server::handshake(stream).await else {
            return;
        };
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
    })
    .await;
    let part = format!("asking {}: stream error received: ", refusing.address);
    assert_fails(&look(&keys(&refusing)).await, &part);
    let old = Server::start(|mut stream| async move {
        let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        write(&mut stream, answer).await;
        drop(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await);
    })
    .await;
    let part = format!("{} does not speak HTTP/2 (", old.address);
    assert_fails(&look(&keys(&old)).await, &part);
}

#[tokio::test]
async fn over_http2_a_head_is_bounded() {
    for fields in [800, 3_000] {
        let flood = Server::start(move |stream| async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let mut head = http::Response::new(());
                for number in 0..fields {
                    let name = format!("x-{number}").parse::<http::HeaderName>();
                    let value = "y".repeat(100).parse().expect("it is a value");
                    head.headers_mut()
                        .insert(name.expect("it is a name"), value);
                }
                drop(respond.send_response(head, true));
            }
        })
        .await;
        let keys = format!("http = {{ url = \"{}\", version = \"2\" }}", flood.url("/"));
        assert_fails(&look(&keys).await, "with a head of more than 64 KiB");
    }
}
