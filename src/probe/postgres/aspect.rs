//! What can be looked at in a PostgreSQL: one row of a table each, in a file of its group.
//!
//! An aspect is a question in SQL, and how its rows are judged. Most answer with rows of a `value` and a `name`,
//! of which the highest counts.

use std::time::Duration;

use super::found::Judging;
use super::server::{Needs, Server};
use crate::core::metric::Unit;
use crate::probe::level::Levels;

mod activity;
mod chain;
mod count;
mod locks;
mod replication;
mod schema;
mod size;
mod slots;
mod traffic;
mod vacuum;
mod wal;
mod worst;

use count::count;
use worst::worst;

/// One thing to look at.
pub(super) struct Aspect {
    /// Its key in the table of a check; with spaces also the name of its number.
    pub(super) key: &'static str,
    /// What its levels count.
    pub(super) unit: Unit,
    pub(super) usual: Usual,
    /// How long a result holds; zero: until the next look.
    pub(super) every: Duration,
    /// What a role must be granted to see it.
    pub(super) needs: Needs,
    /// The question for such a server; none where it has no such thing.
    pub(super) ask: fn(&Server) -> Option<&'static str>,
    /// Judges the answer. None where it is not an answer to the question.
    pub(super) judge: fn(&mut Judging<'_>) -> Option<()>,
    /// Whether its number is kept as a series; what is right or wrong has none.
    pub(super) series: bool,
}

/// What holds where the configuration does not say it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Usual {
    /// It is looked at, with these levels.
    On(Levels),
    /// It is looked at where it is written, with these levels.
    Off(Levels),
    /// It is looked at where its levels are written.
    Said,
}

impl Usual {
    pub(super) fn levels(self) -> Levels {
        match self {
            Self::On(levels) | Self::Off(levels) => levels,
            Self::Said => Levels::default(),
        }
    }
}

impl Aspect {
    /// What most of them have in common.
    const PLAIN: Self = Self {
        key: "",
        unit: Unit::Count,
        usual: Usual::Said,
        every: Duration::ZERO,
        needs: Needs::Nothing,
        ask: |_| None,
        judge: worst,
        series: true,
    };

    /// Its name for people.
    pub(super) fn what(&self) -> String {
        self.key.replace('_', " ")
    }
}

/// How long the result of a dear question holds.
const DEAR: Duration = Duration::from_mins(10);
/// The same where it walks through the statistics of every column.
const DEAREST: Duration = Duration::from_hours(1);

/// All of them, in the order in which they are asked and told.
pub(super) static ASPECTS: [&Aspect; 34] = [
    &activity::CONNECTIONS,
    &activity::IDLE,
    &activity::QUERIES,
    &activity::TRANSACTIONS,
    &locks::LOCKS,
    &locks::TABLE,
    &locks::WAITS,
    &vacuum::WRAPAROUND,
    &vacuum::FREEZE,
    &vacuum::VACUUMED,
    &vacuum::ANALYZED,
    &vacuum::BLOAT,
    &schema::SEQUENCES,
    &schema::PREPARED,
    &replication::LAG,
    &replication::BYTES,
    &slots::RETAINED,
    &slots::INACTIVE,
    &wal::ARCHIVER,
    &wal::READY,
    &wal::FILES,
    &wal::CHECKPOINTS,
    &traffic::DEADLOCKS,
    &traffic::ROLLBACKS,
    &traffic::MISSES,
    &traffic::TEMPORARY,
    &traffic::CHECKSUMS,
    &schema::TRIGGERS,
    &schema::INDEXES,
    &schema::RESTART,
    &size::DATABASE,
    &size::GROWTH,
    &size::TABLE,
    &size::INDEX,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_aspect_has_a_key_of_its_own_and_levels_that_fit() {
        let keys: BTreeSet<&str> = ASPECTS.iter().map(|aspect| aspect.key).collect();
        assert_eq!(keys.len(), ASPECTS.len());
        for aspect in ASPECTS {
            let Levels { warn, fail } = aspect.usual.levels();
            assert!(
                warn.zip(fail).is_none_or(|(warn, fail)| warn <= fail),
                "{}",
                aspect.key
            );
        }
    }
}
