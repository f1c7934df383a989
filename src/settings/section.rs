//! One table of a configuration, read key by key.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::expand::expand;
use super::near::near;
use super::{Report, Source, units};

/// A table. Every key that is asked for is known; [`Section::finish`] complains of the others.
pub struct Section<'a> {
    table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    /// Its full name, for messages: `check.shop.http`.
    pub path: String,
    pub source: &'a Source,
    pub report: &'a Report<'a>,
    known: Vec<&'static str>,
    around: Option<Around>,
}

/// The table that another is a part of, as far as keys can be written into the wrong one of the two.
#[derive(Clone)]
pub struct Around {
    pub path: String,
    pub keys: Vec<&'static str>,
}

/// A value with its place, for rules that one type cannot say.
pub struct Entry<'a> {
    pub value: &'a DeValue<'a>,
    pub span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The table `path` of `source`.
    pub fn new(
        path: impl Into<String>,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        source: &'a Source,
        report: &'a Report<'a>,
    ) -> Self {
        Self {
            table,
            span,
            path: path.into(),
            source,
            report,
            known: Vec::new(),
            around: None,
        }
    }

    /// Knows of keys that belong into the table around it.
    #[must_use]
    pub fn within(self, around: Around) -> Self {
        Self {
            around: Some(around),
            ..self
        }
    }

    /// The keys that were asked for so far.
    pub fn known(&self) -> &[&'static str] {
        &self.known
    }

    /// The keys that are there.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    /// Whether `key` is there, of whatever type. Does not count as asking for it.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of `key` as it stands.
    pub fn entry(&mut self, key: &'static str) -> Option<Entry<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let value: &'a Spanned<DeValue<'a>> = self.table.get(key)?;
        Some(Entry {
            value: value.get_ref(),
            span: value.span(),
        })
    }

    /// The value of `key`, without asking for it.
    pub fn value_of(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.table.get(key).map(Spanned::get_ref)
    }

    /// The duration of `key` as far as it can be read, without asking for it: what is wrong with it is said where
    /// it is read.
    pub fn glance(&self, key: &str) -> Option<Duration> {
        let text = self.value_of(key)?.as_str()?;
        let text = expand(text, &|name| self.report.variable(name)).ok()?;
        units::duration(&text).ok()
    }

    /// Whether the key holds a text.
    pub fn is_text(&self, key: &str) -> bool {
        let value = self.table.get(key);
        value.is_some_and(|value| value.get_ref().is_str())
    }

    /// A text, with `${NAME}`, `${NAME:-default}` and `$$` filled in.
    pub fn string(&mut self, key: &'static str) -> Option<String> {
        let entry = self.entry(key)?;
        self.text_of(key, &entry)
    }

    /// A text that must be there.
    pub fn required(&mut self, key: &'static str) -> Option<String> {
        if !self.has(key) {
            self.known.push(key);
            let hint = format!("add {key} = \"…\" to [{}]", self.path);
            self.report.at(
                self.source,
                self.span.clone(),
                format!("\"{key}\" is missing"),
                Some(hint),
            );
            return None;
        }
        self.string(key)
    }

    /// A duration with a unit, within `range`.
    pub fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let entry = self.entry(key)?;
        let DeValue::String(_) = entry.value else {
            self.wrong(
                &entry.span,
                format!("\"{key}\" needs a unit"),
                Some(format!(
                    "write {key} = \"{}s\", or another unit: ms, s, m, h, d",
                    number_of(&entry).unwrap_or_else(|| "10".to_owned())
                )),
            );
            return None;
        };
        let text = self.text_of(key, &entry)?;
        match units::duration(&text) {
            Ok(span) if range.contains(&span) => Some(span),
            Ok(_) => {
                let (least, most) = (
                    units::write_duration(*range.start()),
                    units::write_duration(*range.end()),
                );
                self.wrong(
                    &entry.span,
                    format!("\"{key}\" is out of range"),
                    Some(format!("from {least} to {most}")),
                );
                None
            }
            Err(hint) => {
                self.wrong(
                    &entry.span,
                    format!("\"{text}\" is not a duration"),
                    Some(format!("write {hint}")),
                );
                None
            }
        }
    }

    /// A size in bytes with a unit, within `range`.
    pub fn size(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let entry = self.entry(key)?;
        if !entry.value.is_str() {
            let number = number_of(&entry).unwrap_or_else(|| "10".to_owned());
            let hint = format!("write {key} = \"{number}B\", {}", units::SIZES);
            self.wrong(&entry.span, format!("\"{key}\" needs a unit"), Some(hint));
            return None;
        }
        let text = self.text_of(key, &entry)?;
        match units::size(&text) {
            Ok(bytes) if range.contains(&bytes) => Some(bytes),
            Ok(_) => {
                self.wrong(
                    &entry.span,
                    format!("\"{key}\" is out of range"),
                    Some(format!(
                        "from {} to {}",
                        units::write_size(*range.start()),
                        units::write_size(*range.end())
                    )),
                );
                None
            }
            Err(hint) => {
                let message = format!("\"{}\" is not a size", text.escape_debug());
                self.wrong(&entry.span, message, Some(format!("write {hint}")));
                None
            }
        }
    }

    /// A whole number within `range`.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let entry = self.entry(key)?;
        let number = entry
            .value
            .as_integer()
            .and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let hint = format!(
                    "write a whole number from {} to {}",
                    range.start(),
                    range.end()
                );
                self.wrong(
                    &entry.span,
                    format!("\"{key}\" is not such a number"),
                    Some(hint),
                );
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let entry = self.entry(key)?;
        let value = entry.value.as_bool();
        if value.is_none() {
            self.wrong(
                &entry.span,
                format!("\"{key}\" is neither true nor false"),
                Some(format!("write {key} = true")),
            );
        }
        value
    }

    /// A table under `key`.
    pub fn table(&mut self, key: &'static str) -> Option<Self> {
        let entry = self.entry(key)?;
        let Some(table) = entry.value.as_table() else {
            self.wrong(
                &entry.span,
                format!("\"{key}\" is not a table"),
                Some(format!("write [{}{key}] or {key} = {{ … }}", self.prefix())),
            );
            return None;
        };
        Some(Section::new(
            format!("{}{key}", self.prefix()),
            table,
            entry.span,
            self.source,
            self.report,
        ))
    }

    /// The tables under `key`, by name: `[check.NAME]`.
    pub fn named(&mut self, key: &'static str) -> Vec<(String, Self)> {
        let Some(outer) = self.table(key) else {
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (name, value) in outer.table {
            match value.get_ref().as_table() {
                Some(table) => {
                    let path = format!("{}.{}", outer.path, name.get_ref());
                    sections.push((
                        name.get_ref().to_string(),
                        Section::new(path, table, name.span(), self.source, self.report),
                    ));
                }
                None => outer.wrong(
                    &value.span(),
                    format!("\"{}\" is not a table", name.get_ref()),
                    Some(format!("write [{}.{}]", outer.path, name.get_ref())),
                ),
            }
        }
        sections
    }

    /// Where this table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where the value of `key` stands; the table where there is none.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.table
            .get(key)
            .map_or_else(|| self.span(), Spanned::span)
    }

    /// Notes that the value of `key` is wrong.
    pub fn refuse(&self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.wrong(&self.span_of(key), message.into(), Some(hint.into()));
    }

    /// Complains of every key that was never asked for.
    pub fn finish(self) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let around = self.around.as_ref();
            let outside = around.filter(|around| around.keys.contains(&name));
            let meant = near(name, self.known.iter().copied());
            let hint = match (outside, meant) {
                (Some(around), _) => format!("it belongs in [{}]", around.path),
                (None, Some(known)) => format!("did you mean \"{known}\"?"),
                (None, None) => format!("known here: {}", self.known.join(", ")),
            };
            let place = if self.path.is_empty() {
                "at the top".to_owned()
            } else {
                format!("in [{}]", self.path)
            };
            self.wrong(
                &key.span(),
                format!("unknown key \"{name}\" {place}"),
                Some(hint),
            );
        }
    }

    fn prefix(&self) -> String {
        if self.path.is_empty() {
            String::new()
        } else {
            format!("{}.", self.path)
        }
    }

    /// Notes that something is wrong at a place of this table.
    pub fn wrong(&self, span: &Range<usize>, message: String, hint: Option<String>) {
        self.report.at(self.source, span.clone(), message, hint);
    }

    /// The text of an entry, filled in as [`Section::string`] does.
    pub fn text_of(&self, key: &str, entry: &Entry<'_>) -> Option<String> {
        let Some(raw) = entry.value.as_str() else {
            self.wrong(
                &entry.span,
                format!("\"{key}\" is not a text"),
                Some(format!("write {key} = \"…\"")),
            );
            return None;
        };
        match expand(raw, &|name| self.report.variable(name)) {
            Ok(text) => Some(text),
            Err(name) => {
                let (message, hint) = if name.is_empty() {
                    let hint = "write ${NAME}, or $$ for a dollar".to_owned();
                    ("\"${\" begins no variable".to_owned(), hint)
                } else if raw.contains(&format!("${{{name}")) {
                    let hint = format!("set it, or write ${{{name}:-default}}, or $$ for a dollar");
                    (format!("the environment has no ${name}"), hint)
                } else {
                    let hint =
                        format!("write ${{{name}}} for the variable, or $${name} for a dollar");
                    (format!("\"${name}\" is no variable"), hint)
                };
                self.wrong(&entry.span, message, Some(hint));
                None
            }
        }
    }
}

fn number_of(entry: &Entry<'_>) -> Option<String> {
    entry.value.as_integer().map(|i| i.as_str().to_owned())
}
