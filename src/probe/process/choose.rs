//! Who is meant, and who was started by them.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::Row;

/// Those that are meant, and all their descendants that are not.
pub(super) fn family(all: Vec<Row>, means: impl Fn(&Row) -> bool) -> (Vec<Row>, Vec<Row>) {
    let (rows, others): (Vec<Row>, Vec<Row>) = all.into_iter().partition(means);
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for row in rows.iter().chain(&others) {
        children.entry(row.parent).or_default().push(row.pid);
    }
    let mut seen: BTreeSet<i32> = BTreeSet::new();
    let mut next: Vec<i32> = rows.iter().map(|row| row.pid).collect();
    while let Some(pid) = next.pop() {
        let new = children.get(&pid).into_iter().flatten();
        // A number that was given to somebody else while we read may make a ring.
        next.extend(new.copied().filter(|child| seen.insert(*child)));
    }
    let descendants = others.into_iter().filter(|row| seen.contains(&row.pid));
    (rows, descendants.collect())
}
