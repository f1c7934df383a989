//! Sums per window, hour and day. Each window is counted exactly once: up to a mark that moves in the same
//! transaction as the sums, windows are in the sums of their hour and day; those after it are not yet.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::heads::Heads;
use super::{meta, series};
use crate::core::check::CheckId;
use crate::core::rollup::{Resolution, Rollup};
use crate::core::sketch::Sketch;
use crate::core::time::Time;
use crate::core::uptime::{Spans, Tally};

/// Windows per step: two sums each, some milliseconds in all.
const STEP: i64 = 250;

/// The columns of [`from_row`], in its order.
pub(super) const COLUMNS: &str = "at, check_id, up_ms, degraded_ms, down_ms, unknown_ms, passes, warns, fails, unknowns, sketch, metrics";

/// Reads [`COLUMNS`].
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<(CheckId, Rollup)> {
    let at: i64 = row.get(0)?;
    let spans = Spans {
        up_ms: row.get(2)?,
        degraded_ms: row.get(3)?,
        down_ms: row.get(4)?,
        unknown_ms: row.get(5)?,
    };
    let rollup = Rollup {
        from: Time::from_millis(at.saturating_mul(1_000)),
        spans,
        looks: [row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?],
        sketch: Sketch::from_bytes(row.get_ref(10)?.as_blob()?),
        metrics: series::unpack(row.get_ref(11)?.as_blob()?),
    };
    Ok((CheckId(row.get(1)?), rollup))
}

/// Writes a finished window.
pub(super) fn take_in(
    conn: &Connection,
    heads: &Heads,
    check: CheckId,
    tally: &Tally,
) -> rusqlite::Result<()> {
    let window = Rollup::of(tally);
    if window.is_empty() {
        return Ok(());
    }
    add(conn, Resolution::Window, check, &window)?;
    // A window may come late, or in two parts: when the daemon was stopped, or a check was gone a while.
    if (seconds(window.from), i64::from(check.0)) <= heads.rolled {
        add(conn, Resolution::Hour, check, &window)?;
        add(conn, Resolution::Day, check, &window)?;
    }
    Ok(())
}

/// Adds the next windows to the sums of their hours and days; how many there were.
pub(super) fn step(conn: &Connection, heads: &mut Heads) -> rusqlite::Result<usize> {
    let windows: Vec<(CheckId, Rollup)> = conn
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM rollup WHERE res = ?1 AND (at, check_id) > (?2, ?3) \
             ORDER BY at, check_id LIMIT ?4"
        ))?
        .query_map(
            params![
                length(Resolution::Window),
                heads.rolled.0,
                heads.rolled.1,
                STEP
            ],
            from_row,
        )?
        .collect::<rusqlite::Result<_>>()?;
    if windows.is_empty() {
        return Ok(0);
    }
    for (check, window) in &windows {
        add(conn, Resolution::Hour, *check, window)?;
        add(conn, Resolution::Day, *check, window)?;
        heads.rolled = (seconds(window.from), i64::from(check.0));
    }
    meta::write(conn, meta::ROLLED_AT, &heads.rolled.0)?;
    meta::write(conn, meta::ROLLED_CHECK, &heads.rolled.1)?;
    Ok(windows.len())
}

/// Adds to the row that holds `more`, at this resolution.
fn add(conn: &Connection, res: Resolution, check: CheckId, more: &Rollup) -> rusqlite::Result<()> {
    let from = more.from.floor(res.span());
    let mut sum = conn
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM rollup WHERE res = ?1 AND at = ?2 AND check_id = ?3"
        ))?
        .query_row(params![length(res), seconds(from), check.0], from_row)
        .optional()?
        .map(|(_, sum)| sum)
        .unwrap_or_default();
    sum.add(more);
    let [passes, warns, fails, unknowns] = sum.looks;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO rollup (res, at, check_id, up_ms, degraded_ms, down_ms, unknown_ms, \
         passes, warns, fails, unknowns, sketch, metrics) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        length(res),
        seconds(from),
        check.0,
        sum.spans.up_ms,
        sum.spans.degraded_ms,
        sum.spans.down_ms,
        sum.spans.unknown_ms,
        passes,
        warns,
        fails,
        unknowns,
        sum.sketch.to_bytes(),
        series::pack(&sum.metrics),
    ])?;
    Ok(())
}

/// Whole seconds since 1970.
pub(super) fn seconds(at: Time) -> i64 {
    at.millis().div_euclid(1_000)
}

/// A resolution in the column `res`: its seconds.
pub(super) fn length(resolution: Resolution) -> i64 {
    i64::try_from(resolution.span().as_secs()).unwrap_or(i64::MAX)
}
