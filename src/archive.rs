//! History shipped to Postgres, batch by batch, exactly once.
//!
//! The journal keeps every batch until the archive has it. A row in Postgres says how far that is, and is
//! written in the same transaction as what was shipped; so whatever happens to either side or in between,
//! the next look at that row tells where to go on. Nothing waits for the archive but its own batches.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::settings::Secret;
use crate::vitals::Vitals;

mod address;
mod document;
mod failure;
mod ledger;
mod link;
mod pace;
mod place;
mod schema;
mod session;
mod tls;

use failure::Failure;
use pace::Patience;
use session::Session;

/// How long to rest when everything is archived.
const REST: Duration = Duration::from_secs(1);

/// Values of [`Vitals::archive_state`].
const NOT_CONFIGURED: u64 = 0;
const REACHABLE: u64 = 1;
const NOT_REACHABLE: u64 = 2;

/// Ships the journal's batches to Postgres for as long as the daemon runs.
pub struct Archivist {
    pub journal: Journal,
    /// Where the archive is; none for no archive. A new address is taken at once.
    pub url: watch::Receiver<Option<Secret>>,
    /// The node's name, under which its journal stands in the archive. A new one is taken at once.
    pub node: watch::Receiver<Arc<str>>,
    pub vitals: Arc<Vitals>,
    pub clock: Clock,
}

impl Archivist {
    /// Ships until `shutdown`. What is under way then is given up; the next start finds out by the cursor
    /// what became of it.
    pub async fn run(self, shutdown: CancellationToken) {
        match shutdown.run_until_cancelled(self.follow()).await {
            None => {}
            Some(never) => match never {},
        }
    }

    /// Ships to whatever address is configured.
    async fn follow(&self) -> Infallible {
        let (mut url, mut node) = (self.url.clone(), self.node.clone());
        loop {
            let address = url.borrow_and_update().clone();
            node.mark_unchanged();
            let work = async {
                match &address {
                    Some(address) => self.keep(address).await,
                    None => self.idle().await,
                }
            };
            select! {
                () = changed(&mut url) => {}
                () = changed(&mut node) => {}
                never = work => match never {},
                never = self.measure(address.is_some()) => match never {},
            }
        }
    }

    /// There is no archive.
    async fn idle(&self) -> Infallible {
        self.vitals.archive_state.set(NOT_CONFIGURED);
        pending().await
    }

    /// Ships to one address, over one connection after the other.
    async fn keep(&self, address: &Secret) -> Infallible {
        let mut spell = Spell::default();
        loop {
            let failure = match self.serve(address, &mut spell).await {
                Ok(never) => match never {},
                Err(failure) => failure,
            };
            self.vitals.archive_state.set(NOT_REACHABLE);
            sleep(spell.failed(failure)).await;
        }
    }

    /// Ships over one connection until something fails.
    async fn serve(&self, address: &Secret, spell: &mut Spell) -> Result<Infallible, Failure> {
        let mut session = Session::open(self, address).await?;
        loop {
            let more = session.step().await?;
            self.vitals.archive_state.set(REACHABLE);
            spell.succeeded();
            if !more {
                sleep(REST).await;
            }
        }
    }

    /// Tells, once a second, how much waits for the archive and how old the oldest of it is.
    async fn measure(&self, configured: bool) -> Infallible {
        let vitals = &self.vitals;
        if !configured {
            vitals.archive_waiting.set(0);
            vitals.archive_lag.set(0);
            return pending().await;
        }
        let (mut dropped, mut dropping) = (None, false);
        loop {
            match self.journal.reader().waiting().await {
                Ok(waiting) => {
                    let more = dropped.is_some_and(|before| waiting.dropped > before);
                    if more && !dropping {
                        tracing::warn!(
                            batches = waiting.dropped,
                            "too much waits for the archive: the oldest history is dropped unarchived"
                        );
                    }
                    (dropped, dropping) = (Some(waiting.dropped), more);
                    let before = waiting.first.unwrap_or(waiting.last + 1) - 1;
                    vitals.archive_waiting.set(waiting.last - before);
                    let age = waiting.since.map(|since| self.clock.now().since(since));
                    vitals.archive_lag.set_duration(age.unwrap_or_default());
                }
                // The shipping says it, and the figures stay what they were.
                Err(error) => tracing::debug!("reading what waits for the archive: {error:#}"),
            }
            sleep(REST).await;
        }
    }
}

/// Ends when the address or the name was changed.
async fn changed<T>(cell: &mut watch::Receiver<T>) {
    if cell.changed().await.is_err() {
        // Nobody is left who could change it.
        pending::<()>().await;
    }
}

/// A row of failures: how long to wait, and what was already said of it.
#[derive(Default)]
struct Spell {
    patience: Patience,
    told: Option<String>,
}

impl Spell {
    /// Says why, if that is news, and how long to wait.
    fn failed(&mut self, failure: Failure) -> Duration {
        let (Failure::Later(reason) | Failure::Refused(reason)) = failure else {
            // Somebody else ships the same journal, and is faster.
            return REST;
        };
        if self.told.as_ref() != Some(&reason) {
            tracing::warn!(reason = %reason, "history waits in the journal for the archive");
            self.told = Some(reason);
        }
        self.patience.wait()
    }

    fn succeeded(&mut self) {
        self.patience = Patience::default();
        if self.told.take().is_some() {
            tracing::info!("the archive takes history again");
        }
    }
}
