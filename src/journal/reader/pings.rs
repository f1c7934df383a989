//! Queries about what a heartbeat heard and how it turned, for lists of a thousand: no bodies among them.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::heartbeat::{Deaf, Heard, Said};
use crate::core::time::Time;
use crate::journal::commit::signal;
use crate::journal::restore::readable;

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
         iif(?3 > 0, ifnull(substr(body, -?3), x''), x''), took_us \
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
            took: took(row.get(9)?),
        };
        let end = row.get(8)?;
        Ok(Said { heard, end })
    })?
    .collect()
}

/// The column `ping.took_us`.
pub(super) fn took(us: Option<i64>) -> Option<Duration> {
    us.map(|us| Duration::from_micros(us.cast_unsigned()))
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

/// The newest first.
pub(super) fn deaf(conn: &Connection, limit: i64) -> rusqlite::Result<Vec<Deaf>> {
    let mut statement = conn.prepare(
        "SELECT seq, json FROM event WHERE check_id IS NULL AND incident IS NULL \
         AND json ->> 'event' = 'deafened' ORDER BY seq DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut spells = Vec::new();
    for row in rows {
        let (seq, json): (i64, String) = row?;
        let event = readable::<Event>(&json, "event", &seq.to_string());
        if let Some(Event::Deafened {
            from,
            to,
            reason,
            behind,
        }) = event
        {
            spells.push(Deaf {
                from,
                to,
                reason,
                behind,
            });
        }
    }
    Ok(spells)
}
