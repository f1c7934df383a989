//! A logged-in connection to a PostgreSQL, and the one question that it is for.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Error, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::ReusableBoxFuture;

use super::place::{Place, Way};
use super::verdict::Health;
use super::wire::{Allowance, Wire};
use crate::core::outcome::Outcome;
use crate::probe::carrier::alongside;
use crate::probe::env::Env;
use crate::probe::error::{self, Looked};
use crate::probe::tls;
use crate::probe::trace::{Stage, Trace};

/// A connection. Its bytes move only while a question is under way.
pub(super) struct Link {
    client: Client,
    /// None when it has ended.
    carrier: Option<ReusableBoxFuture<'static, Result<(), Error>>>,
    allowance: Allowance,
    at: String,
}

/// Why a question had no answer.
#[derive(Debug)]
pub(super) enum Fault {
    Postgres(Error, String),
    /// An answer came that is not one to our question.
    Odd(String),
}

impl Link {
    /// Connects and logs in, over the first way that leads somewhere. What time is left is shared among the
    /// ways that are, so that a host that says nothing does not take it from those after it.
    pub(super) async fn open(place: &Place, env: &Env, trace: &mut Trace) -> Looked<Self> {
        let mut told = None;
        for (way, ways) in place.ways.iter().zip((1..=place.ways.len()).rev()) {
            let made = if ways == 1 {
                // The end of the look is the end of its time, too.
                Self::over(way, place, env, trace).await
            } else {
                let share = trace.left() / u32::try_from(ways).unwrap_or(u32::MAX);
                let made = timeout(share, Self::over(way, place, env, trace)).await;
                made.unwrap_or_else(|_| Err(trace.silence(Some(&way.text()))))
            };
            match made {
                Ok(link) => return Ok(link),
                Err(outcome) => told = told.or(Some(outcome)),
            }
        }
        Err(told.unwrap_or_else(|| Outcome::unknown("not configured")))
    }

    async fn over(way: &Way, place: &Place, env: &Env, trace: &mut Trace) -> Looked<Self> {
        let at = way.text();
        let mut login = place.login.clone();
        let ((wire, allowance), name) = match way {
            Way::Tcp(address, name) => (Wire::new(address.connect(env, trace).await?), &**name),
            Way::Socket(path) => {
                trace.enter(Stage::Connect);
                // As libpq does: nobody listens in on a socket.
                login.ssl_mode(SslMode::Disable);
                let stream = UnixStream::connect(path).await;
                (
                    Wire::new(stream.map_err(|error| error::outcome(&error, &at))?),
                    "localhost",
                )
            }
        };
        trace.enter(Stage::Login);
        let config = if place.is_verified() {
            env.tls.verified().await
        } else {
            env.tls.unverified().await
        };
        let mut maker = MakeRustlsConnect::new(ClientConfig::clone(&config));
        let made = MakeTlsConnect::<Wire>::make_tls_connect(&mut maker, name);
        let Ok(connector) = made;
        let (client, connection) = login
            .connect_raw(wire, connector)
            .await
            .map_err(|error| Fault::Postgres(error, at.clone()).outcome(place))?;
        Ok(Self {
            client,
            carrier: Some(ReusableBoxFuture::new(connection)),
            allowance,
            at,
        })
    }

    /// Asks how the server is, in one round trip. The server gives up after `within`, too, so that a
    /// look that we gave up does not go on there.
    ///
    /// After an error, or when dropped half-way, the link is of no use any more.
    pub(super) async fn ask(&mut self, within: Duration) -> Result<Health, Fault> {
        self.allowance.renew();
        let millis = within.as_millis().max(1);
        // One message, thus one transaction: nothing of it stays in the session, so that it is welcome at
        // a pooler as well. pg_stat_activity shows whose rows others may not see, so that they count.
        let question = format!(
            "BEGIN READ ONLY; \
             SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = {millis}; \
             SELECT current_setting('server_version'), \
             (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL), \
             current_setting('max_connections'), pg_is_in_recovery(); \
             COMMIT"
        );
        let asking = self.client.simple_query(&question);
        let (asked, ended) = alongside(&mut self.carrier, asking).await;
        let answer = match (asked, ended) {
            (Ok(answer), None) => answer,
            // How the connection ended says more than that it is closed.
            (_, Some(Err(error))) | (Err(error), Some(Ok(())) | None) => {
                return Err(Fault::Postgres(error, self.at.clone()));
            }
            (Ok(_), Some(Ok(()))) => return Err(Fault::Odd(self.at.clone())),
        };
        read(&answer).ok_or_else(|| Fault::Odd(self.at.clone()))
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum that is not exhaustive; only the row matters"
)]
fn read(answer: &[SimpleQueryMessage]) -> Option<Health> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })?;
    let text = |column: usize| row.try_get(column).ok().flatten();
    Some(Health {
        version: text(0)?.split(' ').next()?.to_owned(),
        used: text(1)?.parse().ok()?,
        most: text(2)?.parse().ok()?,
        is_standby: text(3)? == "t",
    })
}

impl Fault {
    /// What it says of the server.
    pub(super) fn outcome(&self, place: &Place) -> Outcome {
        match self {
            Self::Odd(at) => Outcome::fail(&format!("{at} does not answer as a PostgreSQL does")),
            Self::Postgres(error, at) => explain(error, at, place),
        }
    }
}

fn explain(error: &Error, at: &str, place: &Place) -> Outcome {
    if let Some(said) = error.as_db_error() {
        let message = format!("{at}: {} (SQLSTATE {})", said.message(), said.code().code());
        return Outcome::fail(&place.masked(&message));
    }
    let source = error.source();
    if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        let is_odd = matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        );
        if is_odd && error.get_ref().is_none_or(is_plain) {
            let message = format!("{at} does not speak as a PostgreSQL does: {error}");
            return Outcome::fail(&place.masked(&message));
        }
        return tls::outcome(error, at);
    }
    if error.is_closed() {
        return Outcome::fail(&format!("{at} closed the connection"));
    }
    let message = match source {
        Some(source) => format!("{at}: {error}: {source}"),
        None => format!("{at} does not speak as a PostgreSQL does ({error})"),
    };
    Outcome::fail(&place.masked(&message))
}

/// Whether an error is not one of TLS, which has words of its own.
fn is_plain(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<rustls::Error>().is_none()
}
