//! What should hold of the values that a path leads to.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Number, Value};
use toml::de::DeValue;

use super::super::more::PIECE_CHARS;
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::core::text;
use crate::probe::finding::Finding;
use crate::probe::level::{Judgement, Levels, Scale};
use crate::probe::pattern::Pattern;
use crate::probe::trace::Trace;
use crate::settings::{Entry, Section};

/// Numbers that can be compared with, and counts.
const NUMBERS: RangeInclusive<f64> = -1e15..=1e15;
const COUNTS: RangeInclusive<i64> = 0..=1_000_000;

/// Whether a number is on the right side of a bound.
type Holds = fn(f64, f64) -> bool;

/// All that is said must hold of every value; where nothing but a count or `exists` is said, there may be any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rule {
    is: Option<Value>,
    not: Option<Value>,
    least: Option<f64>,
    most: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    matches: Option<Pattern>,
    levels: Levels,
    exists: Option<bool>,
    count: Option<usize>,
    count_least: Option<usize>,
    count_most: Option<usize>,
}

impl Rule {
    /// A value that stands in the place of a table: it should be that.
    pub(super) fn of(section: &Section<'_>, key: &str, entry: &Entry<'_>) -> Option<Self> {
        let is = Some(value(section, key, entry)?);
        Some(Self {
            is,
            ..Self::default()
        })
    }

    pub(super) fn read(mut table: Section<'_>) -> Option<Self> {
        let mut equal = |key| {
            let entry = table.entry(key)?;
            value(&table, key, &entry)
        };
        let (is, not) = (equal("is"), equal("not"));
        let mut number = |key| table.number(key, NUMBERS);
        let (least, most) = (number("least"), number("most"));
        let (above, below) = (number("above"), number("below"));
        let matches = Pattern::read(&mut table, "matches");
        let scale = Scale {
            warn: "warn",
            fail: "fail",
            range: NUMBERS,
            usual: Levels::default(),
        };
        let levels = Levels::read(&mut table, &scale);
        let exists = table.boolean("exists");
        let mut count = |key| {
            let count = table.integer(key, COUNTS)?;
            usize::try_from(count).ok()
        };
        let rule = Self {
            count: count("count"),
            count_least: count("count_least"),
            count_most: count("count_most"),
            is,
            not,
            least,
            most,
            above,
            below,
            matches,
            levels,
            exists,
        };
        let says_all = if rule == Self::default() {
            table.wrong(
                &table.span(),
                format!("[{}] says nothing of what is there", table.path),
                Some("write { is = \"up\" }, { below = 100 }, { exists = true }, …".to_owned()),
            );
            false
        } else if rule.exists == Some(false) && rule.looks_at_values() {
            table.refuse(
                "exists",
                "what is not there cannot be compared",
                "keep exists = false alone",
            );
            false
        } else {
            true
        };
        table.finish();
        says_all.then_some(rule)
    }

    fn looks_at_values(&self) -> bool {
        let bounds = [self.least, self.most, self.above, self.below];
        self.is.is_some()
            || self.not.is_some()
            || self.matches.is_some()
            || self.levels != Levels::default()
            || bounds.iter().any(Option::is_some)
    }

    /// Judges what `path` leads to.
    pub(super) fn judge(
        &self,
        path: &str,
        found: &[&Value],
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) {
        let path = &text::line(path, PIECE_CHARS);
        self.number(path, found, judgement, trace);
        if self.looks_at_values() || self.exists == Some(true) {
            let holds = !found.is_empty();
            let finding = || Finding::new(path, "there", counted(found.len()), holds);
            judgement.holds(trace, finding, || format!("there is no {path}"));
        }
        // One that is not as it should be is enough; a body may have thousands.
        for value in found {
            if !self.value(path, value, judgement, trace) {
                break;
            }
        }
    }

    /// How many there should be.
    fn number(&self, path: &str, found: &[&Value], judgement: &mut Judgement, trace: &mut Trace) {
        let count = found.len();
        let mut hold = |holds: bool, expected: String| {
            let finding = || Finding::new(path, expected.clone(), counted(count), holds);
            judgement.holds(trace, finding, || {
                format!("{path} leads to {}, not {expected}", counted(count))
            });
        };
        if self.exists == Some(false) {
            hold(count == 0, counted(0));
        }
        if let Some(wanted) = self.count {
            hold(count == wanted, counted(wanted));
        }
        if let Some(least) = self.count_least {
            hold(count >= least, format!("{least} or more"));
        }
        if let Some(most) = self.count_most {
            hold(count <= most, format!("at most {most}"));
        }
    }

    /// What each should be. Says whether it is.
    fn value(
        &self,
        path: &str,
        value: &Value,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) -> bool {
        let shown = || text::line(&value.to_string(), PIECE_CHARS);
        let mut all_hold = true;
        let mut hold = |holds: bool, expected: &dyn Fn() -> String| {
            all_hold &= holds;
            trace.note(|| Finding::new(path, expected(), shown(), holds));
            if !holds {
                let text = || format!("{path} is {}, not {}", shown(), expected());
                judgement.add(Verdict::Fail, text);
            }
        };
        if let Some(wanted) = &self.is {
            hold(is_same(value, wanted), &|| wanted.to_string());
        }
        if let Some(unwanted) = &self.not {
            let other = || format!("other than {unwanted}");
            hold(!is_same(value, unwanted), &other);
        }
        let number = value.as_f64();
        let bounds: [(&str, Option<f64>, Holds); 4] = [
            ("at least", self.least, |number, bound| number >= bound),
            ("at most", self.most, |number, bound| number <= bound),
            ("above", self.above, |number, bound| number > bound),
            ("below", self.below, |number, bound| number < bound),
        ];
        for (word, bound, holds) in bounds {
            if let Some(bound) = bound {
                let holds = number.is_some_and(|number| holds(number, bound));
                hold(holds, &|| format!("{word} {bound}"));
            }
        }
        if let Some(pattern) = &self.matches {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string().into(), Cow::from);
            let like = || format!("like /{}/", text::line(pattern.as_str(), PIECE_CHARS));
            hold(pattern.matches(text.as_bytes()), &like);
        }
        if self.levels != Levels::default() {
            match number {
                Some(number) => judgement.level(trace, path, (number, Unit::Count), self.levels),
                None => hold(false, &|| "a number".to_owned()),
            }
        }
        all_hold
    }
}

/// Numbers are the same however they are written.
#[expect(clippy::float_cmp, reason = "what is asked for is equality")]
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one_float), Some(other_float)) => {
            one == other || (one_float == other_float && !(one.is_i64() && other.is_i64()))
        }
        _ => one == other,
    }
}

fn counted(count: usize) -> String {
    match count {
        0 => "nothing".to_owned(),
        1 => "1 value".to_owned(),
        count => format!("{count} values"),
    }
}

/// A text, number or truth value of a configuration as JSON has it.
fn value(section: &Section<'_>, key: &str, entry: &Entry<'_>) -> Option<Value> {
    let read = match entry.value {
        DeValue::String(_) => return section.text_of(key, entry).map(Value::String),
        DeValue::Boolean(truth) => Some(Value::Bool(*truth)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Value::from),
        DeValue::Float(number) => {
            let number = number.as_str().replace('_', "").parse().ok();
            number.and_then(Number::from_f64).map(Value::Number)
        }
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    if read.is_none() {
        section.wrong(
            &entry.span,
            format!(
                "\"{}\" is compared with what is no value of JSON",
                key.escape_debug()
            ),
            Some("write a text, a number, true or false".to_owned()),
        );
    }
    read
}
