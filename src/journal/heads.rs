//! The newest of everything that is numbered, as of the last commit.

use rusqlite::{Connection, OptionalExtension};

use super::{ledger, meta};
use crate::core::check::CheckId;

/// Bits of an outcome's sequence number in its row's id: a thousand years at a thousand a second.
const SEQ_BITS: u32 = 40;
/// Checks per bucket. The outcomes of a bucket are appended in one place, so that a commit of many checks
/// touches few pages, and a reader who wants one check reads past at most so many others.
const BUCKET: u32 = 1_024;

/// Copied at the begin of a transaction, and put in force when it is durable.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    pub(super) event: i64,
    pub(super) hash: ledger::Hash,
    /// The newest outcome.
    pub(super) look: i64,
    /// Start in seconds, and check, of the last window that is in the sums of hours and days.
    pub(super) rolled: (i64, i64),
    /// Bytes of all shipments ever, see table `ship`.
    pub(super) shipped: i64,
    /// Whether the archive was told the names of all checks.
    pub(super) introduced: bool,
}

impl Heads {
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let (event, hash) = ledger::newest(conn)?;
        let shipped = conn
            .query_row(
                "SELECT total FROM ship ORDER BY seq DESC LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()?;
        Ok(Self {
            event,
            hash,
            look: newest_look(conn)?,
            rolled: rolled(conn)?,
            shipped: shipped.unwrap_or(0),
            introduced: false,
        })
    }
}

/// The last window that is in the sums of hours and days, see [`Heads::rolled`].
pub(super) fn rolled(conn: &Connection) -> rusqlite::Result<(i64, i64)> {
    let at = meta::read(conn, meta::ROLLED_AT)?;
    let check = meta::read(conn, meta::ROLLED_CHECK)?;
    Ok((at.unwrap_or(i64::MIN), check.unwrap_or(0)))
}

fn newest_look(conn: &Connection) -> rusqlite::Result<i64> {
    let mut newest = meta::read(conn, meta::PACKED)?.unwrap_or(0);
    let mut statement = conn.prepare_cached("SELECT max(id) FROM recent WHERE id < ?1")?;
    for bucket in 0..buckets(conn)? {
        let id: Option<i64> = statement.query_row([ids(bucket).1], |row| row.get(0))?;
        newest = newest.max(id.map_or(0, seq));
    }
    Ok(newest)
}

/// How many buckets there are.
pub(super) fn buckets(conn: &Connection) -> rusqlite::Result<u32> {
    let last: Option<i64> =
        conn.query_row("SELECT max(id) FROM check_def", [], |row| row.get(0))?;
    let looked: Option<i64> = conn.query_row("SELECT max(id) FROM recent", [], |row| row.get(0))?;
    let of_checks = last.map_or(0, |id| id / i64::from(BUCKET) + 1);
    let of_looks = looked.map_or(0, |id| (id >> SEQ_BITS) + 1);
    Ok(u32::try_from(of_checks.max(of_looks)).unwrap_or(0))
}

/// The bucket that a check belongs to.
pub(super) fn bucket(check: CheckId) -> u32 {
    check.0 / BUCKET
}

/// The id of the outcome with this sequence number.
pub(super) fn id(bucket: u32, seq: i64) -> i64 {
    i64::from(bucket) << SEQ_BITS | seq
}

/// The sequence number of the outcome with this id.
pub(super) fn seq(id: i64) -> i64 {
    id & ((1 << SEQ_BITS) - 1)
}

/// The ids of a bucket: from the first one, up to but without the second.
pub(super) fn ids(bucket: u32) -> (i64, i64) {
    (id(bucket, 0), (i64::from(bucket) + 1) << SEQ_BITS)
}
