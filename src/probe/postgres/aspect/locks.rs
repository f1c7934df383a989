//! Locks: how many there are, and who waits for whom.

use super::{Aspect, Usual, chain};
use crate::core::metric::Unit;
use crate::probe::level::Levels;
use crate::probe::postgres::server::Needs;

/// All locks, held and wanted. The usual levels are those of `check_postgres`; one dump of a large schema is above
/// them, so that they must be asked for.
pub(super) const LOCKS: Aspect = Aspect {
    key: "locks",
    usual: Usual::Off(Levels::of(100.0, 150.0)),
    ask: |_| Some("SELECT count(*) AS value FROM pg_locks"),
    ..Aspect::PLAIN
};

/// How full the table of locks is: where it overflows, statements fail ("out of shared memory").
pub(super) const TABLE: Aspect = Aspect {
    key: "lock_table",
    unit: Unit::Percent,
    usual: Usual::On(Levels::of(20.0, 80.0)),
    ask: |_| {
        Some(
            "SELECT 100.0 * count(*) / (current_setting('max_locks_per_transaction')::int8 * \
             (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)) AS value, \
             format('%s locks', count(*)) AS name FROM pg_locks WHERE NOT fastpath",
        )
    },
    ..Aspect::PLAIN
};

/// How long somebody has been waiting for a lock.
pub(super) const WAITS: Aspect = Aspect {
    key: "lock_waits",
    unit: Unit::Seconds,
    usual: Usual::On(Levels::of(60.0, 120.0)),
    needs: Needs::Stats,
    ask: |server| {
        Some(if server.major >= 14 {
            waits!("l.waitstart")
        } else {
            // 13 does not say since when; a wait cannot be longer than its statement.
            waits!("s.query_start")
        })
    },
    judge: chain::judge,
    ..Aspect::PLAIN
};

/// Everybody who waits, and everybody who is waited for. A prepared transaction has no pid.
macro_rules! waits {
    ($since:literal) => {
        concat!(
            "WITH waiting AS (SELECT l.pid, pg_blocking_pids(l.pid) AS blockers, \
             extract(epoch FROM clock_timestamp() - coalesce(",
            $since,
            ", s.query_start)) AS waited FROM (SELECT * FROM pg_locks WHERE NOT granted LIMIT 50) AS l \
             JOIN pg_stat_activity AS s USING (pid)) \
             SELECT s.pid, format('pid %s (%s) on %s', s.pid, concat_ws(', ', s.usename, nullif(s.application_name, '')), s.datname) AS name, \
             left(s.query, 1000) AS runs, s.state, w.waited, array_to_string(w.blockers, ' ') AS blockers, \
             extract(epoch FROM clock_timestamp() - s.state_change) AS since \
             FROM pg_stat_activity AS s LEFT JOIN waiting AS w USING (pid) \
             WHERE w.pid IS NOT NULL OR s.pid IN (SELECT unnest(blockers) FROM waiting) LIMIT 200"
        )
    };
}
use waits;
