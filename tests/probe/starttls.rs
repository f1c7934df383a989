//! TCP with TLS, at once and after a beginning in the clear.

use std::sync::Arc;

use belfry::clock::Clock;
use belfry::core::metric::Metric;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::{Env, Finding};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader};
use tokio::net::TcpStream;

use crate::server::{Server, write};
use crate::tls::{acceptor, chain};
use crate::{PATIENT, assert_fails, look, look_briefly, probe, text};

/// Looks at `localhost:PORT` with these keys, trusting `root`.
async fn trusting(
    root: &CertificateDer<'static>,
    server: &Server,
    keys: &str,
) -> (Outcome, Vec<Finding>) {
    let env = Env::new(Clock::start(), Arc::default()).trusting(root.clone());
    let port = server.address.port();
    let keys = format!("tcp = {{ address = \"localhost:{port}\", ip = \"4\", {keys} }}");
    probe(&keys).explain(&env, PATIENT).await
}

/// Answers each line with what `says` makes of it, until that is nothing.
async fn talk<S>(stream: S, greeting: &str, says: fn(&str) -> Option<&'static str>) -> S
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    write(stream.get_mut(), greeting.as_bytes()).await;
    let mut line = String::new();
    while let Ok(1..) = stream.read_line(&mut line).await {
        let Some(answer) = says(line.trim_end()) else {
            break;
        };
        write(stream.get_mut(), answer.as_bytes()).await;
        if answer.starts_with("220") || answer.starts_with("454") {
            break;
        }
        line.clear();
    }
    stream.into_inner()
}

fn mail(line: &str) -> Option<&'static str> {
    match line {
        "EHLO belfry.invalid" => Some("250-mail.example\r\n250-STARTTLS\r\n250 HELP\r\n"),
        "STARTTLS" => Some("220 2.0.0 go\r\n"),
        "QUIT" => Some("221 bye\r\n"),
        _ => None,
    }
}

/// A mail server that starts TLS.
async fn smtp(days: i64) -> (Server, CertificateDer<'static>) {
    let chain = chain("localhost", days, 400);
    let acceptor = acceptor(chain.certificates, chain.key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream: TcpStream = talk(stream, "220-mail\r\n220 ready\r\n", mail).await;
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(stream, "", mail).await;
            }
        }
    })
    .await;
    (server, chain.root)
}

#[tokio::test]
async fn a_mail_server_starts_tls_and_goes_on_with_it() {
    let (server, root) = smtp(80).await;
    let (outcome, findings) = trusting(&root, &server, "preset = \"submission\"").await;
    assert_eq!(text(&outcome), "speaks submission in T");
    let metrics = outcome.metrics.as_deref().unwrap_or_default();
    let named = |metric: &Metric| (metric.name.to_string(), metric.value);
    assert_eq!(
        metrics.iter().map(named).collect::<Vec<_>>(),
        [("certificate days".to_owned(), 80.0)]
    );
    let what: Vec<&str> = findings.iter().map(|finding| &*finding.what).collect();
    assert_eq!(
        what,
        [
            "answer (step 1 of 3)",
            "answer (step 2 of 3)",
            "answer (step 3 of 3)",
            "answer (step 1 of 2)",
            "answer (step 2 of 2)",
            "certificate"
        ]
    );
    let (outcome, _) = trusting(&root, &server, "starttls = \"smtp\"").await;
    assert_eq!(text(&outcome), "connected with TLS in T");

    let (server, root) = smtp(5).await;
    let (outcome, _) = trusting(&root, &server, "preset = \"smtp\", starttls = \"smtp\"").await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(
        text(&outcome),
        "speaks smtp in T, the certificate expires in 5 days (warn at 14 days)"
    );
    let keys = "preset = \"submission\", certificate_days = 3";
    let (outcome, _) = trusting(&root, &server, keys).await;
    assert_eq!(outcome.verdict, Verdict::Pass);
}

