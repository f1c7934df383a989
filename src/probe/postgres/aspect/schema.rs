//! Objects in the database that are not as they should be.

use super::{Aspect, DEAR, Usual, count};
use crate::core::metric::Unit;
use crate::probe::level::Levels;
use crate::probe::postgres::server::Needs;

/// Warns of the first.
const NONE: Levels = Levels {
    warn: Some(1.0),
    fail: None,
};

/// How much of its numbers a sequence has used, or of those that fit into the column that it is for.
pub(super) const SEQUENCES: Aspect = Aspect {
    key: "sequences",
    unit: Unit::Percent,
    usual: Usual::On(Levels::of(85.0, 95.0)),
    every: DEAR,
    needs: Needs::Data,
    ask: |_| Some(include_str!("sequences.sql")),
    ..Aspect::PLAIN
};

/// How long a transaction has been prepared and not ended: it holds its locks, and vacuum back.
pub(super) const PREPARED: Aspect = Aspect {
    key: "prepared_transactions",
    unit: Unit::Seconds,
    usual: Usual::On(Levels::of(1.0, 30.0)),
    ask: |_| {
        Some(
            "SELECT extract(epoch FROM clock_timestamp() - prepared) AS value, \
             format('%s of %s on %s', left(gid, 60), owner, database) AS name \
             FROM pg_prepared_xacts ORDER BY 1 DESC LIMIT 50",
        )
    },
    ..Aspect::PLAIN
};

/// Triggers that are there but disabled.
pub(super) const TRIGGERS: Aspect = Aspect {
    key: "disabled_triggers",
    usual: Usual::On(NONE),
    every: DEAR,
    ask: |_| {
        Some(
            "SELECT format('%I.%I on %I', n.nspname, t.tgname, c.relname) AS name FROM pg_trigger AS t \
             JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE t.tgenabled = 'D' ORDER BY 1 LIMIT 100",
        )
    },
    judge: count,
    series: false,
    ..Aspect::PLAIN
};

/// Indexes that are kept up but not used, because their making has failed. One that is being made holds a lock on
/// its table.
pub(super) const INDEXES: Aspect = Aspect {
    key: "invalid_indexes",
    usual: Usual::On(NONE),
    every: DEAR,
    ask: |_| {
        Some(
            "SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_index AS i \
             JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE NOT (i.indisvalid AND i.indisready) AND c.relkind = 'i' AND NOT EXISTS (SELECT FROM pg_locks AS l \
             WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.granted \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND l.mode = 'ShareUpdateExclusiveLock') ORDER BY 1 LIMIT 100",
        )
    },
    judge: count,
    series: false,
    ..Aspect::PLAIN
};

/// Settings that were changed and hold only after a restart.
pub(super) const RESTART: Aspect = Aspect {
    key: "pending_restart",
    usual: Usual::On(NONE),
    every: DEAR,
    ask: |_| Some("SELECT name FROM pg_settings WHERE pending_restart ORDER BY 1 LIMIT 100"),
    judge: count,
    series: false,
    ..Aspect::PLAIN
};
