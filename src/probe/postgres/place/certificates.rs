//! Certificates of a connection: whom it trusts, and who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Reading;
use super::conninfo::Parts;

/// What `sslrootcert`, `sslcert` and `sslkey` name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::probe::postgres) struct Certificates {
    /// Trusted instead of the authorities of the system.
    pub(in crate::probe::postgres) roots: Option<Vec<CertificateDer<'static>>>,
    /// Our certificate with those above it, and its key.
    pub(in crate::probe::postgres) own:
        Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
}

impl Certificates {
    pub(super) fn read(parts: &Parts, reading: Reading<'_>) -> Result<Self, String> {
        let chain = |key: &str, path: &str| {
            let pem = reading.file(key, Path::new(path))?;
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            let all = all.ok().filter(|all| !all.is_empty());
            all.ok_or_else(|| format!("{key}: there is no certificate (PEM) in it"))
        };
        // "system" is what is trusted anyway.
        let roots = parts.get("sslrootcert").filter(|path| *path != "system");
        let roots = roots.map(|path| chain("sslrootcert", path)).transpose()?;
        let own = match (parts.get("sslcert"), parts.get("sslkey")) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let pem = reading.secret("sslkey", Path::new(key))?;
                let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
                let key = key.map_err(|_| "sslkey: there is no unencrypted key (PEM) in it")?;
                Some((chain("sslcert", certificate)?, Arc::new(key)))
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err("sslcert and sslkey belong together".to_owned());
            }
        };
        Ok(Self { roots, own })
    }
}
