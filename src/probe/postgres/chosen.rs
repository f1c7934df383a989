//! An aspect as the configuration wants it: `locks = { warn = 100 }`, `bloat = false`.

use std::fmt;
use std::time::Duration;

use super::aspect::{Aspect, Usual};
use crate::core::metric::Unit;
use crate::probe::level::{Levels, SIZE, Scale};
use crate::probe::pattern::Pattern;
use crate::settings::Section;

/// Largest number of things that can be a level, and largest percentage: of what can be put off, more than all.
const COUNT: f64 = 1e12;
const PERCENT: f64 = 1_000.0;
/// Longest time that can be a level or lie between two looks.
const LONGEST: Duration = Duration::from_hours(24 * 3_650);

/// An aspect that is looked at.
#[derive(Clone)]
pub(super) struct Chosen {
    pub(super) aspect: &'static Aspect,
    pub(super) levels: Levels,
    pub(super) every: Duration,
    /// What is named so is left aside.
    pub(super) ignore: Option<Pattern>,
    /// Whether the configuration asks for it, or it is looked at anyway.
    pub(super) is_written: bool,
}

impl Chosen {
    /// Reads the key of an aspect: `false`, `true`, or a table with `warn`, `fail`, `every` and `ignore`. None where
    /// it is not to be looked at.
    pub(super) fn read(section: &mut Section<'_>, aspect: &'static Aspect) -> Option<Self> {
        let is_on = matches!(aspect.usual, Usual::On(_));
        let Some(entry) = section.entry(aspect.key) else {
            return is_on.then(|| Self::usual(aspect, false));
        };
        let levels_are_said = aspect.usual == Usual::Said;
        match entry.value.as_bool() {
            Some(false) => return None,
            Some(true) if levels_are_said => {
                let message = format!("\"{}\" has no usual levels", aspect.key);
                section.refuse(aspect.key, message, example(aspect));
                return None;
            }
            Some(true) => return Some(Self::usual(aspect, true)),
            None if entry.value.as_table().is_none() => {
                let message = format!("\"{}\" is neither true, false nor a table", aspect.key);
                section.refuse(aspect.key, message, example(aspect));
                return None;
            }
            None => {}
        }
        let mut table = section.table(aspect.key)?;
        let levels = levels(&mut table, aspect);
        let every = table.duration("every", Duration::ZERO..=LONGEST);
        let ignore = Pattern::read(&mut table, "ignore");
        if levels_are_said && !table.has("warn") && !table.has("fail") {
            let message = format!("\"{}\" has no usual levels", aspect.key);
            table.refuse("warn", message, example(aspect));
        }
        table.finish();
        Some(Self {
            levels,
            every: every.unwrap_or(aspect.every),
            ignore,
            ..Self::usual(aspect, true)
        })
    }

    fn usual(aspect: &'static Aspect, is_written: bool) -> Self {
        Self {
            aspect,
            levels: aspect.usual.levels(),
            every: aspect.every,
            ignore: None,
            is_written,
        }
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.aspect.key, self.levels)
    }
}

/// The aspect is one of a table, and its key says which.
impl PartialEq for Chosen {
    fn eq(&self, other: &Self) -> bool {
        self.aspect.key == other.aspect.key
            && self.levels == other.levels
            && self.every == other.every
            && self.ignore == other.ignore
            && self.is_written == other.is_written
    }
}

fn levels(table: &mut Section<'_>, aspect: &Aspect) -> Levels {
    let usual = aspect.usual.levels();
    let number = |most| Scale {
        warn: "warn",
        fail: "fail",
        range: 0.0..=most,
        usual,
    };
    match aspect.unit {
        Unit::Count => Levels::read(table, &number(COUNT)),
        Unit::Percent => Levels::read(table, &number(PERCENT)),
        Unit::Seconds => Levels::read_times(table, ("warn", "fail"), LONGEST, usual),
        Unit::Bytes => Levels::read_sizes(table, ("warn", "fail"), SIZE, usual),
    }
}

fn example(aspect: &Aspect) -> String {
    let (warn, fail) = match aspect.unit {
        Unit::Count => ("100", "200"),
        Unit::Percent => ("90", "95"),
        Unit::Seconds => ("\"2m\"", "\"5m\""),
        Unit::Bytes => ("\"1GiB\"", "\"5GiB\""),
    };
    format!("write {} = {{ warn = {warn}, fail = {fail} }}", aspect.key)
}
