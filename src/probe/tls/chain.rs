//! When a verified chain of certificates ends, and by which of them.

use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::days::{Days, Level};
use super::ocsp::Doubt;
use super::stapled::Heard;
use crate::core::outcome::Verdict;
use crate::core::text;
use crate::core::time::Time;
use crate::probe::finding::Finding;
use crate::probe::trace::Trace;

/// Most certificates of a chain that are looked at; public chains have two or three.
pub(super) const LONGEST: usize = 10;
const DAY: Duration = Duration::from_hours(24);
/// Longest name of a certificate in a message.
const NAME_CHARS: usize = 60;

/// When the certificates of a way end: the server's own, and of those above it the first. Renewing them is the
/// work of different people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Ends {
    pub(in crate::probe) leaf: Time,
    pub(in crate::probe) authority: Option<Authority>,
    /// What the server has stapled to its certificate.
    pub(in crate::probe) stapled: Heard,
}

/// A certificate above that of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Authority {
    pub(in crate::probe) ends: Time,
    pub(in crate::probe) name: Arc<str>,
}

impl Ends {
    /// The sooner of both, leaf and authority apart.
    pub(in crate::probe) fn sooner(self, other: Self) -> Self {
        let authorities = [self.authority, other.authority].into_iter().flatten();
        Self {
            leaf: self.leaf.min(other.leaf),
            authority: authorities.min_by_key(|authority| authority.ends),
            stapled: match (self.stapled, other.stapled) {
                (Some(Ok(())) | None, second) => second.or(self.stapled),
                (first @ Some(Err(_)), _) => first,
            },
        }
    }

    /// What is to be said of certificates that end within so many days, leaf and authority apart.
    pub(in crate::probe) fn soon(&self, days: Days, now: Time) -> Vec<(Verdict, String)> {
        let own = soon("the certificate", self.leaf, days.of_leaf(), now);
        let above = self.authority.as_ref().and_then(|above| {
            let what = format!("the certificate of its authority {}", above.name);
            soon(&what, above.ends, days.of_chain(), now)
        });
        own.into_iter().chain(above).collect()
    }

    /// What is to be said of a response that proves nothing.
    pub(in crate::probe) fn doubt(&self) -> Option<String> {
        // That we cannot verify it is no fault of the server's.
        let doubt = self
            .stapled?
            .err()
            .filter(|doubt| *doubt != Doubt::Strange)?;
        Some(format!(
            "the OCSP response that it staples proves nothing: {doubt}"
        ))
    }

    /// Tells whether the response proves something, where one came.
    pub(in crate::probe) fn explain_stapled(&self, trace: &mut Trace) {
        let Some(heard) = self.stapled else { return };
        trace.note(|| {
            let found = heard.map_or_else(|why| why.to_string(), |()| "good".to_owned());
            let expected = "good, signed by its authority";
            let is_amiss = heard.is_err_and(|doubt| doubt != Doubt::Strange);
            Finding::warned("OCSP response", expected, found, is_amiss)
        });
    }
}

/// The ends of the certificates on the way from the server's to one we trust. What a server sends
/// beyond that way (an expired cross-signed root, most often) does not matter, and is not looked at.
///
/// The handshake has verified the chain already, so that names suffice to find the way again.
pub(super) fn ends(
    certificates: &[CertificateDer<'_>],
    roots: &RootCertStore,
    stapled: Heard,
) -> Option<Ends> {
    let parsed = certificates.iter().take(LONGEST);
    let mut rest: Vec<X509Certificate<'_>> = parsed
        .filter_map(|der| X509Certificate::from_der(der).ok())
        .map(|(_, certificate)| certificate)
        .collect();
    if rest.is_empty() {
        return None;
    }
    let mut current = rest.remove(0);
    let mut ends = Ends {
        leaf: end(&current),
        authority: None,
        stapled,
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
        let first = ends.authority.as_ref();
        if first.is_none_or(|first| end(&current) < first.ends) {
            ends.authority = Some(Authority {
                ends: end(&current),
                name: name(current.subject()),
            });
        }
    }
    Some(ends)
}

/// What a certificate is worth that ends too soon. Whole days, so that the text changes once a day. One that has ended
/// is seen where nothing is verified.
fn soon(what: &str, at: Time, level: Level, now: Time) -> Option<(Verdict, String)> {
    let days = at.since(now).as_secs() / DAY.as_secs();
    let verdict = level.judge(days);
    let when = match days {
        _ if at < now => "has expired".to_owned(),
        0 => "expires within a day".to_owned(),
        1 => "expires in 1 day".to_owned(),
        days => format!("expires in {days} days"),
    };
    let text = || format!("{what} {when} ({})", level.reached(verdict));
    (verdict != Verdict::Pass).then(|| (verdict, text()))
}

fn end(certificate: &X509Certificate<'_>) -> Time {
    let seconds = certificate.validity().not_after.timestamp();
    Time::from_millis(seconds.saturating_mul(1_000))
}

/// A trust anchor keeps its name without the two to four bytes that head a DER sequence.
pub(super) fn is_named(root: &TrustAnchor<'_>, name: &X509Name<'_>) -> bool {
    let (bare, full) = (root.subject.as_ref(), name.as_raw());
    full.ends_with(bare) && (2..=4).contains(&(full.len() - bare.len()))
}

fn name(subject: &X509Name<'_>) -> Arc<str> {
    let common = subject.iter_common_name().next();
    let common = common.and_then(|name| name.as_str().ok());
    let name = common.map_or_else(|| subject.to_string(), str::to_owned);
    text::line(&name, NAME_CHARS).into()
}
