//! Conditions on the header fields of an answer: `expect_headers`.

use ::http::header::{HeaderName, HeaderValue, SET_COOKIE};

use super::exchange::Head;
use super::more::PIECE_CHARS;
use crate::core::text;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::pattern::Pattern;
use crate::probe::trace::Trace;
use crate::settings::{Entry, Section};

/// Most conditions of one check.
const MOST: usize = 50;

/// One field of the head and how it should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    name: HeaderName,
    there: Option<bool>,
    matches: Option<Pattern>,
    not: Option<Pattern>,
}

/// Reads `expect_headers`: a name with a regular expression, `true` (it is there), `false` (it is not), or
/// `{ matches = …, not = … }`.
pub(super) fn read(section: &mut Section<'_>) -> Vec<Condition> {
    const KEY: &str = "expect_headers";
    let entries = section.entries(KEY).unwrap_or_default();
    if entries.len() > MOST {
        section.refuse(KEY, "too many headers", format!("at most {MOST}"));
    }
    let entries = entries.iter().take(MOST);
    entries
        .filter_map(|(name, entry)| one(section, KEY, name, entry))
        .collect()
}

fn one<'a>(section: &Section<'a>, key: &str, name: &str, entry: &Entry<'a>) -> Option<Condition> {
    let Ok(known) = HeaderName::try_from(name) else {
        section.wrong(
            &entry.span,
            format!("\"{}\" is not the name of a header", name.escape_debug()),
            Some(format!("write {key} = {{ Content-Type = \"^text/html\" }}")),
        );
        return None;
    };
    let mut condition = Condition {
        name: known,
        there: entry.value.as_bool(),
        matches: None,
        not: None,
    };
    if let Some(mut table) = section.table_in(key, name, entry) {
        condition.matches = Pattern::read(&mut table, "matches");
        condition.not = Pattern::read(&mut table, "not");
        if !table.has("matches") && !table.has("not") {
            let message = format!("it is not said how the header \"{name}\" should be");
            let hint = format!("write {name} = \"^text/html\", true, false, or {{ not = \"…\" }}");
            table.wrong(&table.span(), message, Some(hint));
        }
        table.finish();
    } else if condition.there.is_none() {
        let text = section.text_of(name, entry)?;
        condition.matches = Pattern::of(section, (name, &entry.span), &text);
    }
    Some(condition)
}

impl Condition {
    /// Judges the head of an answer.
    pub(super) fn judge(&self, head: &Head, judgement: &mut Judgement, trace: &mut Trace) {
        let values: Vec<&[u8]> = head
            .headers
            .get_all(&self.name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        let name = &self.name;
        let shown = |value: Option<&&[u8]>| match value {
            // Whoever reads our pages is not logged in there.
            Some(_) if *name == SET_COOKIE => "…".to_owned(),
            Some(value) => text::line(&String::from_utf8_lossy(value), PIECE_CHARS),
            None => "none".to_owned(),
        };
        let first = shown(values.first());
        let mut hold =
            |(holds, found): (bool, &str), expected: String, otherwise: &dyn Fn() -> String| {
                let what = format!("header {name}");
                let finding = || Finding::new(what, expected, found, holds);
                judgement.holds(trace, finding, otherwise);
            };
        let is_there = !values.is_empty();
        match self.there {
            Some(true) => hold((is_there, &first), "there".to_owned(), &|| no_header(name)),
            Some(false) => hold((!is_there, &first), "none".to_owned(), &|| {
                format!("there is a header {name}")
            }),
            None => {}
        }
        // Of several with this name, the one that it is about.
        let of = |pattern: &Pattern| values.iter().find(|value| pattern.matches(value));
        if let Some(pattern) = &self.matches {
            let matching = of(pattern);
            let found = shown(matching.or(values.first()));
            let wanted = text::line(pattern.as_str(), PIECE_CHARS);
            let holds = matching.is_some();
            hold((holds, &found), format!("/{wanted}/"), &|| {
                if is_there {
                    format!("{name} \"{found}\" does not match /{wanted}/")
                } else {
                    no_header(name)
                }
            });
        }
        if let Some(pattern) = &self.not {
            let matching = of(pattern);
            let found = shown(matching.or(values.first()));
            let unwanted = text::line(pattern.as_str(), PIECE_CHARS);
            let holds = matching.is_none();
            hold((holds, &found), format!("not /{unwanted}/"), &|| {
                format!("{name} \"{found}\" matches /{unwanted}/")
            });
        }
    }
}

fn no_header(name: &HeaderName) -> String {
    format!("there is no header {name}")
}
