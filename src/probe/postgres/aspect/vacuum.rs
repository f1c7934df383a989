//! What vacuum is for: transaction ids, statistics, room.

use super::{Aspect, DEAR, DEAREST, Usual};
use crate::core::metric::Unit;
use crate::probe::level::Levels;
use crate::probe::postgres::server::Needs;

const DAY: f64 = 86_400.0;
const GIB: f64 = 1_073_741_824.0;

/// The age of the oldest transaction id or multixact of a database; at two thousand million the server stops.
pub(super) const WRAPAROUND: Aspect = Aspect {
    key: "wraparound",
    usual: Usual::On(Levels::of(1.3e9, 1.4e9)),
    ask: |_| {
        Some(
            "SELECT greatest(age(datfrozenxid), mxid_age(datminmxid)) AS value, datname AS name \
             FROM pg_database ORDER BY 1 DESC LIMIT 50",
        )
    },
    ..Aspect::PLAIN
};

/// The same age in percent of that at which autovacuum cannot be put off any more. Every quiet database comes near
/// it now and then, so that it must be asked for.
pub(super) const FREEZE: Aspect = Aspect {
    key: "freeze",
    unit: Unit::Percent,
    usual: Usual::Off(Levels::of(90.0, 95.0)),
    ask: |_| {
        Some(
            "SELECT 100.0 * greatest(age(datfrozenxid) / current_setting('autovacuum_freeze_max_age')::float8, \
             mxid_age(datminmxid) / current_setting('autovacuum_multixact_freeze_max_age')::float8) AS value, \
             datname AS name FROM pg_database ORDER BY 1 DESC LIMIT 50",
        )
    },
    ..Aspect::PLAIN
};

/// How long ago a table was vacuumed that has twice the dead rows at which autovacuum begins.
pub(super) const VACUUMED: Aspect = Aspect {
    key: "vacuum_age",
    unit: Unit::Seconds,
    usual: Usual::On(Levels::of(DAY, 2.0 * DAY)),
    every: DEAR,
    ask: |server| (!server.is_standby).then_some(neglected!("vacuum", "n_dead_tup")),
    ..Aspect::PLAIN
};

/// How long ago a table was analyzed that has twice the changes at which autovacuum begins.
pub(super) const ANALYZED: Aspect = Aspect {
    key: "analyze_age",
    unit: Unit::Seconds,
    usual: Usual::On(Levels::of(DAY, 2.0 * DAY)),
    every: DEAR,
    ask: |server| (!server.is_standby).then_some(neglected!("analyze", "n_mod_since_analyze")),
    ..Aspect::PLAIN
};

/// Bytes that a table or an index takes beyond what its rows need, estimated from statistics.
pub(super) const BLOAT: Aspect = Aspect {
    key: "bloat",
    unit: Unit::Bytes,
    usual: Usual::On(Levels::of(GIB, 5.0 * GIB)),
    every: DEAREST,
    needs: Needs::Data,
    ask: |_| Some(include_str!("bloat.sql")),
    ..Aspect::PLAIN
};

/// Tables that autovacuum should have taken care of, by their own settings or those of the server. One that never
/// was is as old as the server's start.
macro_rules! neglected {
    ($work:literal, $rows:literal) => {
        concat!(
            "SELECT extract(epoch FROM clock_timestamp() - coalesce(greatest(s.last_",
            $work,
            ", s.last_auto",
            $work,
            "), pg_postmaster_start_time())) AS value, format('%I.%I', s.schemaname, s.relname) AS name \
             FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid, \
             LATERAL (SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_",
            $work,
            "_threshold') AS threshold, max(option_value) FILTER (WHERE option_name = 'autovacuum_",
            $work,
            "_scale_factor') AS factor FROM pg_options_to_table(c.reloptions)) AS own WHERE s.",
            $rows,
            " > 2 * (coalesce(own.threshold, current_setting('autovacuum_",
            $work,
            "_threshold'))::float8 + coalesce(own.factor, current_setting('autovacuum_",
            $work,
            "_scale_factor'))::float8 * greatest(c.reltuples, 0)) ORDER BY 1 DESC LIMIT 50"
        )
    };
}
use neglected;
