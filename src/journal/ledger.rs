//! The ledger of events: append-only, each row hashed over the one before, so that a row that was changed,
//! added or taken out shows.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::heads::Heads;
use super::meta;
use crate::core::check::CheckId;
use crate::core::incident::IncidentId;
use crate::core::time::Time;

/// SHA-256.
pub(super) type Hash = [u8; 32];

/// What stands before the first event.
const GENESIS: Hash = [0; 32];

/// An event was changed, added or taken out.
#[derive(Debug)]
pub(super) struct Changed {
    /// The first that is not as it was written.
    pub(super) seq: i64,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        write!(
            f,
            "event {seq} of the journal is not what was written there"
        )
    }
}

impl std::error::Error for Changed {}

/// One event that is to be written.
pub(super) struct Line<'a> {
    pub(super) at: Time,
    pub(super) check: Option<CheckId>,
    pub(super) incident: Option<&'a IncidentId>,
    pub(super) json: &'a str,
}

/// Adds an event, and returns its number.
pub(super) fn append(
    conn: &Connection,
    heads: &mut Heads,
    line: &Line<'_>,
) -> rusqlite::Result<i64> {
    heads.event += 1;
    heads.hash = chained(&heads.hash, line.json);
    conn.prepare_cached(
        "INSERT INTO event (seq, at, check_id, incident, json, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        heads.event,
        line.at.millis(),
        line.check.map(|check| check.0),
        line.incident.map(|incident| incident.0.as_ref()),
        line.json,
        heads.hash,
    ])?;
    Ok(heads.event)
}

/// The newest event's number and hash.
pub(super) fn newest(conn: &Connection) -> rusqlite::Result<(i64, Hash)> {
    conn.query_row(
        "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .optional()
    .map(|newest| newest.unwrap_or((0, GENESIS)))
}

/// Checks every event that is there: how many there are, or which is not as it was written.
pub(super) fn verify(conn: &Connection) -> rusqlite::Result<Result<u64, Changed>> {
    let mut hash: Hash = meta::read(conn, meta::ANCHOR)?.unwrap_or(GENESIS);
    let mut statement = conn.prepare("SELECT seq, json, hash FROM event ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut good = 0;
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let (seq, json, written): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        hash = chained(&hash, &json);
        if written != hash || last.is_some_and(|last| last + 1 != seq) {
            return Ok(Err(Changed { seq }));
        }
        last = Some(seq);
        good += 1;
    }
    Ok(Ok(good))
}

fn chained(before: &Hash, json: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(json.as_bytes());
    hash.finalize().into()
}
