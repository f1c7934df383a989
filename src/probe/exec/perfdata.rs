//! The numbers a plugin prints: `'label'=value[UOM];[warn];[crit];[min];[max]`, separated by spaces.
//!
//! Read as the guidelines say, and as leniently as plugins write: what cannot be read is left out, the rest is kept.

use crate::core::metric::Unit;
use crate::core::outcome::Verdict;

mod range;

use range::Range;

/// Most numbers of one output that are read; a look tells no more findings.
const MOST: usize = 200;

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Datum {
    pub(super) label: String,
    /// As printed; none where the plugin could not tell (`U`).
    pub(super) value: Option<f64>,
    /// What stands behind the value, as printed.
    uom: String,
    pub(super) unit: Unit,
    /// By which the value is multiplied to be in the unit.
    pub(super) factor: f64,
    warn: Option<Range>,
    fail: Option<Range>,
}

impl Datum {
    /// What its ranges say; the plugin's own verdict is its exit code.
    pub(super) fn verdict(&self) -> Verdict {
        let alerts = |range: &Option<Range>| {
            let both = range.as_ref().zip(self.value);
            both.is_some_and(|(range, value)| range.alerts(value))
        };
        if alerts(&self.fail) {
            Verdict::Fail
        } else if alerts(&self.warn) {
            Verdict::Warn
        } else {
            Verdict::Pass
        }
    }

    /// The ranges in which it is well, for people.
    pub(super) fn expected(&self) -> String {
        let one = |word: &str, range: &Option<Range>| {
            let range = range.as_ref()?;
            Some(format!("{}, else {word}", range.expected(&self.uom)))
        };
        let told = [one("warn", &self.warn), one("fail", &self.fail)];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if told.is_empty() {
            "anything".to_owned()
        } else {
            told.join("; ")
        }
    }

    /// The value as printed.
    pub(super) fn found(&self) -> String {
        self.value
            .map_or_else(|| "U".to_owned(), |value| format!("{value}{}", self.uom))
    }
}

/// All numbers in a text.
pub(super) fn parse(text: &str) -> Vec<Datum> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && all.len() < MOST {
        let (label, after) = match label(rest) {
            Some((label, after)) => (Some(label), after),
            None => (None, rest),
        };
        let (item, after) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        all.extend(label.and_then(|label| datum(label, item)));
        rest = after.trim_start();
    }
    all
}

/// The label that a text begins with, and what follows its `=`; none where there is no label.
fn label(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('\'') else {
        let (label, after) = text.split_once('=')?;
        let is_label = !label.is_empty() && !label.contains(char::is_whitespace);
        return is_label.then(|| (label.to_owned(), after));
    };
    let mut label = String::new();
    loop {
        let (part, after) = rest.split_once('\'')?;
        label.push_str(part);
        // A quote in a label is written twice.
        let Some(more) = after.strip_prefix('\'') else {
            let after = after.strip_prefix('=')?;
            return (!label.is_empty()).then_some((label, after));
        };
        label.push('\'');
        rest = more;
    }
}

/// The value and its ranges; smallest and largest value (the last two fields) are not used.
fn datum(label: String, item: &str) -> Option<Datum> {
    let mut fields = item.split(';');
    let (value, uom) = value(fields.next()?)?;
    let (unit, factor) = unit(&uom);
    let mut range = || fields.next().and_then(Range::parse);
    let (warn, fail) = (range(), range());
    Some(Datum {
        label,
        value,
        uom,
        unit,
        factor,
        warn,
        fail,
    })
}

/// A number and what stands behind it. A comma is the decimal point of plugins that were given a language.
fn value(text: &str) -> Option<(Option<f64>, String)> {
    if text == "U" {
        return Some((None, String::new()));
    }
    let plain = text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.,".contains(c));
    // 1e-05, as Python writes small numbers.
    let behind = match plain.strip_prefix(['e', 'E']) {
        Some(exponent) if exponent.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            exponent.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')
        }
        Some(_) | None => plain,
    };
    let number = text.strip_suffix(behind)?.replace(',', ".");
    let number: f64 = number.parse().ok()?;
    number
        .is_finite()
        .then(|| (Some(number), behind.to_owned()))
}

/// What a unit of measurement counts, and how many of ours it is. KB is 1,024 bytes, as `check_disk` counts. A
/// counter (`c`) and what the guidelines do not name is a number.
fn unit(uom: &str) -> (Unit, f64) {
    match uom {
        "s" => (Unit::Seconds, 1.0),
        "ms" => (Unit::Seconds, 1e-3),
        "us" | "µs" => (Unit::Seconds, 1e-6),
        "%" => (Unit::Percent, 1.0),
        "B" => (Unit::Bytes, 1.0),
        "KB" | "kB" | "KiB" => (Unit::Bytes, 1_024.0),
        "MB" | "MiB" => (Unit::Bytes, 1_048_576.0),
        "GB" | "GiB" => (Unit::Bytes, 1_073_741_824.0),
        "TB" | "TiB" => (Unit::Bytes, 1_099_511_627_776.0),
        _ => (Unit::Count, 1.0),
    }
}

#[cfg(test)]
mod tests;
