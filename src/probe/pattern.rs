//! A regular expression that an answer must match.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use crate::settings::Section;

/// Largest compiled expression in bytes; a pattern that needs more is a mistake, and would cost memory for
/// every check.
const SIZE: usize = 1 << 20;

/// Two patterns are equal when they are written the same.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    /// Reads the pattern under `key`.
    pub(super) fn read(section: &mut Section<'_>, key: &'static str) -> Option<Self> {
        Self::read_with(section, key, |_| {})
    }

    /// Reads a pattern for lines, where `^` and `$` are the ends of any line, with or without a CR.
    pub(super) fn read_lines(section: &mut Section<'_>, key: &'static str) -> Option<Self> {
        Self::read_with(section, key, |builder| {
            builder.multi_line(true).crlf(true);
        })
    }

    /// A pattern for lines of our own; a test compiles each.
    pub(super) fn ours(text: &'static str) -> Self {
        let regex = RegexBuilder::new(text).multi_line(true).crlf(true).build();
        Self(regex.expect("a test has compiled it"))
    }

    fn read_with(
        section: &mut Section<'_>,
        key: &'static str,
        how: impl FnOnce(&mut RegexBuilder),
    ) -> Option<Self> {
        let text = section.string(key)?;
        Self::built(section, (key, &section.span_of(key)), &text, how)
    }

    /// The pattern `text`, which stands under a `key` that the user has named.
    pub(super) fn of(
        section: &Section<'_>,
        place: (&str, &Range<usize>),
        text: &str,
    ) -> Option<Self> {
        Self::built(section, place, text, |_| {})
    }

    fn built(
        section: &Section<'_>,
        (key, span): (&str, &Range<usize>),
        text: &str,
        how: impl FnOnce(&mut RegexBuilder),
    ) -> Option<Self> {
        let mut builder = RegexBuilder::new(text);
        how(builder.size_limit(SIZE));
        match builder.build() {
            Ok(regex) => Some(Self(regex)),
            Err(error) => {
                // The last line of the error says what is wrong, those above draw where.
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                section.wrong(
                    span,
                    format!("\"{key}\" is not a regular expression"),
                    Some(reason.trim_start_matches("error: ").to_owned()),
                );
                None
            }
        }
    }

    pub(super) fn matches(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }

    /// Where the first match ends.
    pub(super) fn end(&self, bytes: &[u8]) -> Option<usize> {
        self.0.find(bytes).map(|found| found.end())
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
