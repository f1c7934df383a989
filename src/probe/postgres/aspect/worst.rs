//! Judges rows of a `value` and a `name`: the highest value counts.

use std::fmt::Write as _;

use crate::core::outcome::Verdict;
use crate::probe::finding::Finding;
use crate::probe::level::told;
use crate::probe::postgres::found::Judging;
use crate::probe::postgres::rows::Row;
use crate::probe::postgres::statement::statement;

/// Beside the two columns, `runs` is a statement, and `hidden` says how many things could not be seen.
pub(super) fn worst(judging: &mut Judging<'_>) -> Option<()> {
    let mut rows = Vec::with_capacity(judging.rows.len());
    let mut hidden = 0.0;
    for row in judging.rows.iter() {
        hidden += row.number("hidden").unwrap_or_default();
        let (value, name) = (row.number("value")?, row.text("name").unwrap_or_default());
        if !judging.ignores(name) {
            rows.push((value, row));
        }
    }
    rows.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let (value, mut about) = rows
        .first()
        .map_or((0.0, String::new()), |(value, row)| (*value, about(*row)));
    let (what, unit, levels) = (judging.aspect.what(), judging.aspect.unit, judging.levels);
    let above = |(value, _): &&(f64, Row<'_>)| levels.judge(*value) != Verdict::Pass;
    let others = rows.iter().skip(1).filter(above).count();
    if others > 0 {
        let _written = write!(about, ", and {others} more");
    }
    judging.level(value, &about);
    for (value, row) in rows.iter().skip(1).filter(above) {
        let found = format!("{} ({})", told(unit, *value), self::about(*row));
        let finding = Finding::new(what.as_str(), levels.expected(unit), found, true);
        judging.found.note(finding.worth(levels.judge(*value)));
    }
    judging.hidden(hidden);
    Some(())
}

/// What a row is about: its name, and what runs there.
pub(super) fn about(row: Row<'_>) -> String {
    let name = row.text("name").unwrap_or_default();
    match row.text("runs").map(statement) {
        Some(runs) if !runs.is_empty() => format!("{name}: {runs}"),
        Some(_) | None => name.to_owned(),
    }
}
