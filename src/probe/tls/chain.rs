//! When a verified chain of certificates ends, and by which of them.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use crate::core::text;
use crate::core::time::Time;

/// Most certificates of a chain that are looked at; public chains have two or three.
const LONGEST: usize = 10;
/// Longest name of a certificate in a message.
const NAME_CHARS: usize = 60;

/// The end of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Expiry {
    pub(in crate::probe) at: Time,
    /// The name of a certificate of the chain; none for that of the server itself.
    pub(in crate::probe) authority: Option<Arc<str>>,
}

/// The first end among the certificates on the way from the server's to one we trust. What a server sends
/// beyond that way (an expired cross-signed root, most often) does not matter, and is not looked at.
///
/// The handshake has verified the chain already, so that names suffice to find the way again.
pub(super) fn soonest(
    certificates: &[CertificateDer<'_>],
    roots: &RootCertStore,
) -> Option<Expiry> {
    let parsed = certificates.iter().take(LONGEST);
    let mut rest: Vec<X509Certificate<'_>> = parsed
        .filter_map(|der| X509Certificate::from_der(der).ok())
        .map(|(_, certificate)| certificate)
        .collect();
    if rest.is_empty() {
        return None;
    }
    let mut current = rest.remove(0);
    let mut soonest = Expiry {
        at: end(&current),
        authority: None,
    };
    while !roots
        .roots
        .iter()
        .any(|root| is_named(root, current.issuer()))
    {
        let issuer =
            |next: &X509Certificate<'_>| next.subject().as_raw() == current.issuer().as_raw();
        let Some(next) = rest.iter().position(issuer) else {
            break;
        };
        current = rest.remove(next);
        if end(&current) < soonest.at {
            soonest = Expiry {
                at: end(&current),
                authority: Some(name(current.subject())),
            };
        }
    }
    Some(soonest)
}

fn end(certificate: &X509Certificate<'_>) -> Time {
    let seconds = certificate.validity().not_after.timestamp();
    Time::from_millis(seconds.saturating_mul(1_000))
}

/// A trust anchor keeps its name without the two to four bytes that head a DER sequence.
fn is_named(root: &TrustAnchor<'_>, name: &X509Name<'_>) -> bool {
    let (bare, full) = (root.subject.as_ref(), name.as_raw());
    full.ends_with(bare) && (2..=4).contains(&(full.len() - bare.len()))
}

fn name(subject: &X509Name<'_>) -> Arc<str> {
    let common = subject.iter_common_name().next();
    let common = common.and_then(|name| name.as_str().ok());
    let name = common.map_or_else(|| subject.to_string(), str::to_owned);
    text::line(&name, NAME_CHARS).into()
}
