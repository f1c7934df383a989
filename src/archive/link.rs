//! One connection to Postgres that can hang nobody.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::settings::Secret;

use super::address;
use super::failure::{Failure, silence, within};
use super::tls;

/// Longest time from the first look-up of the name to the end of the log-in.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time any one statement may take, seen from here: longer than `statement_timeout` below, so that
/// a server that still lives ends it itself and says so.
pub(super) const STATEMENT: Duration = Duration::from_secs(30);
/// Sent data that nobody acknowledges for so long ends the connection; so does a silent peer (5 s, then
/// three questions 5 s apart).
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
const KEEPALIVE: Duration = Duration::from_secs(5);

/// The session that every statement here relies on, whatever the role's or the database's defaults are.
/// Only a commit that is on the server's disk counts as archived, because the journal then forgets it.
const SESSION: &str = "SET statement_timeout = '25s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '60s';
    SET search_path = pg_catalog;
    SET client_min_messages = warning;
    SET standard_conforming_strings = on;
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'";

/// A connection and the task that drives it; dropping it closes the socket, whatever the server does.
pub(super) struct Link {
    pub(super) client: Client,
    _driver: JoinSet<()>,
}

impl Link {
    /// Connects, proves and logs in.
    pub(super) async fn open(url: &Secret) -> Result<Self, Failure> {
        let (mut config, trust) = address::parse(url.expose())?;
        config
            .application_name("belfry archive")
            .connect_timeout(CONNECT)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(3);
        let doing = "connecting to Postgres";
        let dial = async {
            let tls = tls::connector(trust).await?;
            config
                .connect(tls)
                .await
                .map_err(|error| Failure::postgres(doing, &error))
        };
        let (client, connection) = timeout(CONNECT, dial)
            .await
            .map_err(|_| Failure::later(doing, &silence(CONNECT)))??;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Whoever waits for an answer is told of the same end.
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "the archive's connection ended");
            }
        });
        let link = Self {
            client,
            _driver: driver,
        };
        link.run("preparing the session", SESSION).await?;
        Ok(link)
    }

    /// Statements without arguments and answers.
    pub(super) async fn run(&self, doing: &str, sql: &str) -> Result<(), Failure> {
        within(
            STATEMENT,
            doing,
            Failure::postgres,
            self.client.batch_execute(sql),
        )
        .await
    }
}
