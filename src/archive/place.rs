//! Where the archive and the journal stand to each other, and what follows from it. No SQL here.

use crate::core::incident::digest;
use crate::core::time::Time;
use crate::journal::Shipment;

/// How far a journal is archived, as its row in Postgres says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The row's number, which is part of every key.
    pub(super) journal: i32,
    pub(super) branch: i32,
    /// The last batch that is archived; zero before the first.
    pub(super) seq: u64,
    /// What that batch looked like; empty where there was none, or it is missing in the archive.
    pub(super) mark: String,
    /// When it was committed to the journal.
    pub(super) at: Option<Time>,
    /// On a branch: batches up to this instant are archived on the branch before it.
    pub(super) since: Option<Time>,
}

/// What the journal still has for the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stock {
    /// The oldest batch that waits.
    pub(super) first: Option<u64>,
    /// The last batch that was ever written; zero before the first.
    pub(super) last: u64,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Everything is archived.
    Rest,
    /// Batches after the cursor wait.
    Ship,
    /// The journal still has batches that are archived; it has to be told whether its batch at the cursor
    /// is the one that is archived.
    Compare,
    /// The batches from the one to the other are not in the archive, and the journal has them no more.
    Gap(u64, u64),
    /// The journal was put back to an earlier state and counts the same numbers again.
    Branch,
}

/// The next step, where `cursor` is the last batch in the archive.
pub(super) fn next(cursor: u64, stock: Stock) -> Step {
    let first = stock.first.unwrap_or(stock.last + 1);
    if cursor > stock.last {
        Step::Branch
    } else if cursor + 1 < first {
        Step::Gap(cursor + 1, first - 1)
    } else if cursor >= first {
        Step::Compare
    } else if cursor < stock.last {
        Step::Ship
    } else {
        Step::Rest
    }
}

/// By what a batch is known again.
pub(super) fn mark(shipment: &Shipment) -> String {
    digest(&[&shipment.seq.to_string(), &shipment.json], 16).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_in_which_archive_and_journal_can_stand_has_its_step() {
        for (story, cursor, first, last, step) in [
            ("both are new", 0, None, 0, Step::Rest),
            ("the first batches wait", 0, Some(1), 9, Step::Ship),
            ("all is archived and forgotten", 9, None, 9, Step::Rest),
            ("new ones wait", 9, Some(10), 12, Step::Ship),
            (
                "the answer to the last commit was lost",
                9,
                Some(5),
                12,
                Step::Compare,
            ),
            (
                "the same, and nothing new since",
                12,
                Some(5),
                12,
                Step::Compare,
            ),
            (
                "the archive came late to an old journal",
                0,
                Some(40),
                50,
                Step::Gap(1, 39),
            ),
            (
                "Postgres came back from a backup",
                3,
                Some(10),
                12,
                Step::Gap(4, 9),
            ),
            ("the same, and nothing waits", 3, None, 12, Step::Gap(4, 12)),
            (
                "the journal came back from a backup",
                90,
                Some(10),
                12,
                Step::Branch,
            ),
            ("the same, and nothing waits", 90, None, 12, Step::Branch),
        ] {
            assert_eq!(next(cursor, Stock { first, last }), step, "{story}");
        }
    }
}
