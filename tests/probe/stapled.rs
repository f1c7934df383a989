//! What an authority says of a certificate today, stapled to it by the server.

use std::sync::Arc;

use belfry::clock::Clock;
use belfry::core::outcome::Outcome;
use belfry::probe::Env;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio_rustls::TlsAcceptor;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::server::{Server, page, serve};
use crate::tls::chain;
use crate::{PATIENT, assert_fails, probe, text};

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const TIME: u8 = 0x18;

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).expect("it is short");
    [&[tag, 0x82][..], &length.to_be_bytes(), &content].concat()
}

/// A response (RFC 6960) on the certificate with this number, that ends at `until`.
fn response(serial: &[u8], said: &[u8], until: &str) -> Vec<u8> {
    let (time, until) = (
        der(TIME, &[b"20260101000000Z"]),
        der(TIME, &[until.as_bytes()]),
    );
    let id = der(
        SEQUENCE,
        &[
            &der(SEQUENCE, &[]),
            &der(OCTETS, &[b"name"]),
            &der(OCTETS, &[b"key"]),
            &der(2, &[serial]),
        ],
    );
    let single = der(SEQUENCE, &[&id, said, &time, &der(0xa0, &[&until])]);
    let data = der(
        SEQUENCE,
        &[&der(0xa2, &[b"key"]), &time, &der(SEQUENCE, &[&single])],
    );
    let basic = der(SEQUENCE, &[&data, &der(SEQUENCE, &[]), &der(3, &[&[0]])]);
    let kind = [6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
    let bytes = der(SEQUENCE, &[&kind, &der(OCTETS, &[&basic])]);
    der(SEQUENCE, &[&[0x0a, 1, 0], &der(0xa0, &[&bytes])])
}

/// Looks at a server that staples what `staple` makes of the number of its certificate.
async fn outcome(staple: impl Fn(&[u8]) -> Vec<u8>) -> Outcome {
    let chain = chain("localhost", 80, 400);
    let (_, leaf) = X509Certificate::from_der(&chain.certificates[0]).expect("rcgen made it");
    let staple = staple(leaf.raw_serial());
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
    let port = server.address.port();
    let keys = format!("http.url = \"https://localhost:{port}/\"");
    probe(&keys).run(&env, PATIENT).await
}

const GOOD: &[u8] = &[0x80, 0];
const FAR: &str = "29991231235959Z";

#[tokio::test]
async fn what_is_good_or_says_nothing_passes() {
    for staple in [
        Box::new(|serial: &[u8]| response(serial, GOOD, FAR)) as Box<dyn Fn(&[u8]) -> Vec<u8>>,
        Box::new(|_: &[u8]| response(&[1, 2, 3], GOOD, "20260101000000Z")),
        Box::new(|_: &[u8]| b"garbage".to_vec()),
        Box::new(|_: &[u8]| vec![0x30; 60_000]),
    ] {
        assert_eq!(text(&outcome(staple).await), "200 OK in T");
    }
}

#[tokio::test]
async fn what_is_revoked_unknown_or_old_fails() {
    let revoked = der(0xa1, &[&der(TIME, &[b"20260101000000Z"])]);
    assert_fails(
        &outcome(|serial| response(serial, &revoked, FAR)).await,
        "is revoked",
    );
    assert_fails(
        &outcome(|serial| response(serial, &[0x82, 0], FAR)).await,
        "the authority does not know the certificate of localhost:",
    );
    let old = outcome(|serial| response(serial, GOOD, "20200101000000Z")).await;
    assert_fails(&old, "staples to its certificate has ended");
}
