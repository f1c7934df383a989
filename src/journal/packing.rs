//! Moving outcomes from the table where they arrive into blocks per check.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::heads::{Heads, ids, seq};
use super::meta;
use super::pack::{Look, pack};

/// Outcomes per step: some milliseconds of work.
const STEP: i64 = 8_192;
/// Outcomes wait this long, so that a block of a check that is looked at every minute has sixty.
const AGE_MS: i64 = 3_600_000;
/// So many in a bucket are packed however young they are: a reader has to look through all of them.
const MOST: i64 = 65_536;

/// Packs the oldest outcomes of a bucket when their time has come; how many.
pub(super) fn step(
    conn: &Connection,
    heads: &Heads,
    bucket: u32,
    now: i64,
) -> rusqlite::Result<usize> {
    let (first, end) = ids(bucket);
    if !is_due(conn, (first, end), now)? {
        return Ok(0);
    }
    let rows = oldest(conn, (first, end))?;
    let Some(&(last, ..)) = rows.last() else {
        return Ok(0);
    };
    conn.prepare_cached("DELETE FROM recent WHERE id >= ?1 AND id <= ?2")?
        .execute([first, last])?;
    let mut blocks: BTreeMap<u32, Vec<Look>> = BTreeMap::new();
    let mut packed = 0;
    for (id, check, look) in rows {
        if is_in_record(conn, check, id)? {
            blocks.entry(check).or_default().push(look);
            packed += 1;
        } else {
            keep(conn, id, check, &look)?;
        }
    }
    for (check, looks) in &blocks {
        write(conn, *check, looks)?;
    }
    meta::write(conn, meta::PACKED, &heads.look)?;
    Ok(packed)
}

fn is_due(conn: &Connection, (first, end): (i64, i64), now: i64) -> rusqlite::Result<bool> {
    let oldest: Option<i64> = conn
        .prepare_cached("SELECT at FROM recent WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1")?
        .query_row([first, end], |row| row.get(0))
        .optional()?;
    match oldest {
        None => Ok(false),
        Some(at) if at <= now.saturating_sub(AGE_MS) => Ok(true),
        Some(_) => conn
            .prepare_cached("SELECT 1 FROM recent WHERE id >= ?1 AND id < ?2 LIMIT 1 OFFSET ?3")?
            .query_row([first, end, MOST], |_| Ok(()))
            .optional()
            .map(|more| more.is_some()),
    }
}

fn oldest(conn: &Connection, (first, end): (i64, i64)) -> rusqlite::Result<Vec<(i64, u32, Look)>> {
    conn.prepare_cached(
        "SELECT id, check_id, at, text, latency_us FROM recent WHERE id >= ?1 AND id < ?2 \
         ORDER BY id LIMIT ?3",
    )?
    .query_map([first, end, STEP], |row| {
        let (text, latency): (i64, Option<i64>) = (row.get(3)?, row.get(4)?);
        let look = Look {
            at: row.get(2)?,
            text: text.cast_unsigned(),
            latency_us: latency.map(i64::cast_unsigned),
        };
        Ok((row.get(0)?, row.get(1)?, look))
    })?
    .collect()
}

/// Whether the check's record has this outcome in it. One that is newer is needed at the next start.
fn is_in_record(conn: &Connection, check: u32, id: i64) -> rusqlite::Result<bool> {
    let upto: Option<i64> = conn
        .prepare_cached("SELECT seq FROM state WHERE check_id = ?1")?
        .query_row([check], |row| row.get(0))
        .optional()?;
    Ok(upto.is_some_and(|upto| seq(id) <= upto))
}

fn keep(conn: &Connection, id: i64, check: u32, look: &Look) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO recent (id, check_id, at, text, latency_us) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        id,
        check,
        look.at,
        look.text.cast_signed(),
        look.latency_us.map(u64::cast_signed)
    ])
    .map(drop)
}

fn write(conn: &Connection, check: u32, looks: &[Look]) -> rusqlite::Result<()> {
    let Some(first) = looks.iter().map(|look| look.at).min() else {
        return Ok(());
    };
    let until = looks.iter().map(|look| look.at).max().unwrap_or(first);
    let body = pack(looks);
    let mut insert = conn.prepare_cached(
        "INSERT OR IGNORE INTO outcome (check_id, at, until, body) VALUES (?1, ?2, ?3, ?4)",
    )?;
    // The instant is only where the block is looked for. It is taken when the clock was set back; a
    // millisecond before is as good.
    let mut at = first;
    while insert.execute(params![check, at, until, body])? == 0 {
        at -= 1;
    }
    Ok(())
}
