//! Whom to believe that a server is the server it says it is.

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::trust;

/// Read once: the system's store does not change often, and a changed one needs a restart anyway.
static TRUST: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| config(trust::roots()));

/// The authorities that the world trusts, and those that this machine does.
pub fn trust() -> Arc<ClientConfig> {
    Arc::clone(&TRUST)
}

/// A client that believes `roots`.
pub(super) fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    Arc::new(trust::client(roots))
}
