//! TLS as one check wants it: its own authorities, its own certificate, which key the other end must have.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::probe::error::Looked;
use crate::probe::kept::Kept;
use crate::probe::trace::Trace;
use crate::settings::Section;

mod files;
mod pin;

use pin::Pin;

/// What a check says of TLS. Files are read with the configuration, and followed as it is: a change of one makes
/// another check.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::probe) struct Own {
    pub(super) verify: bool,
    /// Trusted instead of the authorities of the system.
    pub(super) authorities: Option<Arc<[CertificateDer<'static>]>>,
    pub(super) client: Option<Arc<Client>>,
    pins: Vec<Pin>,
    /// What is offered (ALPN).
    pub(super) protocol: Option<&'static [u8]>,
    pub(super) made: Kept<Made>,
}

/// Who we are.
#[derive(Debug, PartialEq)]
pub(in crate::probe) struct Client {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// What is made of it once.
#[derive(Clone)]
pub(in crate::probe) struct Made {
    pub(super) roots: Arc<RootCertStore>,
    /// With our certificate, for whom it is meant.
    pub(super) home: Arc<ClientConfig>,
    /// Without, for where a redirect leads.
    pub(super) away: Arc<ClientConfig>,
    /// For a proxy: trusted are the authorities of the system and those of the check, and nobody is told who we are.
    pub(super) proxy: Arc<ClientConfig>,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            verify: true,
            authorities: None,
            client: None,
            pins: Vec::new(),
            protocol: None,
            made: Kept::default(),
        }
    }
}

impl Own {
    /// Reads `verify`, `ca`, `client_certificate`, `client_key` and `pin`; `protocol` is to be agreed on.
    pub(in crate::probe) fn read(
        section: &mut Section<'_>,
        protocol: Option<&'static [u8]>,
    ) -> Self {
        let verify = section.boolean("verify").unwrap_or(true);
        let authorities = files::authorities(section);
        if !verify && authorities.is_some() {
            let message = "\"ca\" where nothing is verified";
            section.refuse("ca", message, "leave out verify = false");
        }
        Self {
            verify,
            authorities: authorities.map(Into::into),
            client: files::client(section).map(Arc::new),
            pins: pin::read(section),
            protocol,
            made: Kept::default(),
        }
    }

    /// Whether the server is the one that was meant, by its certificate.
    pub(in crate::probe) fn is_pinned(
        &self,
        certificates: Option<&[CertificateDer<'_>]>,
        at: &str,
        trace: &mut Trace,
    ) -> Looked<()> {
        match certificates.and_then(<[_]>::first) {
            Some(leaf) if !self.pins.is_empty() => pin::judge(&self.pins, leaf, at, trace),
            Some(_) | None => Ok(()),
        }
    }
}
