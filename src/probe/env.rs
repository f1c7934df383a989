//! What all looks share: how names are resolved, whom TLS trusts, what time it is, our own figures, and what is
//! known of other checks.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::composite::{Known, Others};
use super::own::{Unseen, Witness};
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
    pub(super) others: Others,
    pub(super) witness: Witness,
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
            others: Others::default(),
            witness: Witness::default(),
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

    /// Knows of other checks, by their names, what `tell` says.
    #[must_use]
    pub fn knowing(mut self, tell: impl Fn(&str) -> Option<Known> + Send + Sync + 'static) -> Self {
        self.others = Others::new(tell);
        self
    }

    /// Knows from `tell` which checks cannot be looked at.
    #[must_use]
    pub fn seeing(mut self, tell: impl Fn() -> Vec<Unseen> + Send + Sync + 'static) -> Self {
        self.witness = Witness::new(tell);
        self
    }

    /// Asks this name server instead of those of the system.
    #[must_use]
    pub fn asking(mut self, name_server: SocketAddr) -> Self {
        self.names = Names::of(name_server);
        self
    }
}
