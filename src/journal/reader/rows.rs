//! The other queries, each a function of a connection.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::EventRow;
use super::pings::took;
use crate::core::check::CheckId;
use crate::core::heartbeat::Ping;
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::{Nid, Notification};
use crate::core::rollup::{Resolution, Rollup};
use crate::core::time::Time;
use crate::journal::commit::signal;
use crate::journal::meta;
use crate::journal::restore::readable;
use crate::journal::rollup::{COLUMNS, from_row, length, seconds};
use crate::journal::shipment::Shipment;

/// Bytes of shipments that are read at once: what a batch to the archive may weigh.
const SHIP_BYTES: usize = 8 << 20;

pub(super) fn incidents(
    conn: &Connection,
    limit: i64,
    before: Option<Time>,
) -> rusqlite::Result<Vec<Incident>> {
    let before = before.map_or(i64::MAX, Time::millis);
    let query = "SELECT id, json FROM incident WHERE opened < ?1 ORDER BY opened DESC LIMIT ?2";
    let mut statement = conn.prepare(query)?;
    let rows = statement.query_map(params![before, limit], |row| json(row, "incident"))?;
    rows.filter_map(Result::transpose).collect()
}

pub(super) fn incident(conn: &Connection, id: &IncidentId) -> rusqlite::Result<Option<Incident>> {
    conn.query_row(
        "SELECT id, json FROM incident WHERE id = ?1",
        [&id.0],
        |row| json(row, "incident"),
    )
    .optional()
    .map(Option::flatten)
}

pub(super) fn notifications(conn: &Connection, limit: i64) -> rusqlite::Result<Vec<Notification>> {
    let query = "SELECT nid, json FROM outbox ORDER BY created DESC, rowid DESC LIMIT ?1";
    let mut statement = conn.prepare(query)?;
    let rows = statement.query_map([limit], |row| json(row, "notification"))?;
    rows.filter_map(Result::transpose).collect()
}

pub(super) fn notification(conn: &Connection, nid: &Nid) -> rusqlite::Result<Option<Notification>> {
    let query = "SELECT nid, json, body FROM outbox LEFT JOIN message USING (nid) WHERE nid = ?1";
    conn.query_row(query, [&nid.0], |row| {
        let body: Option<Vec<u8>> = row.get(2)?;
        let found: Option<Notification> = json(row, "notification")?;
        Ok(found.map(|found| Notification {
            message: body.unwrap_or_default().into(),
            ..found
        }))
    })
    .optional()
    .map(Option::flatten)
}

pub(super) fn pings(
    conn: &Connection,
    check: CheckId,
    limit: i64,
) -> rusqlite::Result<Vec<(Time, Ping)>> {
    conn.prepare(
        "SELECT at, signal, rid, method, remote, agent, body, took_us FROM ping WHERE check_id = ?1 \
         ORDER BY id DESC LIMIT ?2",
    )?
    .query_map(params![check.0, limit], |row| {
        let at = Time::from_millis(row.get(0)?);
        let rid: Option<String> = row.get(2)?;
        let ping = Ping {
            at,
            signal: signal(row.get(1)?),
            rid: rid.and_then(|rid| rid.parse().ok()),
            method: row.get(3)?,
            remote: row.get(4)?,
            agent: row.get(5)?,
            body: Arc::from(row.get_ref(6)?.as_blob()?),
            took: took(row.get(7)?),
late: std::time::Duration::ZERO,
        };
        Ok((at, ping))
    })?
    .collect()
}

/// The starts are known, so each sum is one search; the table is in the order of time, not of checks.
pub(super) fn rollups(
    conn: &Connection,
    check: CheckId,
    res: Resolution,
    (from, to): (Time, Time),
) -> rusqlite::Result<Vec<Rollup>> {
    let ends = "SELECT min(at), max(at) FROM rollup WHERE res = ?1 AND at >= ?2 AND at <= ?3";
    let ends: (Option<i64>, Option<i64>) =
        conn.query_row(ends, [length(res), seconds(from), seconds(to)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (Some(first), Some(last)) = ends else {
        return Ok(Vec::new());
    };
    let query =
        format!("SELECT {COLUMNS} FROM rollup WHERE res = ?1 AND at = ?2 AND check_id = ?3");
    let mut statement = conn.prepare(&query)?;
    let mut found = Vec::new();
    let mut at = first;
    while at <= last {
        let sum = statement
            .query_row(params![length(res), at, check.0], from_row)
            .optional()?;
        found.extend(sum.map(|(_, sum)| sum));
        at += length(res);
    }
    Ok(found)
}

pub(super) fn events(
    conn: &Connection,
    limit: i64,
    check: Option<CheckId>,
) -> rusqlite::Result<Vec<EventRow>> {
    let all = "SELECT seq, at, check_id, json FROM event ORDER BY seq DESC LIMIT ?1";
    let some =
        "SELECT seq, at, check_id, json FROM event WHERE check_id = ?2 ORDER BY seq DESC LIMIT ?1";
    let read = |row: &Row<'_>| {
        let (seq, check): (i64, Option<u32>) = (row.get(0)?, row.get(2)?);
        Ok(EventRow {
            seq: seq.cast_unsigned(),
            at: Time::from_millis(row.get(1)?),
            check: check.map(CheckId),
            json: row.get(3)?,
        })
    };
    match check {
        None => conn.prepare(all)?.query_map([limit], read)?.collect(),
        Some(check) => conn
            .prepare(some)?
            .query_map(params![limit, check.0], read)?
            .collect(),
    }
}

pub(super) fn identity(conn: &Connection) -> rusqlite::Result<Option<Uuid>> {
    let text: Option<String> = meta::read(conn, meta::IDENTITY)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

pub(super) fn ship(
    conn: &Connection,
    after: u64,
    max_batches: i64,
) -> rusqlite::Result<Vec<Shipment>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let query = "SELECT seq, at, json FROM ship WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut statement = conn.prepare(query)?;
    let mut rows = statement.query(params![after, max_batches])?;
    let (mut shipments, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let json: String = row.get(2)?;
        bytes += json.len();
        if bytes > SHIP_BYTES && !shipments.is_empty() {
            break;
        }
        shipments.push(Shipment {
            seq: seq.cast_unsigned(),
            at: Time::from_millis(row.get(1)?),
            json,
        });
    }
    Ok(shipments)
}

/// Numbers have no gaps among those that wait, so the ends tell how many there are.
pub(super) fn ship_state(conn: &Connection) -> rusqlite::Result<(u64, Option<Time>)> {
    let oldest: Option<(i64, i64)> = conn
        .query_row("SELECT seq, at FROM ship ORDER BY seq LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let newest: Option<i64> = conn.query_row("SELECT max(seq) FROM ship", [], |row| row.get(0))?;
    Ok(match oldest.zip(newest) {
        None => (0, None),
        Some(((oldest, at), newest)) => (
            (newest - oldest + 1).cast_unsigned(),
            Some(Time::from_millis(at)),
        ),
    })
}

/// A row of an id and JSON; none, and a warning, where it cannot be read any more.
fn json<T: DeserializeOwned>(row: &Row<'_>, what: &str) -> rusqlite::Result<Option<T>> {
    let (id, json): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(readable(&json, what, &id))
}
