//! What all looks share: how names are resolved, whom TLS trusts, what time it is, and our own figures.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::tls::Tls;
use crate::clock::Clock;
use crate::names::Names;
use crate::vitals::Vitals;

/// Shared by all looks; what is dear (the resolver, the trusted certificates) is made when first needed.
#[derive(Debug)]
pub struct Env {
    pub(super) clock: Clock,
    pub(super) vitals: Arc<Vitals>,
    pub(super) names: Names,
    pub(super) tls: Tls,
    /// The ports of our own pages, where a redirect must not lead to.
    pub(super) own_ports: Vec<u16>,
}

impl Env {
    /// With the resolver and the trusted certificates of the system.
    pub fn new(clock: Clock, vitals: Arc<Vitals>) -> Self {
        Self {
            tls: Tls::new(clock.clone()),
            clock,
            vitals,
            names: Names::default(),
            own_ports: Vec::new(),
        }
    }

    /// Trusts `root` besides the certificates of the system: an authority of one's own.
    #[must_use]
    pub fn trusting(mut self, root: CertificateDer<'static>) -> Self {
        self.tls.trust(root);
        self
    }

    /// Lets no redirect of a target on another host lead to these ports of ours.
    #[must_use]
    pub fn listening(mut self, ports: Vec<u16>) -> Self {
        self.own_ports = ports;
        self
    }

    /// Asks this name server instead of those of the system.
    #[must_use]
    pub fn asking(mut self, name_server: SocketAddr) -> Self {
        self.names = Names::of(name_server);
        self
    }
}
