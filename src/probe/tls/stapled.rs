//! A verified certificate, and what its authority says of it today: the OCSP response that a server may send along
//! (RFC 6066, section 8).
//!
//! Only what the authority has signed is a proof, in either direction: whoever is between can add a response, or take
//! one away. One that proves nothing is warned of, because browsers turn away from such a server.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::chain::{LONGEST, is_named};
use super::ocsp::{Doubt, Key, Status, proven};

/// Whether the response proves that the certificate is good, or why it proves nothing; none where none came.
pub(in crate::probe) type Heard = Option<Result<(), Doubt>>;

tokio::task_local! {
    /// Of the handshake under way: rustls calls the verifier within its future, and lets it say yes or no only.
    static HEARD: Cell<Heard>;
}

/// Shakes hands, and hears what was stapled.
pub(super) async fn hear<T>(shaking: impl Future<Output = T>) -> (T, Heard) {
    let heard = async {
        let shaken = shaking.await;
        (shaken, HEARD.with(Cell::take))
    };
    HEARD.scope(Cell::new(None), heard).await
}

/// Verifies as any client does, and looks at the response.
#[derive(Debug)]
pub(super) struct Stapled {
    usual: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Stapled {
    pub(super) fn new(roots: &Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Arc<Self> {
        let (roots, provider) = (Arc::clone(roots), Arc::clone(provider));
        let algorithms = provider.signature_verification_algorithms;
        let usual =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider).build();
        Arc::new(Self {
            usual: usual.expect("there are authorities to trust"),
            roots,
            algorithms,
        })
    }

    fn proven(
        &self,
        response: &[u8],
        (leaf, others): (&CertificateDer<'_>, &[CertificateDer<'_>]),
        now: UnixTime,
    ) -> Result<Status, Doubt> {
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Doubt::Another)?;
        let others = others.iter().take(LONGEST);
        let others: Vec<_> = others
            .filter_map(|der| X509Certificate::from_der(der).ok())
            .filter(|(_, other)| other.subject().as_raw() == parsed.issuer().as_raw())
            .collect();
        let sent = others
            .iter()
            .filter_map(|(_, other)| Key::parse(other.public_key().raw));
        let anchors = self.roots.roots.iter();
        let anchors = anchors.filter(|root| is_named(root, parsed.issuer()));
        let ours = anchors.filter_map(|root| Key::of_content(&root.subject_public_key_info));
        // Anybody can send a certificate with the name of the authority; what has signed the server's is its key.
        let keys: Vec<Key<'_>> = sent
            .chain(ours)
            .filter(|key| key.has_issued(leaf, &self.algorithms))
            .collect();
        proven(response, (&parsed, &keys), &self.algorithms, now)
    }
}

impl ServerCertVerifier for Stapled {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .usual
            .verify_server_cert(leaf, intermediates, name, response, now)?;
        if response.is_empty() {
            return Ok(verified);
        }
        let heard = match self.proven(response, (leaf, intermediates), now) {
            Ok(Status::Good) => Ok(()),
            Ok(Status::Over) => return Err(CertificateError::InvalidOcspResponse.into()),
            Ok(Status::Revoked) => return Err(CertificateError::Revoked.into()),
            Ok(Status::Unknown) => return Err(CertificateError::UnknownRevocationStatus.into()),
            Err(doubt) => Err(doubt),
        };
        // Nobody listens for postgres, which staples nothing, and for proxies.
        HEARD.try_with(|cell| cell.set(Some(heard))).ok();
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
