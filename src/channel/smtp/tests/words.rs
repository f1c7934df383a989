//! Logins, TLS, and what must never be seen.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::*;
use crate::channel::smtp::tls;

/// A server's side of TLS with a certificate of its own, and a client that believes just that one.
struct Identity {
    acceptor: TlsAcceptor,
    client: Arc<ClientConfig>,
}

fn identity(name: &str, expired: bool) -> Identity {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().expect("a key");
    let certificate: CertificateDer<'static> =
        params.self_signed(&key).expect("a certificate").into();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the same key");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    Identity {
        acceptor: TlsAcceptor::from(Arc::new(server)),
        client: tls::config(roots),
    }
}

fn url(scheme: &str, sink: &Sink) -> String {
    format!("{scheme}://{}", sink.address)
}

#[tokio::test]
async fn starttls_and_smtps_protect_what_is_sent() {
    let id = identity("127.0.0.1", false);
    let upgraded = Sink::with_starttls(id.acceptor.clone(), |_| Act::Ordinary).await;
    let implicit = Sink::with_tls(id.acceptor.clone()).await;
    for (scheme, sink) in [("smtp+starttls", &upgraded), ("smtps", &implicit)] {
        let mut settings = settings(&url(scheme, sink));
        settings.tls = Arc::clone(&id.client);
        let delivered = send(&settings, &PATIENT).await;
        assert_eq!(
            class(&delivered),
            Class::Accepted,
            "{scheme}: {delivered:?}"
        );
        assert!(sink.mails()[0].protected, "{scheme}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_in_order_gets_no_mail() {
    let good = identity("127.0.0.1", false);
    for (what, served, believed) in [
        ("expired", identity("127.0.0.1", true), None),
        ("another name", identity("mail.example.org", false), None),
        ("nobody's", identity("127.0.0.1", false), Some(&good)),
    ] {
        let sink = Sink::with_starttls(served.acceptor.clone(), |_| Act::Ordinary).await;
        let mut settings = settings(&url("smtp+starttls", &sink));
        settings.tls = Arc::clone(&believed.unwrap_or(&served).client);
        let delivered = send(&settings, &PATIENT).await;
        assert_eq!(
            class(&delivered),
            Class::RelayRefused,
            "{what}: {delivered:?}"
        );
        assert!(
            reply(&delivered).contains("certificate"),
            "{what}: {delivered:?}"
        );
        assert!(sink.mails().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn stripped_starttls_gets_no_mail_where_it_is_required() {
    let sink = Sink::honest().await;
    let delivered = send(&settings(&url("smtp+starttls", &sink)), &PATIENT).await;
    assert_eq!(class(&delivered), Class::RelayRefused, "{delivered:?}");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_handshake_is_broken_and_has_refused_nothing() {
    let id = identity("127.0.0.1", false);
    let sink = Sink::with_starttls(id.acceptor.clone(), |scene| {
        if scene.verb == Verb::StartTls {
            Act::SayAndClose("220 go ahead".to_owned())
        } else {
            Act::Ordinary
        }
    })
    .await;
    let delivered = send(&settings(&url("smtp+starttls", &sink)), &PATIENT).await;
    assert_eq!(class(&delivered), Class::Broken, "{delivered:?}");
}

#[tokio::test]
async fn words_smuggled_in_before_the_handshake_end_the_talk() {
    let id = identity("127.0.0.1", false);
    let sink = Sink::with_starttls(id.acceptor.clone(), |scene| {
        if scene.verb == Verb::StartTls {
            Act::say("220 go ahead\r\n250 injected")
        } else {
            Act::Ordinary
        }
    })
    .await;
    let mut settings = settings(&url("smtp+starttls", &sink));
    settings.tls = Arc::clone(&id.client);
    let delivered = send(&settings, &PATIENT).await;
    assert_eq!(class(&delivered), Class::RelayRefused, "{delivered:?}");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_server_of_this_machine_needs_no_tls_even_if_it_offers_some() {
    let id = identity("mail.example.org", true);
    let sink = Sink::with_starttls(id.acceptor.clone(), |_| Act::Ordinary).await;
    let delivered = send(&settings(&sink.url()), &PATIENT).await;
    assert_eq!(class(&delivered), Class::Accepted, "{delivered:?}");
    assert!(!sink.mails()[0].protected);
}

#[tokio::test]
async fn a_login_is_plain_or_step_by_step_as_the_server_has_it() {
    let plain = Sink::start(|scene| match (scene.verb, scene.line.as_str()) {
        (Verb::Auth, "AUTH PLAIN AHVzZXIAc2VzYW1l") => Act::Ordinary,
        (Verb::Auth, _) => Act::say("535 no"),
        _ => Act::Ordinary,
    })
    .await;
    let stepwise = Sink::start(|scene| match (scene.verb, scene.line.as_str()) {
        (Verb::Ehlo, _) => Act::say("250-sink\r\n250 AUTH=LOGIN"),
        (Verb::Auth, "AUTH LOGIN") => Act::say("334 VXNlcm5hbWU6"),
        (Verb::Auth, "dXNlcg==") => Act::say("334 UGFzc3dvcmQ6"),
        (Verb::Auth, "c2VzYW1l") => Act::say("235 welcome"),
        (Verb::Auth, _) => Act::say("535 no"),
        _ => Act::Ordinary,
    })
    .await;
    for sink in [&plain, &stepwise] {
        let settings = settings(&format!("smtp://user@{}", sink.address));
        let delivered = send(&settings, &PATIENT).await;
        assert_eq!(class(&delivered), Class::Accepted, "{delivered:?}");
    }
}

#[tokio::test]
async fn a_login_that_fails_is_the_relays_no_and_never_repeats_the_password() {
    for (said, expected) in [
        (
            "535 5.7.8 sesame is wrong (AHVzZXIAc2VzYW1l)",
            Class::RelayRefused,
        ),
        ("454 4.7.0 sesame later", Class::Said),
        ("334 more of sesame", Class::Broken),
    ] {
        let sink = Sink::faulty(Verb::Auth, Act::say(said)).await;
        let settings = settings(&format!("smtp://user@{}", sink.address));
        let delivered = send(&settings, &PATIENT).await;
        assert_eq!(class(&delivered), expected, "{said}");
        let reply = reply(&delivered);
        assert!(
            !reply.contains("sesame") && !reply.contains("AHVz"),
            "{reply}"
        );
    }
    let none = Sink::faulty(Verb::Ehlo, Act::say("250 sink")).await;
    let settings = settings(&format!("smtp://user@{}", none.address));
    let delivered = send(&settings, &PATIENT).await;
    assert_eq!(
        reply(&delivered),
        "AUTH: neither PLAIN nor LOGIN is offered"
    );
}

#[tokio::test]
async fn an_international_address_needs_a_server_that_takes_it() {
    let to = "postmästare@exämple.org";
    let ascii = Sink::honest().await;
    let delivered = send_to(&settings(&ascii.url()), &PATIENT, to, async { true }).await;
    assert_eq!(class(&delivered), Class::RelayRefused, "{delivered:?}");
    let utf8 = Sink::faulty(Verb::Ehlo, Act::say("250-sink\r\n250 SMTPUTF8")).await;
    let delivered = send_to(&settings(&utf8.url()), &PATIENT, to, async { true }).await;
    assert_eq!(class(&delivered), Class::Accepted, "{delivered:?}");
    assert_eq!(
        utf8.mails()[0].from,
        "MAIL FROM:<belfry@example.org> SMTPUTF8"
    );
}
