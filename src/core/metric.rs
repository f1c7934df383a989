//! What looks measure beside their latency: numbers with a name and a unit, and their summary over a window.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::text;

/// Most metrics of one look, and most series of one check; a plugin may print any number of them.
pub const METRICS: usize = 32;
/// Longest name, in characters.
const NAME_CHARS: usize = 40;

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Things, or a number without a unit.
    #[default]
    Count,
    Seconds,
    Bytes,
    Percent,
}

impl Unit {
    /// Every unit, in the order of their journal codes.
    pub const ALL: [Self; 4] = [Self::Count, Self::Seconds, Self::Bytes, Self::Percent];

    /// The word for it in JSON and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Percent => "percent",
        }
    }

    /// Its code in the journal.
    pub fn code(self) -> u8 {
        match self {
            Self::Count => 0,
            Self::Seconds => 1,
            Self::Bytes => 2,
            Self::Percent => 3,
        }
    }

    /// A number of it, for people: `12 ms`, `1.4 GiB`, `93 %`.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Count => plain(value),
            Self::Percent => format!("{} %", plain(value)),
            Self::Seconds => scaled(value, 1_000.0, &SECONDS),
            Self::Bytes => scaled(value, 1_024.0, &BYTES),
        }
    }
}

/// From the smallest up, the first a thousandth of a thousandth of a second.
const SECONDS: [(&str, f64); 3] = [("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
const BYTES: [(&str, f64); 5] = [
    ("B", 1.0),
    ("KiB", 1_024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

fn scaled(value: f64, step: f64, units: &[(&str, f64)]) -> String {
    let fits = |&&(_, size): &&(&str, f64)| value.abs() < size * step;
    let unit = units.iter().find(fits).or(units.last());
    unit.map_or_else(String::new, |(name, size)| {
        format!("{} {name}", plain(value / size))
    })
}

/// Three digits that say something, and no zeros behind them.
fn plain(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// One number that a look measured. Always finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: Arc<str>,
    pub unit: Unit,
    pub value: f64,
}

impl Eq for Metric {}

impl Metric {
    /// A number under a name that may come from outside; none where it is no number.
    pub fn new(name: &str, unit: Unit, value: f64) -> Option<Self> {
        let name = text::line(name, NAME_CHARS).into();
        value.is_finite().then_some(Self { name, unit, value })
    }
}

/// The values of a metric over a window, an hour or a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub name: Arc<str>,
    pub unit: Unit,
    /// How many values there were.
    pub count: u32,
    pub least: f64,
    pub most: f64,
    pub mean: f64,
}

impl Eq for Series {}

impl Series {
    fn of(name: &Arc<str>, unit: Unit, value: f64) -> Self {
        Self {
            name: Arc::clone(name),
            unit,
            count: 1,
            least: value,
            most: value,
            mean: value,
        }
    }

    /// Takes in what `other` has seen of the same metric.
    pub fn merge(&mut self, other: &Self) {
        let count = self.count.saturating_add(other.count);
        let share = f64::from(other.count) / f64::from(count.max(1));
        self.mean += (other.mean - self.mean) * share;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.count = count;
    }
}

/// Takes a value into the series of its name. A name beyond the first [`METRICS`] is left out.
pub fn measure(all: &mut Vec<Series>, name: &Arc<str>, unit: Unit, value: f64) {
    merge(all, &Series::of(name, unit, value));
}

/// Takes what `more` has seen into the series of its name. One whose unit has changed begins anew.
pub fn merge(all: &mut Vec<Series>, more: &Series) {
    let room = all.len() < METRICS;
    match all.iter_mut().find(|series| series.name == more.name) {
        Some(series) if series.unit == more.unit => series.merge(more),
        Some(series) => series.clone_from(more),
        None if room => all.push(more.clone()),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_the_unit_that_reads_well() {
        for (unit, value, shown) in [
            (Unit::Count, 3.0, "3"),
            (Unit::Count, 1_234.5, "1234"),
            (Unit::Count, 0.25, "0.25"),
            (Unit::Percent, 93.04, "93 %"),
            (Unit::Seconds, 0.000_012_3, "12.3 µs"),
            (Unit::Seconds, 0.912, "912 ms"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Bytes, 0.0, "0 B"),
            (Unit::Bytes, 1_023.0, "1023 B"),
            (Unit::Bytes, 1_536.0, "1.5 KiB"),
            (Unit::Bytes, 5e15, "4547 TiB"),
            (Unit::Seconds, -0.003, "-3 ms"),
        ] {
            assert_eq!(unit.show(value), shown);
        }
    }

    #[test]
    fn a_window_keeps_the_least_the_most_and_the_mean() {
        let mut all = Vec::new();
        let name: Arc<str> = "load".into();
        for value in [1.0, 4.0, 1.0] {
            measure(&mut all, &name, Unit::Count, value);
        }
        let mut day = all.clone();
        merge(&mut day, &Series::of(&name, Unit::Count, 10.0));
        let seen = |all: &[Series]| (all[0].count, all[0].least, all[0].most, all[0].mean);
        assert_eq!(seen(&all), (3, 1.0, 4.0, 2.0));
        assert_eq!(seen(&day), (4, 1.0, 10.0, 4.0));
    }

    #[test]
    fn the_number_of_series_is_bounded_and_what_is_no_number_is_none() {
        let mut all = Vec::new();
        for number in 0..1_000 {
            let metric = Metric::new(&format!("m{number}"), Unit::Count, 1.0).expect("finite");
            measure(&mut all, &metric.name, metric.unit, metric.value);
        }
        assert_eq!(all.len(), METRICS);
        assert_eq!(Metric::new("x", Unit::Count, f64::NAN), None);
        assert_eq!(Metric::new("x", Unit::Count, f64::INFINITY), None);
    }
}
