//! Whom to believe that a server is the server it says it is.

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Read once: the system's store does not change often, and a changed one needs a restart anyway.
static TRUST: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    // What an operator added to the system's store counts, too: relays of a company's own authority.
    // What of it cannot be read is no reason not to send mail.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    config(roots)
});

/// The authorities that the world trusts, and those that this machine does.
pub fn trust() -> Arc<ClientConfig> {
    Arc::clone(&TRUST)
}

/// A client that believes `roots`.
pub(super) fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the ciphers of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
