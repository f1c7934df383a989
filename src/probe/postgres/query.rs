//! Questions of the user's own: `query = [{ name = "orders", sql = "SELECT …", warn = 10 }]`.

use std::time::Duration;

use super::found::Found;
use super::rows::{Row, Rows};
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::core::text;
use crate::probe::finding::Finding;
use crate::probe::level::{Levels, Scale};
use crate::settings::Section;

/// Most rows that are read of an answer.
const ROWS: i64 = 1_000;
/// Longest name, in characters; that of a metric is no longer.
const NAME_CHARS: usize = 40;
/// Longest answer that is told, in characters.
const ANSWER_CHARS: usize = 80;
/// Largest number that can be a level.
const MOST: f64 = 1e18;
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A `SELECT` and what it should say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) name: String,
    sql: String,
    /// What the first column of the first row should be.
    expect: Option<String>,
    /// How many rows there should be.
    rows: Option<i64>,
    /// For the number in the first column of the first row.
    levels: Levels,
    /// Whether low numbers are bad.
    reverse: bool,
    unit: Unit,
    pub(super) every: Duration,
}

impl Query {
    /// Reads one table of the list.
    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let name = section
            .required("name")
            .map(|name| text::line(&name, NAME_CHARS));
        let sql = section.required("sql");
        let expect = section.string("expect");
        let rows = section.integer("rows", 0..=ROWS);
        let reverse = section.boolean("reverse").unwrap_or_default();
        let words = Unit::ALL.map(Unit::word);
        let unit = section.choice("unit", &words);
        let every = section.duration("every", Duration::ZERO..=LONGEST);
        let levels = levels(&mut section, reverse);
        section.finish();
        let sql = sql?.trim().trim_end_matches(';').trim_end().to_owned();
        Some(Self {
            name: name?,
            sql,
            expect,
            rows,
            levels,
            reverse,
            unit: Unit::ALL
                .into_iter()
                .find(|known| Some(known.word()) == unit)
                .unwrap_or_default(),
            every: every.unwrap_or_default(),
        })
    }

    /// What is asked. As a part of a statement of ours it cannot be two, and has an end; one row more than is read
    /// shows that there are more.
    pub(super) fn ask(&self) -> String {
        format!(
            "SELECT * FROM (\n{}\n) AS belfry LIMIT {}",
            self.sql,
            ROWS + 1
        )
    }

    pub(super) fn judge(&self, rows: &Rows) -> Option<Found> {
        let mut found = Found::default();
        let first = rows.first().and_then(Row::first);
        if let Some(wanted) = self.rows {
            let count = i64::try_from(rows.len()).ok()?;
            let holds = count == wanted;
            let told = if count > ROWS {
                format!("more than {ROWS} rows")
            } else {
                format!("{count} rows")
            };
            let finding = Finding::new(&self.name, format!("{wanted} rows"), &told, holds);
            found.holds(finding, &format!("{}: {told}, not {wanted}", self.name));
        }
        let shown = text::line(first.unwrap_or("nothing"), ANSWER_CHARS);
        if let Some(wanted) = &self.expect {
            let holds = first == Some(wanted);
            let finding = Finding::new(&self.name, wanted, &shown, holds);
            found.holds(finding, &format!("{}: {shown}, not {wanted}", self.name));
        }
        let number = first.and_then(|text| text.trim().parse().ok());
        match number {
            Some(number) => self.measure(number, &mut found),
            None if self.levels != Levels::default() => {
                let finding = Finding::new(&self.name, "a number", &shown, true);
                let said = format!("{}: {shown} is not a number", self.name);
                found.holds(finding.worth(Verdict::Unknown), &said);
            }
            None => {}
        }
        Some(found)
    }

    fn measure(&self, number: f64, found: &mut Found) {
        found.metric(&self.name, number, self.unit);
        if self.levels == Levels::default() {
            return;
        }
        let (levels, reverse) = (self.levels, self.reverse);
        if !reverse {
            return found.level(&self.name, (number, self.unit), levels, "");
        }
        let verdict = levels.judge(-number);
        let shown = self.unit.show(number);
        let level = levels
            .warn
            .or(levels.fail)
            .map(|level| self.unit.show(-level));
        let expected = format!("above {}", level.unwrap_or_default());
        let finding = Finding::new(&self.name, expected, &shown, true).worth(verdict);
        found.holds(finding, &format!("{} {shown}", self.name));
    }
}

/// Both levels; where low numbers are bad they are kept with the other sign.
fn levels(section: &mut Section<'_>, reverse: bool) -> Levels {
    if !reverse {
        let scale = Scale {
            warn: "warn",
            fail: "fail",
            range: -MOST..=MOST,
            usual: Levels::default(),
        };
        return Levels::read(section, &scale);
    }
    let warn = section.number("warn", -MOST..=MOST);
    let fail = section.number("fail", -MOST..=MOST);
    if let (Some(warn), Some(fail)) = (warn, fail)
        && warn < fail
    {
        let hint = "with reverse = true low numbers are bad: warn first, fail lower";
        section.refuse("warn", "\"warn\" is below \"fail\"", hint);
    }
    Levels {
        warn: warn.map(|level| -level),
        fail: fail.map(|level| -level),
    }
}
