//! What an authority says of a certificate today, stapled to it by the server. The responses are made by openssl;
//! what each can be is told apart in the unit tests.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::Env;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio_rustls::TlsAcceptor;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::server::{Server, page, serve};
use crate::servers::pem;
use crate::tls::{Chain, chain};
use crate::{PATIENT, assert_fails, probe, said, text};

/// What the authority `by` says of the certificate of `on`, which is `is` in its register.
fn response(on: &Chain, by: &Chain, is: &str) -> Vec<u8> {
    response_at(("+0d", "sha256"), on, by, is)
}

/// The same, said so far from now, and signed with this digest.
fn response_at(how: (&str, &str), on: &Chain, by: &Chain, is: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("there is room");
    };
    let (_, leaf) = X509Certificate::from_der(&on.certificates[0]).expect("rcgen made it");
    let serial: String = leaf
        .raw_serial()
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
    let revoked = if is == "R" { "260101000000Z" } else { "" };
    let serial = serial.strip_prefix("00").unwrap_or(&serial);
    let line = format!("{is}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=localhost\n");
    write("index.txt", if is.is_empty() { "" } else { &line });
    write("leaf.pem", &pem("CERTIFICATE", &on.certificates[0]));
    write("issuer.pem", &pem("CERTIFICATE", &on.certificates[1]));
    write("signer.pem", &pem("CERTIFICATE", &by.certificates[1]));
    write("signer.key", &by.authority_key);
    openssl(folder.path(), how);
    fs::read(folder.path().join("response.der")).expect("openssl wrote it")
}

/// Makes the response, for a day.
fn openssl(folder: &Path, (when, digest): (&str, &str)) {
    let arguments = "ocsp -index index.txt -rsigner signer.pem -rkey signer.key -CA issuer.pem -issuer issuer.pem \
                     -cert leaf.pem -ndays 1 -respout response.der";
    let mut command = Command::new(if when == "+0d" { "openssl" } else { "faketime" });
    if when != "+0d" {
        command.args(["-f", when, "openssl"]);
    }
    let ran = command
        .args(arguments.split(' ').filter(|word| !word.is_empty()))
        .args(["-rmd", digest])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("openssl and faketime are installed; scripts/test does");
    assert!(ran.status.success(), "{ran:?}");
}

/// Looks by `keys` at a server that staples this to its certificate.
async fn outcome(chain: Chain, staple: Vec<u8>, keys: &str) -> Outcome {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has both")
        .with_no_client_auth()
        .with_single_cert_with_ocsp(chain.certificates, chain.key, staple)
        .expect("the key fits");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, |_| async { page(200, "ok") }).await;
            }
        }
    })
    .await;
    let env = Env::new(Clock::start(), Arc::default()).trusting(chain.root);
    let keys = keys.replace("PORT", &server.address.port().to_string());
    probe(&keys).run(&env, PATIENT).await
}

const HTTP: &str = "http = { url = \"https://localhost:PORT/\" }";
const TCP: &str = "tcp = { address = \"localhost:PORT\", tls = true }";
/// With whatever else is said of the connection, it goes another way.
const OWN: &str =
    "http = { url = \"https://localhost:PORT/\", version = \"1.1\", certificate_days = 0 }";

fn good_chain() -> Chain {
    chain("localhost", 80, 400)
}

#[tokio::test]
async fn what_the_authority_says_is_believed() {
    for keys in [HTTP, TCP, OWN] {
        for (is, part) in [
            ("V", ""),
            ("R", "is revoked"),
            (
                "",
                "the authority does not know the certificate of localhost:",
            ),
        ] {
            let chain = good_chain();
            let staple = response(&chain, &chain, is);
            let outcome = outcome(chain, staple, keys).await;
            if part.is_empty() {
                assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
            } else {
                assert_fails(&outcome, part);
            }
        }
    }
}

#[tokio::test]
async fn what_it_has_not_signed_is_no_proof_of_anything_and_warned_of() {
    const SAID: &str = "the OCSP response that it staples proves nothing: ";
    for (keys, what) in [
        (HTTP, "200 OK in T"),
        (TCP, "connected with TLS in T"),
        (OWN, "200 OK in T"),
    ] {
        // Neither is it revoked because a stranger says so, nor is it good.
        for is in ["R", "V"] {
            let chain = good_chain();
            let staple = response(&chain, &good_chain(), is);
            let outcome = outcome(chain, staple, keys).await;
            let why = "it is signed neither by the authority nor by whom it has appointed";
            assert_eq!(text(&outcome), format!("{what}, {SAID}{why}"));
            assert_eq!(outcome.verdict, Verdict::Warn);
        }
    }
    let other = good_chain();
    let another = response(&other, &other, "V");
    for (staple, why) in [
        (b"garbage".to_vec(), "it cannot be read"),
        (vec![0x30; 60_000], "it cannot be read"),
        (another, "it is about another certificate"),
    ] {
        let outcome = outcome(good_chain(), staple, HTTP).await;
        assert_eq!(text(&outcome), format!("200 OK in T, {SAID}{why}"));
        assert_eq!(outcome.verdict, Verdict::Warn);
    }
}

#[tokio::test]
async fn what_the_authority_says_has_its_time_and_its_way() {
    let chain = good_chain();
    let ended = response_at(("-4d", "sha256"), &chain, &chain, "V");
    assert_fails(
        &outcome(chain, ended, HTTP).await,
        " staples to its certificate has ended",
    );
    // A certificate does not come back.
    let chain = good_chain();
    let revoked = response_at(("-4d", "sha256"), &chain, &chain, "R");
    assert_fails(&outcome(chain, revoked, HTTP).await, "is revoked");
    let chain = good_chain();
    let early = response_at(("+4d", "sha256"), &chain, &chain, "V");
    // A signature that nobody should believe any more.
    let weak_chain = good_chain();
    let weak = response_at(("+0d", "sha1"), &weak_chain, &weak_chain, "V");
    // "Try later" (RFC 6960, section 4.2.1).
    let later = vec![0x30, 3, 0x0a, 1, 3];
    for (chain, staple, why) in [
        (chain, early, "it is of a time to come"),
        (
            weak_chain,
            weak,
            "it is signed with SHA-1, which proves nothing any more",
        ),
        (good_chain(), later, "it says that there is no answer"),
    ] {
        let outcome = outcome(chain, staple, TCP).await;
        let said = "the OCSP response that it staples proves nothing";
        assert_eq!(
            text(&outcome),
            format!("connected with TLS in T, {said}: {why}")
        );
        assert_eq!(outcome.verdict, Verdict::Warn);
    }
}
