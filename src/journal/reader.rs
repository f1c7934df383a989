//! Reading: each query on a connection of its own, on a blocking thread, in one snapshot.
//!
//! Opening a connection costs some tenths of a millisecond and leaves nothing behind in memory; there is
//! no pool to keep.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::quarantine::with;
use super::shipment::{Shipment, ShippedCheck};
use super::{schema, ship};
use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::heartbeat::{Deaf, Heard, Ping, Said};
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::{Nid, Notification};
use crate::core::outcome::Outcome;
use crate::core::rollup::{Resolution, Rollup};
use crate::core::time::Time;

mod looks;
mod pings;
mod rows;
mod waiting;

pub use waiting::Waiting;

/// Queries at the same time; the others wait for their turn.
const AT_ONCE: usize = 2;
/// Most rows that any query returns, whatever is asked for.
const MOST: usize = 100_000;

/// A way to read. Clones share its two places.
#[derive(Clone, Debug)]
pub struct Reader {
    path: Arc<Path>,
    room: Arc<Semaphore>,
}

/// One event of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub seq: u64,
    pub at: Time,
    pub check: Option<CheckId>,
    /// The event, see [`crate::core::event::Event`]; a ping without its body.
    pub json: String,
}

impl Reader {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Outcomes of a check from `from` up to and with `to`, newest first.
    pub async fn outcomes(
        &self,
        check: CheckId,
        from: Time,
        to: Time,
        limit: usize,
    ) -> anyhow::Result<Vec<(Time, Outcome)>> {
        self.query(move |conn| looks::outcomes(conn, check, (from, to), limit.min(MOST)))
            .await
    }

    /// Incidents, the one opened last first; of those opened before `before`, where that is given.
    pub async fn incidents(
        &self,
        limit: usize,
        before: Option<Time>,
    ) -> anyhow::Result<Vec<Incident>> {
        self.query(move |conn| rows::incidents(conn, most(limit), before))
            .await
    }

    /// One incident.
    pub async fn incident(&self, id: &IncidentId) -> anyhow::Result<Option<Incident>> {
        let id = id.clone();
        self.query(move |conn| rows::incident(conn, &id)).await
    }

    /// Notifications without their messages, the newest first.
    pub async fn notifications(&self, limit: usize) -> anyhow::Result<Vec<Notification>> {
        self.query(move |conn| rows::notifications(conn, most(limit)))
            .await
    }

    /// One notification with its message.
    pub async fn notification(&self, nid: &Nid) -> anyhow::Result<Option<Notification>> {
        let nid = nid.clone();
        self.query(move |conn| rows::notification(conn, &nid)).await
    }

    /// Pings of a heartbeat in the order of their arrival, the newest first.
    pub async fn pings(&self, check: CheckId, limit: usize) -> anyhow::Result<Vec<(Time, Ping)>> {
        self.query(move |conn| rows::pings(conn, check, most(limit)))
            .await
    }

    /// What is known of the last pings of a heartbeat, without their bodies, the newest first.
    pub async fn heard(&self, check: CheckId, limit: usize) -> anyhow::Result<Vec<Heard>> {
        self.query(move |conn| pings::heard(conn, check, most(limit)))
            .await
    }

    /// The same, with the first `bytes` of their bodies.
    pub async fn said(
        &self,
        check: CheckId,
        limit: usize,
        bytes: usize,
    ) -> anyhow::Result<Vec<Said>> {
        self.query(move |conn| pings::said(conn, check, most(limit), most(bytes)))
            .await
    }

    /// The body of the ping with this number of a heartbeat.
    pub async fn ping_body(&self, check: CheckId, n: u64) -> anyhow::Result<Option<Vec<u8>>> {
        self.query(move |conn| pings::body(conn, check, n)).await
    }

    /// The last times in which no ping could have been taken, the newest first.
    pub async fn deaf(&self, limit: usize) -> anyhow::Result<Vec<Deaf>> {
        self.query(move |conn| pings::deaf(conn, most(limit))).await
    }

    /// The turns of a check from `from` and before `to`, the newest first, at most `limit`.
    pub async fn turns(
        &self,
        check: CheckId,
        (from, to): (Time, Time),
        limit: usize,
    ) -> anyhow::Result<Vec<Event>> {
        self.query(move |conn| pings::turns(conn, check, (from, to), most(limit)))
            .await
    }

    /// Sums of a check whose start is from `from` up to and with `to`, oldest first. Hours and days are
    /// complete up to the last [`super::Chore::Rollup`].
    pub async fn rollups(
        &self,
        check: CheckId,
        resolution: Resolution,
        from: Time,
        to: Time,
    ) -> anyhow::Result<Vec<Rollup>> {
        self.query(move |conn| rows::rollups(conn, check, resolution, (from, to)))
            .await
    }

    /// Events of a check or of all, the newest first.
    pub async fn events(
        &self,
        limit: usize,
        check: Option<CheckId>,
    ) -> anyhow::Result<Vec<EventRow>> {
        self.query(move |conn| rows::events(conn, most(limit), check))
            .await
    }

    /// Bytes on the disk, with what is in the WAL.
    pub fn size(&self) -> u64 {
        let size = |tail| std::fs::metadata(with(&self.path, tail)).map_or(0, |file| file.len());
        size("") + size("-wal")
    }

    /// The journal's own UUID, which a new one after a quarantine does not share.
    pub async fn identity(&self) -> anyhow::Result<Uuid> {
        self.query(rows::identity)
            .await?
            .context("a journal without an identity")
    }

    /// The shipments after number `after`, in order, at most `max_batches` and some megabytes.
    pub async fn ship(&self, after: u64, max_batches: usize) -> anyhow::Result<Vec<Shipment>> {
        self.query(move |conn| rows::ship(conn, after, most(max_batches)))
            .await
    }

    /// How many shipments wait, and when the oldest was made.
    pub async fn ship_state(&self) -> anyhow::Result<(u64, Option<Time>)> {
        self.query(rows::ship_state).await
    }

    /// What waits for the archive: from which shipment to which, of which journal.
    pub async fn waiting(&self) -> anyhow::Result<Waiting> {
        self.query(waiting::waiting).await
    }

    /// The names of all checks there ever were, for an archive that has lost them.
    pub async fn check_names(&self) -> anyhow::Result<Vec<ShippedCheck>> {
        self.query(ship::names).await
    }

    /// Runs `ask` in a snapshot of its own.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let place = Arc::clone(&self.room).acquire_owned().await?;
        let path = Arc::clone(&self.path);
        let asked = tokio::task::spawn_blocking(move || {
            let answer = schema::reader(&path).and_then(|mut conn| {
                let snapshot = conn.transaction()?;
                ask(&snapshot)
            });
            drop(place);
            answer
        });
        asked
            .await
            .context("reading the journal")?
            .with_context(|| format!("reading the journal {}", self.path.display()))
    }
}

/// A limit for SQL.
fn most(limit: usize) -> i64 {
    i64::try_from(limit.min(MOST)).unwrap_or(i64::MAX)
}
