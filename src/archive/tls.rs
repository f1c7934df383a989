//! TLS towards Postgres: whom to believe, and how little to promise where nobody asked.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::spawn_blocking;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Trust;
use super::failure::Failure;
use crate::trust::{self, Anybody};

/// What was being done when something goes wrong here.
const DOING: &str = "preparing TLS for Postgres";

/// What tokio-postgres makes its connections secure with.
pub(super) async fn connector(trust: Trust) -> Result<MakeRustlsConnect, Failure> {
    // The certificates of the system are a few hundred files on some systems: not on a worker thread.
    spawn_blocking(move || config(&trust))
        .await
        .map_err(|error| Failure::later(DOING, &error.to_string()))?
        .map(MakeRustlsConnect::new)
        .map_err(|why| Failure::later(DOING, &why))
}

fn config(trust: &Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match trust {
        Trust::Unproven => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody::new(&provider))),
        Trust::System => builder.with_root_certificates(trust::roots()),
        Trust::File(path) => builder.with_root_certificates(roots_in(path)?),
    };
    Ok(builder.with_no_client_auth())
}

fn roots_in(path: &Path) -> Result<RootCertStore, String> {
    let wrong = |why: &str| {
        let path = path.display();
        format!("sslrootcert={path}: {why}; it must be a PEM file that Belfry may read")
    };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(&error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(&error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("no certificate in it"));
    }
    Ok(roots)
}
