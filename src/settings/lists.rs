//! Keys with more than one value: lists and tables of texts.

use std::ops::{Range, RangeInclusive};

use toml::de::DeValue;

use super::{Entry, Section};

impl Section<'_> {
    /// A list of texts, or one text as a list of one; each with its place.
    pub fn strings(&mut self, key: &'static str) -> Option<Vec<(String, Range<usize>)>> {
        let entry = self.entry(key)?;
        let Some(array) = entry.value.as_array() else {
            let span = entry.span.clone();
            return self.text_of(key, &entry).map(|text| vec![(text, span)]);
        };
        let items = array.iter().map(|item| Entry {
            value: item.get_ref(),
            span: item.span(),
        });
        let texts = items.filter_map(|item| self.text_of(key, &item).map(|text| (text, item.span)));
        Some(texts.collect())
    }

    /// A list of whole numbers within `range`, or one as a list of one.
    pub fn integers(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<Vec<i64>> {
        let entry = self.entry(key)?;
        let read = |value: &DeValue<'_>| {
            let number = value
                .as_integer()
                .and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok());
            number.filter(|number| range.contains(number))
        };
        let numbers: Option<Vec<i64>> = match entry.value.as_array() {
            Some(array) => array.iter().map(|item| read(item.get_ref())).collect(),
            None => read(entry.value).map(|number| vec![number]),
        };
        if numbers.is_none() {
            let hint = format!(
                "write whole numbers from {} to {}: {key} = [{}]",
                range.start(),
                range.end(),
                range.start()
            );
            self.wrong(
                &entry.span,
                format!("\"{key}\" is not a list of such numbers"),
                Some(hint),
            );
        }
        numbers
    }

    /// A table of texts, in its order (headers, labels).
    pub fn pairs(&mut self, key: &'static str) -> Option<Vec<(String, String)>> {
        let entry = self.entry(key)?;
        let Some(table) = entry.value.as_table() else {
            self.wrong(
                &entry.span,
                format!("\"{key}\" is not a table"),
                Some(format!("write {key} = {{ name = \"value\" }}")),
            );
            return None;
        };
        let items = table.iter().map(|(name, value)| {
            (
                name.get_ref(),
                Entry {
                    value: value.get_ref(),
                    span: value.span(),
                },
            )
        });
        let pairs = items.filter_map(|(name, item)| {
            self.text_of(name, &item)
                .map(|text| (name.to_string(), text))
        });
        Some(pairs.collect())
    }
}
