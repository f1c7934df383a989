//! Queries about what a heartbeat heard and how it turned, for lists of a thousand: no bodies among them.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::heartbeat::Signal;
use crate::core::time::Time;
use crate::journal::commit::signal;
use crate::journal::restore::readable;

/// One ping as it was recorded, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Which ping of its heartbeat it is, from 1; 0 where the journal did not count yet.
    pub n: u64,
    pub at: Time,
    pub signal: Signal,
    pub rid: Option<Uuid>,
    pub method: Arc<str>,
    pub remote: Arc<str>,
    pub agent: Arc<str>,
    /// How long its body is, in bytes.
    pub body: u64,
}

/// A ping with the beginning of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub heard: Heard,
    pub start: Vec<u8>,
}

pub(super) fn heard(conn: &Connection, check: CheckId, limit: i64) -> rusqlite::Result<Vec<Heard>> {
    let said = said(conn, check, limit, 0)?;
    Ok(said.into_iter().map(|said| said.heard).collect())
}

pub(super) fn said(
    conn: &Connection,
    check: CheckId,
    limit: i64,
    bytes: i64,
) -> rusqlite::Result<Vec<Said>> {
    conn.prepare(
        "SELECT n, at, signal, rid, method, remote, agent, length(body), \
         ifnull(substr(body, 1, ?3), x'') \
         FROM ping WHERE check_id = ?1 ORDER BY id DESC LIMIT ?2",
    )?
    .query_map(params![check.0, limit, bytes], |row| {
        let rid: Option<String> = row.get(3)?;
        let heard = Heard {
            n: row.get::<_, i64>(0)?.cast_unsigned(),
            at: Time::from_millis(row.get(1)?),
            signal: signal(row.get(2)?),
            rid: rid.and_then(|rid| rid.parse().ok()),
            method: row.get(4)?,
            remote: row.get(5)?,
            agent: row.get(6)?,
            body: row.get::<_, i64>(7)?.cast_unsigned(),
        };
        let start = row.get(8)?;
        Ok(Said { heard, start })
    })?
    .collect()
}

/// A number may have been given before, to one of the same name that was deleted; the newest counts.
pub(super) fn body(conn: &Connection, check: CheckId, n: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.query_row(
        "SELECT body FROM ping WHERE check_id = ?1 AND n = ?2 ORDER BY id DESC LIMIT 1",
        params![check.0, n.cast_signed()],
        |row| row.get(0),
    )
    .optional()
}

pub(super) fn turns(
    conn: &Connection,
    check: CheckId,
    (from, to): (Time, Time),
    limit: i64,
) -> rusqlite::Result<Vec<Event>> {
    let mut statement = conn.prepare(
        "SELECT seq, json FROM event WHERE check_id = ?1 AND at >= ?2 AND at < ?3 \
         AND json ->> 'event' = 'turned' ORDER BY seq DESC LIMIT ?4",
    )?;
    let bounds = params![check.0, from.millis(), to.millis(), limit];
    let rows = statement.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut turns = Vec::new();
    for row in rows {
        let (seq, json): (i64, String) = row?;
        turns.extend(readable::<Event>(&json, "event", &seq.to_string()));
    }
    Ok(turns)
}
