//! Handshakes that come to nothing, and certificates that are not taken; each says what to look at.

use std::sync::Arc;
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::Env;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncReadExt;

use crate::real::{Real, words};
use crate::server::{Server, write};
use crate::servers::pem;
use crate::tls::{acceptor, authority, chain, params};
use crate::{PATIENT, assert_fails, look, probe, text};

/// Looks at a server with what `change` makes of a good certificate for localhost, trusting its authority.
async fn with(change: impl FnOnce(&mut CertificateParams)) -> Outcome {
    let (root, root_key) = authority("Test Root", 900);
    let trusted = root
        .self_signed(&root_key)
        .expect("it is valid")
        .der()
        .clone();
    let (mut leaf, key) = (
        params("localhost", 80),
        KeyPair::generate().expect("ring makes keys"),
    );
    change(&mut leaf);
    let leaf = leaf
        .signed_by(&key, &Issuer::new(root, root_key))
        .expect("it is valid");
    serving(leaf.der().clone(), &key, trusted).await
}

/// Looks at a server with this certificate, trusting `root`.
async fn serving(
    leaf: CertificateDer<'static>,
    key: &KeyPair,
    root: CertificateDer<'static>,
) -> Outcome {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("it is a key");
    let acceptor = acceptor(vec![leaf], key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await;
    let env = Env::new(Clock::start(), Arc::default()).trusting(root);
    let port = server.address.port();
    let keys = format!("tcp = {{ address = \"localhost:{port}\", ip = \"4\", tls = true }}");
    probe(&keys).run(&env, PATIENT).await
}

#[tokio::test]
async fn a_certificate_has_its_time_its_names_and_its_use() {
    assert_eq!(text(&with(|_| {}).await), "connected with TLS in T");
    let early = with(|leaf| leaf.not_before = leaf.not_after - Duration::from_hours(24)).await;
    assert_fails(&early, " is not valid before 20");
    let nameless = with(|leaf| leaf.subject_alt_names.clear()).await;
    assert_fails(&nameless, " is for no name, not for localhost");
    let many = with(|leaf| {
        let names = ["a.example", "b.example", "c.example", "d.example"];
        let names = names.map(|name| SanType::DnsName(name.try_into().unwrap()));
        leaf.subject_alt_names = names.to_vec();
    })
    .await;
    assert_fails(
        &many,
        " is for a.example, b.example, c.example, …, not for localhost",
    );
    let client = with(|leaf| {
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    })
    .await;
    assert_fails(&client, " is not accepted: ");
    // An authority that serves with its own certificate, as many do at home.
    let (mut own, key) = authority("Test Root", 900);
    own.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
    let own = own.self_signed(&key).unwrap().der().clone();
    assert_fails(
        &serving(own.clone(), &key, own).await,
        " is one of an authority, used by a server (self-signed?): let an authority of your own sign one",
    );
}

#[tokio::test]
async fn what_has_expired_is_told_as_expired_even_where_nothing_is_verified() {
    let server = chain("localhost", -3, 400);
    let accepting = acceptor(server.certificates, server.key);
    let server = Server::start(move |stream| {
        let accepting = accepting.clone();
        async move { drop(accepting.accept(stream).await) }
    })
    .await;
    let keys = format!(
        "tcp = {{ address = \"{}\", tls = {{ verify = false }} }}",
        server.address
    );
    let outcome = look(&keys).await;
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert_eq!(
        text(&outcome),
        "connected with TLS in T, the certificate has expired (fail at 3 days)"
    );
}

/// openssl's server, with these options.
async fn openssl(more: &str) -> Real {
    Real::listening("openssl", |folder, port| {
        let chain = chain("localhost", 80, 400);
        for (name, kind, der) in [
            ("cert.pem", "CERTIFICATE", &chain.certificates[0][..]),
            ("key.pem", "PRIVATE KEY", chain.key.secret_der()),
        ] {
            std::fs::write(folder.join(name), pem(kind, der)).expect("there is room");
        }
        words(&format!(
            "s_server -accept 127.0.0.1:{port} -cert cert.pem -key key.pem -quiet {more}"
        ))
    })
    .await
}

#[tokio::test]
async fn a_server_that_wants_another_handshake_is_told_by_what_it_says() {
    let at = |server: &Real| {
        format!(
            "tcp = {{ address = \"127.0.0.1:{}\", tls = {{ verify = false }} }}",
            server.port
        )
    };
    let old = openssl("-tls1_1 -cipher DEFAULT@SECLEVEL=0").await;
    assert_fails(
        &look(&at(&old)).await,
        " failed: it sent the alert ProtocolVersion",
    );
    let strange = openssl("-tls1_2 -cipher ECDHE-ECDSA-CAMELLIA128-SHA256").await;
    assert_fails(
        &look(&at(&strange)).await,
        " failed: it sent the alert HandshakeFailure",
    );
    // One that wants to know who we are says so in the handshake of TLS 1.2.
    let shut = openssl("-tls1_2 -Verify 1").await;
    assert_fails(
        &look(&at(&shut)).await,
        " failed: it sent the alert HandshakeFailure",
    );
}

#[tokio::test]
async fn a_server_of_another_age_has_no_version_in_common() {
    // A ServerHello of TLS 1.0 (RFC 2246, section 7.4.1.3), whatever was offered.
    let hello = [
        &[0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..],
        &[7; 32],
        &[0, 0xc0, 0x13, 0],
    ]
    .concat();
    let old = Server::start(move |mut stream| {
        let hello = hello.clone();
        async move {
            write(&mut stream, &hello).await;
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    })
    .await;
    let keys = format!("tcp = {{ address = \"{}\", tls = true }}", old.address);
    assert_fails(
        &look(&keys).await,
        "failed: no protocol version or cipher in common",
    );
    let closing = Server::start(|mut stream| async move {
        // All that is said first is read, so that the end is an end and no reset.
        let mut head = [0; 5];
        drop(stream.read_exact(&mut head).await);
        let rest = usize::from(u16::from_be_bytes([head[3], head[4]]));
        drop(stream.read_exact(&mut vec![0; rest]).await);
    })
    .await;
    let keys = format!("tcp = {{ address = \"{}\", tls = true }}", closing.address);
    assert_fails(
        &look(&keys).await,
        "closed the connection during the TLS handshake",
    );
    let cutting = Server::start(|mut stream| async move {
        // Closing with unread bytes resets the connection.
        drop(stream.read_u8().await);
        stream.set_zero_linger().expect("it is a TCP socket");
    })
    .await;
    let keys = format!("tcp = {{ address = \"{}\", tls = true }}", cutting.address);
    assert_fails(&look(&keys).await, "cut the connection (connection reset)");
}
