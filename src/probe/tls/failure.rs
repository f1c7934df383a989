//! What a failed handshake means, in words that say what to look at.

use std::io;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::probe::error;

/// Most names of a certificate that a message lists.
const NAMES: usize = 3;

/// The outcome of a handshake with `at` that ended in `error`.
pub(in crate::probe) fn outcome(error: &io::Error, at: &str) -> Outcome {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(error) => Outcome::fail(&words(error, at)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => Outcome::fail(&format!(
            "{at} closed the connection during the TLS handshake"
        )),
        None => error::outcome(error, at),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "foreign enums that are not exhaustive; what is not listed is told as it is"
)]
fn words(error: &Error, at: &str) -> String {
    match error {
        Error::InvalidCertificate(reason) => certificate(reason, at),
        Error::InvalidMessage(_) => format!("{at} does not speak TLS"),
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => format!(
            "TLS handshake with {at} failed: it speaks none of the protocols that were offered (ALPN)"
        ),
        Error::AlertReceived(alert) => {
            format!("TLS handshake with {at} failed: it sent the alert {alert:?}")
        }
        Error::PeerIncompatible(_) => {
            format!("TLS handshake with {at} failed: no protocol version or cipher in common")
        }
        other => format!("TLS handshake with {at} failed: {other}"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum that is not exhaustive; what is not listed is told as it is"
)]
fn certificate(error: &CertificateError, at: &str) -> String {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the certificate of {at}, or one of its chain, expired at {}",
            date(*not_after)
        ),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate of {at} is not valid before {}",
            date(*not_before)
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<&str> = presented
                .iter()
                .take(NAMES)
                .map(|name| plain(name))
                .collect();
            let names = if names.is_empty() {
                "no name".to_owned()
            } else {
                names.join(", ")
            };
            let more = if presented.len() > NAMES { ", …" } else { "" };
            format!(
                "the certificate of {at} is for {names}{more}, not for {}",
                expected.to_str()
            )
        }
        CertificateError::UnknownIssuer => format!(
            "the certificate of {at} is not trusted (unknown issuer: self-signed, or an intermediate is missing)"
        ),
        CertificateError::Revoked => format!("the certificate of {at} is revoked"),
        CertificateError::UnknownRevocationStatus => {
            format!(
                "the authority does not know the certificate of {at}, says its stapled OCSP response"
            )
        }
        CertificateError::InvalidOcspResponse => {
            format!("the OCSP response that {at} staples to its certificate has ended")
        }
        CertificateError::BadSignature => {
            format!("the certificate of {at} has a wrong signature")
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            format!(
                "the certificate of {at} is one of an authority, used by a server (self-signed?): let an authority of your own sign one, name its key with \"pin\", or do without proof"
            )
        }
        other => format!("the certificate of {at} is not accepted: {other}"),
    }
}

/// `DnsName("a.example")`, as rustls writes what was presented, without its dress.
fn plain(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn date(at: UnixTime) -> Time {
    Time::default() + Duration::from_secs(at.as_secs())
}
