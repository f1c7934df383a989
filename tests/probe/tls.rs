//! Certificates, good and bad, made for each test.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::Env;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, page, serve, write};
use crate::{PATIENT, assert_fails, look, look_briefly, probe, said, text};

/// When a certificate ends, in days from now.
pub(crate) type Days = i64;

/// The parameters of a certificate for `name` that ends so.
pub(crate) fn params(name: &str, days: Days) -> CertificateParams {
    let names = vec!["localhost".to_owned(); usize::from(name == "localhost")];
    let mut params = CertificateParams::new(names).expect("it is a valid name");
    params.distinguished_name.push(DnType::CommonName, name);
    let now = u64::try_from(Clock::start().now().millis()).expect("it is after 1970");
    // An hour more, so that whole days are what they say however long the test takes.
    let end = i64::try_from(now / 1_000).expect("it is not so late") + days * 86_400 + 3_600;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end.unsigned_abs());
    params
}

/// An authority.
pub(crate) fn authority(name: &str, days: Days) -> (CertificateParams, KeyPair) {
    let mut params = params(name, days);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params, KeyPair::generate().expect("ring makes keys"))
}

/// A root, and a chain of a server's certificate and an intermediate.
pub(crate) struct Chain {
    pub(crate) root: CertificateDer<'static>,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// The key of the intermediate, as PEM.
    pub(crate) authority_key: String,
}

/// A chain for `name`; the server's certificate and the intermediate end so.
pub(crate) fn chain(name: &str, leaf: Days, intermediate: Days) -> Chain {
    let (root_params, root_key) = authority("Test Root", 1_000);
    let root = root_params
        .self_signed(&root_key)
        .expect("it is valid")
        .der()
        .clone();
    let root_issuer = Issuer::new(root_params, root_key);
    let (middle_params, middle_key) = authority("Test R3", intermediate);
    let middle = middle_params
        .signed_by(&middle_key, &root_issuer)
        .expect("it is valid")
        .der()
        .clone();
    let authority_key = middle_key.serialize_pem();
    let middle_issuer = Issuer::new(middle_params, middle_key);
    let key = KeyPair::generate().expect("ring makes keys");
    let leaf = params(name, leaf)
        .signed_by(&key, &middle_issuer)
        .expect("it is valid")
        .der()
        .clone();
    // An expired certificate beyond the way to the root, as Let's Encrypt sent for years.
    let (old_params, old_key) = authority("Old Root", -100);
    let old = old_params
        .self_signed(&old_key)
        .expect("it is valid")
        .der()
        .clone();
    Chain {
        root,
        certificates: vec![leaf, middle, old],
        key: PrivateKeyDer::try_from(key.serialize_der()).expect("it is a key"),
        authority_key,
    }
}

/// What accepts TLS with these.
pub(crate) fn acceptor(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has both")
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .expect("the key fits");
    TlsAcceptor::from(Arc::new(config))
}

async fn https(certificates: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Server {
    let acceptor = acceptor(certificates, key);
    Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, |_| async { page(200, "ok") }).await;
            }
        }
    })
    .await
}

/// Looks at `https://localhost` with that chain, trusting its root.
async fn outcome(chain: Chain) -> (Outcome, u16) {
    let server = https(chain.certificates, chain.key).await;
    let env = Env::new(Clock::start(), Arc::default()).trusting(chain.root);
    let port = server.address.port();
    let outcome = probe(&format!("http.url = \"https://localhost:{port}/\""))
        .run(&env, PATIENT)
        .await;
    (outcome, port)
}

#[tokio::test]
async fn a_good_certificate_passes_and_the_handshake_is_measured() {
    let (outcome, _) = outcome(chain("localhost", 80, 400)).await;
    assert_eq!(
        said(&outcome).split(" in ").next(),
        Some("pass: 200 OK"),
        "{}",
        said(&outcome)
    );
    let phases = outcome.phases.as_ref().expect("phases are measured");
    let names: Vec<&str> = phases.iter().map(|phase| &*phase.name).collect();
    assert_eq!(names, ["dns", "connect", "tls", "first byte", "transfer"]);
}

