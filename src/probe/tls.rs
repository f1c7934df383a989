//! TLS towards targets: whom we trust, and the handshake.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::Looked;
use crate::clock::Clock;
use crate::core::outcome::Outcome;
use crate::trust::{self, Anybody};

mod chain;
mod days;
mod failure;
mod ocsp;
mod own;
mod secure;
mod stapled;

#[cfg(test)]
pub(super) use chain::Authority;
pub(super) use chain::Ends;
pub(super) use days::Days;
pub(super) use failure::outcome;
pub(super) use own::Own;
pub(super) use secure::Secure;
pub(super) use stapled::Heard;
use stapled::hear;

/// The trusted certificates and what is made of them.
#[derive(Debug)]
pub(super) struct Tls {
    clock: Clock,
    /// Trusted besides those of the system.
    more: Vec<CertificateDer<'static>>,
    made: OnceCell<Made>,
}

#[derive(Clone)]
struct Made {
    roots: Arc<RootCertStore>,
    verified: Arc<ClientConfig>,
    unverified: Arc<ClientConfig>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made({} roots)", self.roots.len())
    }
}

impl Tls {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            more: Vec::new(),
            made: OnceCell::new(),
        }
    }

    /// Trusts one more certificate. To be called before the first handshake.
    pub(super) fn trust(&mut self, root: CertificateDer<'static>) {
        self.more.push(root);
        self.made = OnceCell::new();
    }

    /// For connections whose other end must prove who it is.
    pub(super) async fn verified(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.made().await.verified)
    }

    /// For connections that would else be in the clear: encrypted, the other end may be anybody.
    pub(super) async fn unverified(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.made().await.unverified)
    }

    /// For connections with certificates of their own: `roots` are trusted instead of the system's, `own` is shown to
    /// the server.
    pub(super) async fn made_for(
        &self,
        is_verified: bool,
        roots: Option<&[CertificateDer<'static>]>,
        own: Option<(&[CertificateDer<'static>], &PrivateKeyDer<'static>)>,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let begun = builder(&provider, &self.clock);
        let begun = if is_verified {
            let trusted = match roots {
                Some(roots) => {
                    let mut store = RootCertStore::empty();
                    store.add_parsable_certificates(roots.iter().cloned());
                    Arc::new(store)
                }
                None => Arc::clone(&self.made().await.roots),
            };
            begun.with_root_certificates(trusted)
        } else {
            let anybody = Arc::new(Anybody::new(&provider));
            begun.dangerous().with_custom_certificate_verifier(anybody)
        };
        let mut config = match own {
            Some((chain, key)) => begun.with_client_auth_cert(chain.to_vec(), key.clone_key())?,
            None => begun.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// The handshake with the server `name` at `at`.
    pub(super) async fn handshake(
        &self,
        name: ServerName<'static>,
        stream: TcpStream,
        at: &str,
    ) -> Looked<(TlsStream<TcpStream>, Heard)> {
        let connector = TlsConnector::from(self.verified().await);
        let (shaken, heard) = hear(connector.connect(name, stream)).await;
        let stream = shaken.map_err(|error| outcome(&error, at))?;
        Ok((stream, heard))
    }

    /// When the certificates of the verified path end, with what was heard in the handshake.
    pub(super) async fn ends(&self, stream: &TlsStream<TcpStream>, heard: Heard) -> Option<Ends> {
        let roots = &self.made().await.roots;
        let certificates = stream.get_ref().1.peer_certificates()?;
        chain::ends(certificates, roots, heard)
    }

    /// The handshake with the server `name` at `at`, as a check wants it; `home` is whether our own certificate
    /// is meant for it. Says when the certificates end.
    pub(super) async fn own_handshake<S>(
        &self,
        own: &Own,
        home: bool,
        name: ServerName<'static>,
        stream: S,
        at: &str,
    ) -> Looked<(TlsStream<S>, Option<Ends>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let made = self.made_own(own).await?;
        let config = if home { made.home } else { made.away };
        let (shaken, heard) = hear(TlsConnector::from(config).connect(name, stream)).await;
        let stream = shaken.map_err(|error| outcome(&error, at))?;
        let certificates = stream.get_ref().1.peer_certificates();
        let ends = certificates.and_then(|all| chain::ends(all, &made.roots, heard));
        Ok((stream, ends))
    }

    /// The handshake with a proxy `name` at `at` of a check. That it is itself is verified, whatever the check says of
    /// its target.
    pub(super) async fn proxy_handshake(
        &self,
        own: &Own,
        name: ServerName<'static>,
        stream: TcpStream,
        at: &str,
    ) -> Looked<TlsStream<TcpStream>> {
        let config = self.made_own(own).await?.proxy;
        let shaken = TlsConnector::from(config).connect(name, stream).await;
        shaken.map_err(|error| outcome(&error, at))
    }

    async fn made_own(&self, own: &Own) -> Looked<own::Made> {
        let made = match own.made.take() {
            Some(made) => made,
            None => self.make_own(own).await?,
        };
        own.made.put(made.clone());
        Ok(made)
    }

    async fn make_own(&self, own: &Own) -> Looked<own::Made> {
        let roots = match &own.authorities {
            Some(authorities) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(authorities.iter().cloned());
                Arc::new(roots)
            }
            None => Arc::clone(&self.made().await.roots),
        };
        let provider = Arc::new(ring::default_provider());
        let config = |client: Option<&own::Client>| {
            let verifier: Arc<dyn ServerCertVerifier> = if own.verify {
                stapled::Stapled::new(&roots, &provider)
            } else {
                Arc::new(Anybody::new(&provider))
            };
            let builder = builder(&provider, &self.clock)
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            let mut config = match client {
                Some(client) => builder
                    .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
                    .map_err(|error| {
                        Outcome::unknown(&format!("our certificate cannot be used: {error}"))
                    })?,
                None => builder.with_no_client_auth(),
            };
            config.resumption = Resumption::disabled();
            config.alpn_protocols = own.protocol.iter().map(|name| name.to_vec()).collect();
            Ok::<_, Outcome>(Arc::new(config))
        };
        let away = config(None)?;
        let home = match own.client.as_deref() {
            Some(client) => config(Some(client))?,
            None => Arc::clone(&away),
        };
        let proxy = match &own.authorities {
            None => self.verified().await,
            Some(authorities) => {
                let mut all = RootCertStore::clone(&self.made().await.roots);
                all.add_parsable_certificates(authorities.iter().cloned());
                let verifier = stapled::Stapled::new(&Arc::new(all), &provider);
                let mut config = builder(&provider, &self.clock)
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
                    .with_no_client_auth();
                config.resumption = Resumption::disabled();
                Arc::new(config)
            }
        };
        Ok(own::Made {
            roots,
            home,
            away,
            proxy,
        })
    }

    async fn made(&self) -> &Made {
        self.made
            .get_or_init(|| async {
                let (clock, more) = (self.clock.clone(), self.more.clone());
                // Reading some hundred certificates from disk takes a while.
                let (clock_, more_) = (clock.clone(), more.clone());
                let reading = tokio::task::spawn_blocking(move || make(&clock_, more_));
                reading.await.unwrap_or_else(|_| make(&clock, more))
            })
            .await
    }
}

/// With all authorities that this machine and browsers trust, and `more`.
fn make(clock: &Clock, more: Vec<CertificateDer<'static>>) -> Made {
    let mut roots = trust::roots();
    roots.add_parsable_certificates(more);
    let roots = Arc::new(roots);
    let provider = Arc::new(ring::default_provider());
    let mut verified = builder(&provider, clock)
        .dangerous()
        .with_custom_certificate_verifier(stapled::Stapled::new(&roots, &provider))
        .with_no_client_auth();
    // Each look sees the certificate that is served now.
    verified.resumption = Resumption::disabled();
    let mut unverified = builder(&provider, clock)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody::new(&provider)))
        .with_no_client_auth();
    unverified.resumption = Resumption::disabled();
    Made {
        roots,
        verified: Arc::new(verified),
        unverified: Arc::new(unverified),
    }
}

fn builder(
    provider: &Arc<CryptoProvider>,
    clock: &Clock,
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_details(Arc::clone(provider), Arc::new(Now(clock.clone())))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
}

/// Our clock, for rustls.
#[derive(Debug)]
struct Now(Clock);

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = u64::try_from(self.0.now().millis()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(millis)))
    }
}
