//! How large things are.

use std::time::Duration;

use super::{Aspect, DEAR, DEAREST};
use crate::core::metric::Unit;
use crate::probe::postgres::server::Needs;

/// How far back growth is looked at, and what must have gone by to tell it.
const GROWTH_WINDOW: Duration = Duration::from_hours(24);
const GROWTH_SHORTEST: Duration = Duration::from_hours(1);

/// Bytes of a database.
pub(super) const DATABASE: Aspect = Aspect {
    key: "database_size",
    unit: Unit::Bytes,
    every: DEAR,
    needs: Needs::Stats,
    ask: |_| {
        Some(
            "SELECT pg_database_size(oid) AS value, datname AS name FROM pg_database \
             ORDER BY 1 DESC LIMIT 50",
        )
    },
    ..Aspect::PLAIN
};

/// Bytes by which this database grows in a day.
pub(super) const GROWTH: Aspect = Aspect {
    key: "database_growth",
    unit: Unit::Bytes,
    every: DEAR,
    ask: |_| Some("SELECT 0 AS a, pg_database_size(current_database()) AS b"),
    judge: |judging| {
        judging.rows.first()?.number("b")?;
        if let Some(([_, bytes], time)) = judging.grown(GROWTH_WINDOW)
            && let Some(growth) = per_day(bytes, time)
        {
            judging.level(growth, "per day");
        }
        Some(())
    },
    ..Aspect::PLAIN
};

/// Bytes of a table with its indexes, of the largest of this database.
pub(super) const TABLE: Aspect = Aspect {
    key: "table_size",
    unit: Unit::Bytes,
    every: DEAREST,
    ask: |_| {
        Some(
            "SELECT pg_total_relation_size(oid) AS value, name FROM (SELECT c.oid, \
             format('%I.%I', n.nspname, c.relname) AS name FROM pg_class AS c \
             JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') \
             ORDER BY c.relpages DESC LIMIT 20) AS largest ORDER BY 1 DESC",
        )
    },
    ..Aspect::PLAIN
};

/// Bytes of the largest index of this database.
pub(super) const INDEX: Aspect = Aspect {
    key: "index_size",
    unit: Unit::Bytes,
    every: DEAREST,
    ask: |_| {
        Some(
            "SELECT pg_relation_size(oid) AS value, name FROM (SELECT c.oid, \
             format('%I.%I', n.nspname, c.relname) AS name FROM pg_class AS c \
             JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'i' \
             ORDER BY c.relpages DESC LIMIT 20) AS largest ORDER BY 1 DESC",
        )
    },
    ..Aspect::PLAIN
};

/// So many bytes in such a time; none while that is too short to tell.
fn per_day(bytes: f64, time: Duration) -> Option<f64> {
    let days = time.as_secs_f64() / 86_400.0;
    (time >= GROWTH_SHORTEST).then(|| bytes / days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_after_an_hour() {
        let hours = Duration::from_hours;
        assert_eq!(per_day(24.0, Duration::from_mins(59)), None);
        assert_eq!(per_day(24.0, hours(1)), Some(576.0));
        assert_eq!(per_day(24.0, hours(24)), Some(24.0));
    }
}