#[tokio::test]
async fn what_ends_soon_is_warned_of_leaf_or_authority() {
    let (leaf, _) = outcome(chain("localhost", 5, 400)).await;
    assert_eq!(leaf.verdict, Verdict::Warn);
    assert_eq!(
        text(&leaf),
        "200 OK in T, the certificate expires in 5 days (warn at 14 days)"
    );
    // Late enough that somebody must be told.
    for (leaf, authority, said) in [
        (2, 400, "the certificate expires in 2 days (fail at 3 days)"),
        (
            0,
            400,
            "the certificate expires within a day (fail at 3 days)",
        ),
        (
            80,
            1,
            "the certificate of its authority Test R3 expires in 1 day (fail at 3 days)",
        ),
    ] {
        let (outcome, _) = outcome(chain("localhost", leaf, authority)).await;
        assert_fails(&outcome, &format!(", but {said}"));
    }
    let (authority, _) = outcome(chain("localhost", 80, 9)).await;
    assert_eq!(authority.verdict, Verdict::Warn);
    assert_eq!(
        text(&authority),
        "200 OK in T, the certificate of its authority Test R3 expires in 9 days (warn at 14 days)"
    );
    let (both, _) = outcome(chain("localhost", 5, 9)).await;
    assert_eq!(
        text(&both),
        "200 OK in T, the certificate expires in 5 days (warn at 14 days), the certificate of its authority Test R3 expires in 9 days (warn at 14 days)"
    );
}

#[tokio::test]
async fn each_way_to_be_wrong_has_words_of_its_own() {
    let (expired, port) = outcome(chain("localhost", -3, 400)).await;
    assert_fails(
        &expired,
        &format!("the certificate of localhost:{port}, or one of its chain, expired at 20"),
    );
    let (expired, _) = outcome(chain("localhost", 80, -3)).await;
    assert_fails(&expired, "or one of its chain, expired at 20");

    let mut other = chain("localhost", 80, 400);
    let (mut named, key) = (params("other", 80), KeyPair::generate().unwrap());
    named.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
    let (root, root_key) = authority("Other Root", 900);
    other.root = root.self_signed(&root_key).unwrap().der().clone();
    other.certificates = vec![
        named
            .signed_by(&key, &Issuer::new(root, root_key))
            .unwrap()
            .der()
            .clone(),
    ];
    other.key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let (wrong, port) = outcome(other).await;
    assert_fails(
        &wrong,
        &format!("the certificate of localhost:{port} is for other.example, not for localhost"),
    );

    let mut missing = chain("localhost", 80, 400);
    missing.certificates.truncate(1);
    let (unknown, _) = outcome(missing).await;
    assert_fails(
        &unknown,
        "is not trusted (unknown issuer: self-signed, or an intermediate is missing)",
    );

    let strange = chain("localhost", 80, 400);
    let server = https(strange.certificates, strange.key).await;
    let url = format!("https://localhost:{}/", server.address.port());
    assert_fails(
        &look(&format!("http.url = \"{url}\"")).await,
        "is not trusted",
    );
}

#[tokio::test]
async fn what_is_no_tls_is_told_as_such() {
    let plain = Server::raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let keys = |server: &Server| format!("http.url = \"https://{}/\"", server.address);
    let greeting = Server::start(|mut stream| async move {
        write(&mut stream, b"220 mail.example ESMTP\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    assert_fails(&look(&keys(&greeting)).await, "does not speak TLS");
    let closing = Server::start(|_| async {}).await;
    let outcome = look(&keys(&closing)).await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
    // It waits for an empty line that never comes.
    assert_fails(
        &look_briefly(&keys(&plain)).await,
        "no answer within 400 ms (TLS handshake)",
    );
    // A listener that never accepts: the system does, for it.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys = format!("http.url = \"https://{}/\"", deaf.local_addr().unwrap());
    assert_fails(&look_briefly(&keys).await, "(TLS handshake)");
}
