//! Conditions on what a JSON body says: `json`, by JSONPath (RFC 9535).
//!
//! The paths are ours and the body is not: what would make a path look at a body again and again (a second `..`,
//! a filter that begins at the root) is refused when it is read, and the number of values is bounded.

use std::sync::Arc;

use serde_json::Value;
use serde_json_path::JsonPath;

use super::body::Body;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;
use crate::settings::{Entry, Section};

mod rule;

use rule::Rule;

/// Most conditions of one check, and the longest path.
const MOST: usize = 50;
const LONGEST: usize = 500;
/// Most values of a body: each costs up to 600 bytes once it is read.
const VALUES: usize = 50_000;

/// A path and what the values that it leads to should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// As it is written.
    text: Arc<str>,
    path: JsonPath,
    rule: Rule,
}

/// Reads `json`: each path with a value, or with a table of what should hold.
pub(super) fn read(section: &mut Section<'_>) -> Vec<Condition> {
    const KEY: &str = "json";
    let entries = section.entries(KEY).unwrap_or_default();
    if entries.len() > MOST {
        section.refuse(KEY, "too many paths", format!("at most {MOST}"));
    }
    let entries = entries.iter().take(MOST);
    entries
        .filter_map(|(text, entry)| one(section, KEY, text, entry))
        .collect()
}

fn one<'a>(section: &Section<'a>, key: &str, text: &str, entry: &Entry<'a>) -> Option<Condition> {
    let rule = match section.table_in(key, text, entry) {
        Some(table) => Rule::read(table),
        None => Rule::of(section, text, entry),
    };
    let parsed = JsonPath::parse(text).map_err(|error| error.to_string());
    let path = match parsed.and_then(|path| bounded(text).map(|()| path)) {
        Ok(path) => path,
        Err(why) => {
            section.wrong(
                &entry.span,
                format!("\"{}\" is not a path into JSON", text.escape_debug()),
                Some(format!("write {key} = {{ \"$.status\" = \"up\" }}; {why}")),
            );
            return None;
        }
    };
    Some(Condition {
        text: text.into(),
        path,
        rule: rule?,
    })
}

/// Whether a path looks at a body a bounded number of times. The error says what to leave out.
fn bounded(path: &str) -> Result<(), String> {
    if path.len() > LONGEST {
        return Err(format!("at most {LONGEST} characters"));
    }
    let mut quote = None;
    let mut bare = String::new();
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(_) if c == '\\' => drop(chars.next()),
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None => bare.push(c),
        }
    }
    let filter = bare.split_once('?').map_or("", |(_, filter)| filter);
    if bare.matches("..").count() > 1 || filter.contains("..") {
        return Err("\"..\" can stand once in a path, before a filter".to_owned());
    }
    if filter.contains('$') {
        return Err("a filter looks at @, not at $ again".to_owned());
    }
    Ok(())
}

/// Judges a body by all of `conditions`.
pub(super) fn judge(
    conditions: &[Condition],
    body: &Body,
    judgement: &mut Judgement,
    trace: &mut Trace,
) {
    if conditions.is_empty() {
        return;
    }
    let parsed = parse(body);
    judgement.holds(
        trace,
        || {
            let found = parsed.as_ref().err().map_or("JSON", String::as_str);
            Finding::new("body", "JSON", found, parsed.is_ok())
        },
        || {
            let why = parsed.as_ref().err();
            format!("the body {}", why.map_or("is JSON", String::as_str))
        },
    );
    let Ok(value) = parsed else {
        return;
    };
    for condition in conditions {
        let found = condition.path.query(&value).all();
        condition
            .rule
            .judge(&condition.text, &found, judgement, trace);
    }
}

/// The body as JSON. The error says what it is instead.
fn parse(body: &Body) -> Result<Value, String> {
    if body.cut || body.size > body.text.len() as u64 {
        return Err("is longer than 1 MiB, of which no JSON is read".to_owned());
    }
    // Each value but the first stands behind one of these.
    let values = body.text.iter().filter(|byte| b"[{,:".contains(byte));
    if values.count() > VALUES {
        return Err(format!(
            "has more than {VALUES} values of JSON, which are not read"
        ));
    }
    serde_json::from_slice(&body.text).map_err(|error| format!("is not JSON ({error})"))
}

#[cfg(test)]
mod tests;
