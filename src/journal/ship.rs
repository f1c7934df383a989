//! The queue for the archive.

use rusqlite::{Connection, OptionalExtension, params};

use super::heads::Heads;
use super::meta;
use super::shipment::ShippedCheck;
use crate::core::check::CheckId;
use crate::core::time::Time;

/// Most bytes that wait for the archive: days of a busy daemon, and no more of the disk than that.
pub(super) const MOST_BYTES: i64 = 512 << 20;
/// Most batches that wait: two days at one a second.
pub(super) const MOST_BATCHES: i64 = 200_000;
/// Most that are dropped with one commit, each of which adds one: an excess goes soon and is never felt.
const DROPPED_PER_COMMIT: i64 = 64;
/// Rows per step of [`shipped`].
const STEP: i64 = 200;

/// Adds a document, and drops the oldest ones where there are too many.
pub(super) fn add(
    conn: &Connection,
    heads: &mut Heads,
    at: Time,
    json: &str,
) -> rusqlite::Result<()> {
    heads.shipped += i64::try_from(json.len()).unwrap_or(i64::MAX);
    conn.prepare_cached("INSERT INTO ship (at, total, json) VALUES (?1, ?2, ?3)")?
        .execute(params![at.millis(), heads.shipped, json])?;
    let newest = conn.last_insert_rowid();
    bound(conn, heads, newest, (MOST_BATCHES, MOST_BYTES))
}

/// Drops the oldest beyond `most` batches or bytes, and remembers that they are missing.
pub(super) fn bound(
    conn: &Connection,
    heads: &mut Heads,
    newest: i64,
    most: (i64, i64),
) -> rusqlite::Result<()> {
    let oldest: Option<(i64, i64)> = conn
        .prepare_cached("SELECT seq, total FROM ship ORDER BY seq LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((oldest, total)) = oldest else {
        return Ok(());
    };
    let excess = newest - oldest + 1 - most.0;
    let too_big = heads.shipped - total > most.1;
    if excess <= 0 && !too_big {
        return Ok(());
    }
    let up_to = oldest
        + if too_big {
            DROPPED_PER_COMMIT
        } else {
            excess.min(DROPPED_PER_COMMIT)
        }
        - 1;
    let gone = conn
        .prepare_cached("DELETE FROM ship WHERE seq <= ?1 AND seq < ?2")?
        .execute([up_to, newest])?;
    let before: i64 = meta::read(conn, meta::GAP_BATCHES)?.unwrap_or(0);
    let gone = i64::try_from(gone).unwrap_or(i64::MAX);
    meta::write(conn, meta::GAP_BATCHES, &before.saturating_add(gone))?;
    // Names may have been among what is missing.
    heads.introduced = false;
    Ok(())
}

/// Forgets some of what the archive has; how many.
pub(super) fn shipped(conn: &Connection, up_to: i64) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM ship WHERE seq IN (SELECT seq FROM ship WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
    )?
    .execute([up_to, STEP])
}

/// The names of all checks.
pub(super) fn names(conn: &Connection) -> rusqlite::Result<Vec<ShippedCheck>> {
    conn.prepare_cached("SELECT id, name, kind FROM check_def ORDER BY id")?
        .query_map([], |row| {
            Ok(ShippedCheck {
                id: CheckId(row.get(0)?),
                name: row.get(1)?,
                kind: row.get(2)?,
            })
        })?
        .collect()
}
