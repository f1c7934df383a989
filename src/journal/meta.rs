//! Single facts about the journal, by name.

use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, params};

/// The journal's own UUID, which tells a new one (after a quarantine) from the old one.
pub(super) const IDENTITY: &str = "identity";
/// Start (in seconds) and check of the last window that is in the sums of hours and days.
pub(super) const ROLLED_AT: &str = "rolled_at";
pub(super) const ROLLED_CHECK: &str = "rolled_check";
/// The newest sequence number of an outcome that is packed.
pub(super) const PACKED: &str = "packed";
/// The hash of the newest event that retention has removed.
pub(super) const ANCHOR: &str = "anchor";
/// When retention last looked at the clock, in milliseconds.
pub(super) const RETAINED: &str = "retained";
/// How many shipments were dropped unshipped.
pub(super) const GAP_BATCHES: &str = "gap_batches";

/// The fact of this name.
pub(super) fn read<T: FromSql>(conn: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Writes a fact.
pub(super) fn write(conn: &Connection, key: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])
        .map(drop)
}
