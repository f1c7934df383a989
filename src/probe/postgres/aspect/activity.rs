//! Sessions: how many there are, and what takes long in them.

use super::{Aspect, Usual};
use crate::core::metric::Unit;
use crate::probe::level::Levels;
use crate::probe::postgres::server::Needs;

/// The name of a session, as a piece of SQL.
macro_rules! session {
    () => {
        "format('pid %s, %s%s on %s', pid, usename, \
         CASE WHEN application_name = '' THEN '' ELSE ', ' || application_name END, datname) AS name"
    };
}

/// What asks for the sessions of clients in such a state, and for how long they have been.
macro_rules! sessions {
    ($since:literal, $where:literal) => {
        concat!(
            "SELECT extract(epoch FROM clock_timestamp() - ",
            $since,
            ") AS value, ",
            session!(),
            ", left(query, 1000) AS runs FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND ",
            $where,
            " ORDER BY 1 DESC LIMIT 50"
        )
    };
}

/// Percent of `max_connections`. Reads no table: a lock on one of the system does not keep it from us.
pub(super) const CONNECTIONS: Aspect = Aspect {
    key: "connections",
    unit: Unit::Percent,
    usual: Usual::On(Levels::of(90.0, 95.0)),
    ask: |_| {
        Some(
            "SELECT 100.0 * used / most AS value, format('%s of %s', used, most) AS name \
             FROM (SELECT count(*) AS used, current_setting('max_connections')::int AS most \
             FROM pg_stat_get_activity(NULL) WHERE datid <> 0) AS taken",
        )
    },
    judge: |judging| {
        let row = judging.rows.first()?;
        let (value, name) = (row.number("value")?, row.text("name")?);
        judging.found.headline = Some(format!("{name} connections"));
        judging.level(value, name);
        Some(())
    },
    ..Aspect::PLAIN
};

/// How long a session has had a transaction open without doing anything.
pub(super) const IDLE: Aspect = Aspect {
    key: "idle_in_transaction",
    unit: Unit::Seconds,
    needs: Needs::Stats,
    ask: |_| {
        Some(sessions!(
            "state_change",
            "state LIKE 'idle in transaction%'"
        ))
    },
    ..Aspect::PLAIN
};

/// How long a statement has been running.
pub(super) const QUERIES: Aspect = Aspect {
    key: "query_age",
    unit: Unit::Seconds,
    needs: Needs::Stats,
    ask: |_| Some(sessions!("query_start", "state = 'active'")),
    ..Aspect::PLAIN
};

/// How long a transaction has been open.
pub(super) const TRANSACTIONS: Aspect = Aspect {
    key: "transaction_age",
    unit: Unit::Seconds,
    needs: Needs::Stats,
    ask: |_| Some(sessions!("xact_start", "xact_start IS NOT NULL")),
    ..Aspect::PLAIN
};
