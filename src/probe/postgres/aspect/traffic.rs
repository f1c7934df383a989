//! Counters of the server, as they have grown in the last minutes.

use std::time::Duration;

use super::{Aspect, Usual};
use crate::core::metric::Unit;
use crate::probe::level::Levels;
use crate::probe::postgres::found::Judging;

/// How far back it is looked.
const WINDOW: Duration = Duration::from_mins(5);
/// What there must be of to tell a share.
const FEWEST_TRANSACTIONS: f64 = 100.0;
const FEWEST_BLOCKS: f64 = 10_000.0;

const fn warn(level: f64) -> Levels {
    Levels {
        warn: Some(level),
        fail: None,
    }
}

/// Deadlocks of all databases, per minute.
pub(super) const DEADLOCKS: Aspect = Aspect {
    key: "deadlocks",
    usual: Usual::On(warn(5.0)),
    ask: |_| Some("SELECT sum(deadlocks) AS a FROM pg_stat_database"),
    judge: per_minute,
    ..Aspect::PLAIN
};

/// Transactions of this database that were rolled back, in percent. Some libraries end what they only read so, so
/// that it must be asked for.
pub(super) const ROLLBACKS: Aspect = Aspect {
    key: "rollbacks",
    unit: Unit::Percent,
    usual: Usual::Off(warn(10.0)),
    ask: |_| {
        Some(
            "SELECT xact_commit AS a, xact_rollback AS b FROM pg_stat_database \
             WHERE datname = current_database()",
        )
    },
    judge: |judging| share(judging, FEWEST_TRANSACTIONS),
    ..Aspect::PLAIN
};

/// Blocks of this database that were not in its shared buffers, in percent.
pub(super) const MISSES: Aspect = Aspect {
    key: "cache_misses",
    unit: Unit::Percent,
    usual: Usual::Off(warn(2.0)),
    ask: |_| {
        Some(
            "SELECT blks_hit AS a, blks_read AS b FROM pg_stat_database \
             WHERE datname = current_database()",
        )
    },
    judge: |judging| share(judging, FEWEST_BLOCKS),
    ..Aspect::PLAIN
};

/// Bytes that went into temporary files, per minute.
pub(super) const TEMPORARY: Aspect = Aspect {
    key: "temporary_files",
    unit: Unit::Bytes,
    ask: |_| Some("SELECT sum(temp_bytes) AS a FROM pg_stat_database"),
    judge: per_minute,
    ..Aspect::PLAIN
};

/// Pages whose checksum was wrong, ever: a disk that lies.
pub(super) const CHECKSUMS: Aspect = Aspect {
    key: "checksum_failures",
    usual: Usual::On(Levels {
        warn: None,
        fail: Some(1.0),
    }),
    ask: |_| {
        Some(
            "SELECT coalesce(checksum_failures, 0) AS value, coalesce(datname, 'shared tables') AS name \
             FROM pg_stat_database ORDER BY 1 DESC LIMIT 50",
        )
    },
    series: false,
    ..Aspect::PLAIN
};

fn per_minute(judging: &mut Judging<'_>) -> Option<()> {
    judging.rows.first()?.number("a")?;
    if let Some(([grown, _], time)) = judging.grown(WINDOW) {
        // What happened once is not more often for being looked at soon after.
        let minutes = time.as_secs_f64().max(60.0) / 60.0;
        judging.level(grown / minutes, "per minute");
    }
    Some(())
}

/// The second counter in percent of both.
fn share(judging: &mut Judging<'_>, fewest: f64) -> Option<()> {
    judging.rows.first()?.number("a")?;
    if let Some(([a, b], _)) = judging.grown(WINDOW)
        && a + b >= fewest
    {
        judging.level(100.0 * b / (a + b), "");
    }
    Some(())
}
