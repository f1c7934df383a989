//! A verified certificate, and what its authority says of it today: the OCSP response that a server may send along
//! (RFC 6066, section 8).
//!
//! The response is taken at its word, without a look at its signature: it can only make a look fail that would else
//! pass, and whoever sends none passes as well.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::ocsp::{Status, status};

/// How long after its end a response is still good: clocks differ, as browsers know.
const LATE_SECONDS: u64 = 24 * 60 * 60;

/// Verifies as any client does, and looks at the response.
#[derive(Debug)]
pub(super) struct Stapled(Arc<WebPkiServerVerifier>);

impl Stapled {
    pub(super) fn new(roots: &Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Arc<Self> {
        let (roots, provider) = (Arc::clone(roots), Arc::clone(provider));
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        Arc::new(Self(verifier.expect("there are authorities to trust")))
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
            .0
            .verify_server_cert(leaf, intermediates, name, response, now)?;
        if response.is_empty() {
            return Ok(verified);
        }
        let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
            return Ok(verified);
        };
        match status(response, leaf.raw_serial()) {
            Some(Status::Good { until }) if until.is_some_and(|until| is_over(until, now)) => {
                Err(CertificateError::InvalidOcspResponse.into())
            }
            // One that cannot be read says nothing, like one that is not there.
            Some(Status::Good { .. }) | None => Ok(verified),
            Some(Status::Revoked) => Err(CertificateError::Revoked.into()),
            Some(Status::Unknown) => Err(CertificateError::UnknownRevocationStatus.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn is_over(until: i64, now: UnixTime) -> bool {
    let until = u64::try_from(until).unwrap_or_default();
    until.saturating_add(LATE_SECONDS) < now.as_secs()
}
