//! Numbers that need not be whole.

use std::ops::RangeInclusive;

use toml::de::{DeFloat, DeInteger};

use super::Section;

impl Section<'_> {
    /// A number within `range`, whole or not.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let entry = self.entry(key)?;
        let whole = entry.value.as_integer().map(DeInteger::as_str);
        let text = whole.or_else(|| entry.value.as_float().map(DeFloat::as_str));
        let number = text.and_then(|text| text.replace('_', "").parse().ok());
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return Some(number);
        }
        let hint = format!("write a number from {} to {}", range.start(), range.end());
        self.refuse(key, format!("\"{key}\" is not such a number"), hint);
        None
    }
}