#[tokio::test]
async fn a_server_that_will_not_start_tls_is_told_at_once() {
    let server = Server::start(|stream| async move {
        talk(stream, "220 ready\r\n", |line| match line {
            "STARTTLS" => Some("454 not available\r\n"),
            other => mail(other),
        })
        .await
        .read_u8()
        .await
        .expect_err("the client closes");
    })
    .await;
    let keys = format!(
        "tcp = {{ address = \"{}\", starttls = \"smtp\" }}",
        server.address
    );
    assert_fails(
        &look(&keys).await,
        "answered \"454 not available\", which does not match",
    );
}

#[tokio::test]
async fn what_is_said_in_the_clear_behind_the_agreement_is_not_taken_for_the_rest() {
    let server = Server::start(|stream| async move {
        let says = |line: &str| match line {
            "STARTTLS" => Some("220 go\r\n250 smuggled\r\n"),
            other => mail(other),
        };
        let mut stream = talk(stream, "220 ready\r\n", says).await;
        drop(stream.read_u8().await);
    })
    .await;
    let keys = format!(
        "tcp = {{ address = \"{}\", starttls = \"smtp\" }}",
        server.address
    );
    assert_fails(
        &look(&keys).await,
        "said more in the clear after it agreed to start TLS",
    );
}

#[tokio::test]
async fn whose_certificate_counts_can_be_said() {
    let chain = chain("localhost", 80, 400);
    let acceptor = acceptor(chain.certificates, chain.key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                write(&mut stream, b"* OK ready\r\n").await;
                drop(stream.read_u8().await);
            }
        }
    })
    .await;
    let keys = "tls = true, expect = \"^.{2}OK\"";
    let (outcome, _) = trusting(&chain.root, &server, keys).await;
    assert_eq!(text(&outcome), "answered as expected in T");
    let keys = "tls = { name = \"other.example\" }";
    let (outcome, _) = trusting(&chain.root, &server, keys).await;
    assert_fails(&outcome, "is for localhost, not for other.example");

    let at = |tls: &str| format!("tcp = {{ address = \"{}\", tls = {tls} }}", server.address);
    assert_fails(&look(&at("true")).await, "is not trusted");
    let outcome = look(&at("{ verify = false }")).await;
    assert_eq!(text(&outcome), "connected with TLS in T");
}

#[tokio::test]
async fn several_steps_go_one_after_the_other_and_bytes_are_bytes() {
    let server = Server::start(|mut stream| async move {
        // Two answers at once; the second must not be lost.
        write(&mut stream, b"READY\r\n\x00\xffmore\r\n").await;
        let mut said = [0; 3];
        if stream.read_exact(&mut said).await.is_ok() && said == [0, 0xfe, b'!'] {
            write(&mut stream, b"free: 3\r\n").await;
            drop(stream.read_u8().await);
        }
    })
    .await;
    let with = |last: &str| {
        format!(
            "[tcp]\naddress = \"{}\"\nsteps = [{{ expect = '^READY' }}, {{ expect = '(?-u)\\x00\\xff' }}, {{ send = '\\x00\\xFE!', expect = '{last}' }}]",
            server.address
        )
    };
    assert_eq!(
        text(&look(&with("^free: [1-9]")).await),
        "answered as expected in T"
    );
    assert_fails(
        &look_briefly(&with("^free: 0")).await,
        "which does not match /^free: 0/ (step 3 of 3), and no more came in time",
    );
}

#[tokio::test]
async fn a_line_without_end_and_a_byte_at_a_time_are_kept_within_bounds() {
    let endless =
        Server::start(
            |mut stream| async move { while write(&mut stream, &[b'2'; 4_096]).await {} },
        )
        .await;
    let at = |server: &Server, preset: &str| {
        format!(
            "tcp = {{ address = \"{}\", preset = \"{preset}\" }}",
            server.address
        )
    };
    assert_fails(&look(&at(&endless, "smtp")).await, "which does not match");
    let slow = Server::start(|mut stream| async move {
        while write(&mut stream, b"2").await {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_fails(
        &look_briefly(&at(&slow, "imap")).await,
        "and no more came in time",
    );
}
