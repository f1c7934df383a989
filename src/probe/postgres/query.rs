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
        let name = section.required("name").map(|name| Self::shown(&name));
        let sql = section.required("sql");
        let expect = section.string("expect");
        let rows = section.integer("rows", 0..=ROWS);
        let reverse = section.boolean("reverse").unwrap_or_default();
        let words = Unit::ALL.map(Unit::word);
        let unit = section.choice("unit", &words);
        let every = section.duration("every", Duration::ZERO..=LONGEST);
        let levels = levels(&mut section, reverse);
        if expect.is_none() && !["rows", "warn", "fail"].iter().any(|key| section.has(key)) {
            let message = "it is not said what the answer should be".to_owned();
            let hint =
                "add warn or fail (levels of the number), expect (the text), or rows (how many)";
            section.wrong(&section.span(), message, Some(hint.to_owned()));
        }
        if let Some(begins) = sql.as_deref().and_then(no_question) {
            let message = format!("\"sql\" is no question: it begins with {begins}");
            section.refuse(
                "sql",
                message,
                "write a SELECT, WITH, VALUES or TABLE; it is asked in a read-only transaction",
            );
        }
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

    /// A name as it is told.
    pub(super) fn shown(name: &str) -> String {
        text::line(name, NAME_CHARS)
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
        // They are kept with the other sign.
        let written = Levels {
            warn: levels.warn.map(|level| -level),
            fail: levels.fail.map(|level| -level),
        };
        let reached = written.reached(verdict, self.unit);
        let reached = reached.unwrap_or_default();
        found.holds(finding, &format!("{} {shown} ({reached})", self.name));
    }
}

/// What `sql` begins with, where that is plainly nothing that can stand in a `FROM`; none where it may.
fn no_question(sql: &str) -> Option<String> {
    let mut rest = sql.trim_start();
    loop {
        let after = if rest.starts_with("--") {
            rest.split_once('\n').map(|(_, after)| after)
        } else if rest.starts_with("/*") {
            rest.split_once("*/").map(|(_, after)| after)
        } else if rest.starts_with('(') {
            rest.get(1..)
        } else {
            break;
        };
        rest = after?.trim_start();
    }
    let is_word = |c: &char| c.is_ascii_alphabetic();
    let word: String = rest.chars().take_while(is_word).take(NAME_CHARS).collect();
    let word = word.to_ascii_uppercase();
    match word.as_str() {
        "SELECT" | "WITH" | "VALUES" | "TABLE" => None,
        "SHOW" => {
            Some("SHOW, which stands alone (SELECT current_setting('…') says the same)".to_owned())
        }
        "" => Some("no word".to_owned()),
        _ => Some(word),
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

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    fn problems(queries: &str) -> Vec<String> {
        read(&format!(
            "postgres = {{ url = \"postgres://u@h/d\", query = {queries} }}"
        ))
        .1
    }

    #[test]
    fn what_is_plainly_no_question_is_refused_before_it_is_asked() {
        for (sql, begins) in [
            ("DELETE FROM orders", "begins with DELETE"),
            (
                "  -- tidy up\\n/* now */ (update orders set sent = true)",
                "begins with UPDATE",
            ),
            (
                "SHOW max_connections",
                "begins with SHOW, which stands alone",
            ),
            ("orders", "begins with ORDERS"),
            ("", "begins with no word"),
        ] {
            let found = problems(&format!("{{ name = \"a\", sql = \"{sql}\", warn = 1 }}"));
            assert_eq!(found.len(), 1, "{sql}: {found:?}");
            assert!(found[0].contains(begins), "{sql}: {found:?}");
            assert!(
                found[0].contains("read-only transaction"),
                "{sql}: {found:?}"
            );
        }
        for sql in [
            "select 1",
            "(SELECT 1)",
            "-- a\\nWITH a AS (SELECT 1) TABLE a",
            "VALUES (1)",
            "TABLE orders",
        ] {
            let found = problems(&format!("{{ name = \"a\", sql = \"{sql}\", warn = 1 }}"));
            assert_eq!(found, [""; 0], "{sql}");
        }
    }

    #[test]
    fn a_question_says_what_its_answer_should_be_and_has_a_name_of_its_own() {
        let found = problems("{ name = \"a\", sql = \"SELECT 1\", unit = \"bytes\" }");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains(":1:48: it is not said what the answer should be; add warn or fail"),
            "{found:?}"
        );
        for said in ["warn = 1", "fail = 1", "rows = 0", "expect = \"\""] {
            let found = problems(&format!("{{ name = \"a\", sql = \"SELECT 1\", {said} }}"));
            assert_eq!(found, [""; 0], "{said}");
        }
        let one = "{ name = \"a\", sql = \"SELECT 1\", rows = 1 }";
        let found = problems(&format!("[{one}, {one}]"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("\"a\" is the name of another question; give each one of its own"),
            "{found:?}"
        );
    }
}
