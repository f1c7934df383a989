//! Logs in, once at a time: a login that hangs is not begun anew by the next look, but waited for.
//!
//! A server lets nobody in while somebody holds a lock on its roles or databases, and no timeout of ours reaches a
//! session before it is let in. Were each look to try anew, the sessions would pile up.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use rustls::ClientConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Error};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::ReusableBoxFuture;

use super::place::{Certificates, Place, Way};
use super::wire::{Allowance, Wire};
use crate::core::outcome::Outcome;
use crate::probe::env::Env;
use crate::probe::error::{self, Looked};
use crate::probe::kept::Kept;
use crate::probe::trace::{Stage, Trace};

/// How long a login that hangs is waited for, look by look; then it is given up for another.
const PATIENCE: Duration = Duration::from_mins(10);
/// When a connection that says nothing is asked whether it is still there, how often, and how many times: a server
/// that was switched off must not be waited for.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(10), Duration::from_secs(5), 3);
/// What a session waits for a lock before our own limits hold: while it is made, the server reads its catalog.
const OPTIONS: &str = "-c lock_timeout=1000";

/// What moves the bytes of a connection.
pub(super) type Carrier = ReusableBoxFuture<'static, Result<(), Error>>;
type Made = Result<(Client, Carrier), Error>;

/// A login that is under way.
pub(super) struct Login {
    making: ReusableBoxFuture<'static, Made>,
    allowance: Allowance,
    begun: Instant,
}

/// Puts a login that has not ended back, for the next look.
struct Waiting<'a> {
    kept: &'a Kept<Login>,
    login: Option<Login>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(login) = self.login.take() {
            self.kept.put(login);
        }
    }
}

/// A session over `way`. `kept` is the login of the look before over the same way, where that has not ended.
pub(super) async fn log_in(
    way: &Way,
    place: &Place,
    kept: &Kept<Login>,
    env: &Env,
    trace: &mut Trace,
) -> Looked<Result<(Client, Carrier, Allowance), Error>> {
    let before = kept.take();
    if let Some(login) = before.filter(|login| login.begun.elapsed() < PATIENCE) {
        trace.enter(Stage::Login);
        // How it failed says nothing of now.
        if let Ok(made) = login.wait(kept).await {
            return Ok(Ok(made));
        }
    }
    let options = (!place.is_pooler).then_some(OPTIONS);
    let login = Login::begin(way, place, options, env, trace).await?;
    match login.wait(kept).await {
        // A pooler may not know what to do with options.
        Err(error) if options.is_some() && error.code() == Some(&SqlState::PROTOCOL_VIOLATION) => {
            let login = Login::begin(way, place, None, env, trace).await?;
            Ok(login.wait(kept).await)
        }
        made => Ok(made),
    }
}

impl Login {
    async fn begin(
        way: &Way,
        place: &Place,
        options: Option<&str>,
        env: &Env,
        trace: &mut Trace,
    ) -> Looked<Self> {
        let mut config = place.login.clone();
        if let Some(options) = options {
            let own = config.get_options().unwrap_or_default();
            config.options(format!("{options} {own}").trim_end());
        }
        let ((wire, allowance), name) = match way {
            Way::Tcp(address, name) => {
                let stream = address.connect(env, trace).await?;
                keep_alive(&stream);
                (Wire::new(stream), &**name)
            }
            Way::Socket(path) => {
                trace.enter(Stage::Connect);
                // As libpq does: nobody listens in on a socket.
                config.ssl_mode(SslMode::Disable);
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|error| error::outcome(&error, &way.text()))?;
                (Wire::new(stream), "localhost")
            }
        };
        trace.enter(Stage::Login);
        let Certificates { roots, own } = &place.certificates;
        let tls = match (roots, own) {
            (None, None) if place.is_verified() => env.tls.verified().await,
            (None, None) => env.tls.unverified().await,
            _ => {
                let roots = roots.as_deref().filter(|_| place.is_verified());
                let own = own.as_ref().map(|(chain, key)| (chain.as_slice(), &**key));
                let made = env.tls.made_for(place.is_verified(), roots, own).await;
                made.map_err(|error| Outcome::unknown(&format!("our certificate: {error}")))?
            }
        };
        let mut maker = MakeRustlsConnect::new(ClientConfig::clone(&tls));
        let made = MakeTlsConnect::<Wire>::make_tls_connect(&mut maker, name);
        let Ok(connector) = made;
        let making = async move {
            let (client, connection) = config.connect_raw(wire, connector).await?;
            Ok((client, ReusableBoxFuture::new(connection)))
        };
        Ok(Self {
            making: ReusableBoxFuture::new(making),
            allowance,
            begun: Instant::now(),
        })
    }

    /// Waits for its end. Dropped before, it is kept for the next look.
    async fn wait(self, kept: &Kept<Self>) -> Result<(Client, Carrier, Allowance), Error> {
        let allowance = self.allowance.clone();
        allowance.renew();
        let mut waiting = Waiting {
            kept,
            login: Some(self),
        };
        let made = poll_fn(|cx| match &mut waiting.login {
            Some(login) => login.making.poll(cx),
            None => Poll::Pending,
        });
        let made = made.await;
        waiting.login = None;
        made.map(|(client, carrier)| (client, carrier, allowance))
    }
}

/// Best effort: without it, a dead server is waited for a little longer.
fn keep_alive(stream: &TcpStream) {
    let (idle, interval, retries) = KEEPALIVE;
    let keepalive = TcpKeepalive::new()
        .with_time(idle)
        .with_interval(interval)
        .with_retries(retries);
    drop(SockRef::from(stream).set_tcp_keepalive(&keepalive));
}
