//! What waits for the archive, seen as a whole.

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::rows;
use crate::core::time::Time;
use crate::journal::meta;

/// What waits for the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Whose numbers these are, see [`super::Reader::identity`].
    pub journal: Uuid,
    /// The oldest shipment that waits; none when nothing does.
    pub first: Option<u64>,
    /// The newest that was ever made, waiting or not; zero before the first.
    pub last: u64,
    /// When the oldest was made.
    pub since: Option<Time>,
    /// How many were dropped because too much waited: the archive will never get them.
    pub dropped: u64,
}

pub(super) fn waiting(conn: &Connection) -> rusqlite::Result<Waiting> {
    let oldest: Option<(i64, i64)> = conn
        .query_row("SELECT seq, at FROM ship ORDER BY seq LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let last: Option<i64> = conn
        .query_row(
            "SELECT seq FROM sqlite_sequence WHERE name = 'ship'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    let dropped: Option<i64> = meta::read(conn, meta::GAP_BATCHES)?;
    Ok(Waiting {
        dropped: dropped.unwrap_or(0).cast_unsigned(),
        journal: rows::identity(conn)?.unwrap_or_default(),
        first: oldest.map(|(seq, _)| seq.cast_unsigned()),
        last: last.unwrap_or(0).cast_unsigned(),
        since: oldest.map(|(_, at)| Time::from_millis(at)),
    })
}
