//! Keys with more than one value: lists and tables of texts.

use std::ops::{Range, RangeInclusive};

use toml::de::DeValue;

use super::near::near;
use super::{Entry, Section};

/// Most tables of a list; more is a mistake in whatever writes the file.
const TABLES: usize = 100;

impl<'a> Section<'a> {
    /// A list of tables, or one table as a list of one: `steps = [{ … }, { … }]`.
    pub fn tables(&mut self, key: &'static str) -> Option<Vec<Section<'a>>> {
        let entry = self.entry(key)?;
        let list = entry.value.as_array();
        let items = match list.filter(|list| list.len() <= TABLES) {
            Some(list) => list
                .iter()
                .map(|item| (item.get_ref().as_table(), item.span()))
                .collect(),
            None => vec![(entry.value.as_table(), entry.span.clone())],
        };
        let mut sections = Vec::with_capacity(items.len());
        for (number, (table, span)) in items.into_iter().enumerate() {
            let Some(table) = table else {
                let hint = format!("write {key} = [{{ … }}, {{ … }}], at most {TABLES}");
                self.wrong(
                    &span,
                    format!("\"{key}\" is not a list of tables"),
                    Some(hint),
                );
                return None;
            };
            let path = format!("{}.{key}[{number}]", self.path);
            sections.push(Section::new(path, table, span, self.source, self.report));
        }
        Some(sections)
    }

    /// A table whose keys the user names, in its order; each value with its place.
    pub fn entries(&mut self, key: &'static str) -> Option<Vec<(String, Entry<'a>)>> {
        let entry = self.entry(key)?;
        let Some(table) = entry.value.as_table() else {
            self.wrong(
                &entry.span,
                format!("\"{key}\" is not a table"),
                Some(format!("write {key} = {{ \"…\" = … }}")),
            );
            return None;
        };
        if table.is_empty() {
            let hint = format!("write {key} = {{ \"…\" = … }}, or leave it out");
            self.refuse(
                key,
                format!("\"{key}\" is empty, and asks for nothing"),
                hint,
            );
        }
        let items = table.iter().map(|(name, value)| {
            let entry = Entry {
                value: value.get_ref(),
                span: value.span(),
            };
            (name.get_ref().to_string(), entry)
        });
        Some(items.collect())
    }

    /// The table that an entry of the table `key` is; none where it is another value.
    pub fn table_in(&self, key: &str, name: &str, entry: &Entry<'a>) -> Option<Section<'a>> {
        let table = entry.value.as_table()?;
        let path = format!("{}.{key}.\"{}\"", self.path, name.escape_debug());
        Some(Section::new(
            path,
            table,
            entry.span.clone(),
            self.source,
            self.report,
        ))
    }
}

impl Section<'_> {
    /// A text that is one of `words`.
    pub fn choice(&mut self, key: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.string(key)?;
        let found = words.iter().find(|word| **word == text);
        if found.is_none() {
            let meant = near(&text, words.iter().copied())
                .map_or_else(String::new, |word| format!("did you mean \"{word}\"? "));
            let hint = format!("{meant}there are: {}", words.join(", "));
            self.refuse(
                key,
                format!("\"{text}\" is no \"{key}\" that is known"),
                hint,
            );
        }
        found.copied()
    }

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
        let numbers = numbers.filter(|numbers| !numbers.is_empty());
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
