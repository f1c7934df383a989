//! The parsed text of all files as one configuration.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::settings::{Place, Problem, Report, Section, Source};

/// All files, parsed.
pub(super) struct Document<'a> {
    files: Vec<(&'a Source, Spanned<DeTable<'a>>)>,
    /// Where the syntax is wrong.
    broken: Vec<Place>,
    /// Whether all of it could be read; if not, something that seems missing may be there.
    pub is_whole: bool,
}

/// A line of a file.
pub(super) type Line = (Arc<str>, usize);

impl<'a> Document<'a> {
    /// Parses every file as far as it goes.
    pub(super) fn parse(texts: &'a [Source], report: &Report<'_>) -> Self {
        let (mut files, mut broken) = (Vec::new(), Vec::new());
        for source in texts {
            let (table, errors) = DeTable::parse_recoverable(&source.text);
            let mut twice = 0..0;
            for error in &errors {
                let span = error.span().unwrap_or(0..0);
                let is_duplicate = error.message().starts_with("duplicate key");
                if is_duplicate && twice.contains(&span.start) {
                    // The whole table is there twice, which is said already.
                    continue;
                }
                let mut hint = None;
                if is_duplicate {
                    hint = first_of_two(&span, source, &table);
                    twice = table_from(&source.text, span.start);
                }
                broken.push(source.place(span.clone()));
                report.at(source, span, plain(error.message()), hint);
            }
            if errors.is_empty() && table.get_ref().is_empty() {
                report.at(
                    source,
                    0..0,
                    "there is no table in this file",
                    Some("write at least [daemon], or remove the file".to_owned()),
                );
            }
            files.push((source, table));
        }
        let is_whole = broken.is_empty();
        Self {
            files,
            broken,
            is_whole,
        }
    }

    /// The lines with a syntax error.
    pub(super) fn broken_lines(&self) -> BTreeSet<Line> {
        let line = |place: &Place| (Arc::clone(&place.file), place.line);
        self.broken.iter().map(line).collect()
    }

    /// The top of each file, to be read.
    pub(super) fn sections<'s>(&'s self, report: &'s Report<'s>) -> Files<'s> {
        let root = |(source, table): &'s (&'a Source, Spanned<DeTable<'a>>)| {
            Section::new("", table.get_ref(), table.span(), source, report)
        };
        Files {
            roots: self.files.iter().map(root).collect(),
            is_whole: self.is_whole,
        }
    }
}

/// The tables of all files.
pub(super) struct Files<'a> {
    roots: Vec<Section<'a>>,
    pub is_whole: bool,
}

impl<'a> Files<'a> {
    /// The table `key`, which may stand in one file only.
    pub(super) fn one(&mut self, key: &'static str) -> Option<Section<'a>> {
        let mut tables = self.roots.iter_mut().filter_map(|root| root.table(key));
        let first = tables.next()?;
        for second in tables {
            let hint = format!("keep one of them; the first is at {}", Spot::of(&first));
            second.report.at(
                second.source,
                second.span(),
                format!("[{key}] is written twice"),
                Some(hint),
            );
        }
        Some(first)
    }

    /// The tables `[key.NAME]` of all files, in the order in which they are written.
    pub(super) fn named(&mut self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let in_order = |root: &mut Section<'a>| {
            let mut sections = root.named(key);
            sections.sort_by_key(|(_, section)| section.span().start);
            sections
        };
        self.roots.iter_mut().flat_map(in_order).collect()
    }

    /// Complains of tables that nobody knows.
    pub(super) fn finish(self) {
        for root in self.roots {
            root.finish();
        }
    }
}

/// Where a section stands: `config/belfry.toml:12`. The line is counted only where it is said, since that reads the
/// file from its beginning.
#[derive(Clone, Debug)]
pub(super) struct Spot<'a> {
    source: &'a Source,
    span: Range<usize>,
}

impl<'a> Spot<'a> {
    pub(super) fn of(section: &Section<'a>) -> Self {
        Self {
            source: section.source,
            span: section.span(),
        }
    }
}

impl fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.source.place(self.span.clone());
        write!(f, "{}:{}", place.file, place.line)
    }
}

/// All problems in the order of files and lines, without those that only follow from bad syntax on the same
/// line.
pub(super) fn tidy(
    problems: Vec<Problem>,
    broken: &BTreeSet<Line>,
    texts: &[Source],
) -> Vec<Problem> {
    let mut seen: BTreeSet<Line> = BTreeSet::new();
    let mut kept: Vec<Problem> = problems
        .into_iter()
        .filter(|problem| {
            let Some(place) = &problem.place else {
                return true;
            };
            let line = (Arc::clone(&place.file), place.line);
            // The syntax was parsed first, so the first problem of such a line is its cause.
            !broken.contains(&line) || seen.insert(line)
        })
        .collect();
    kept.sort_by_key(|problem| {
        let place = problem.place.as_ref();
        let file = place.and_then(|place| texts.iter().position(|text| text.name == place.file));
        // What has no place comes first (a file that cannot be read), but for "and so many more".
        let is_rest = place.is_none() && problem.hint.is_none();
        (is_rest, file, place.map(|place| place.span.start))
    });
    kept
}

/// For a key that is written twice: where the first one is.
fn first_of_two(
    span: &Range<usize>,
    source: &Source,
    table: &Spanned<DeTable<'_>>,
) -> Option<String> {
    let written = source.text.get(span.clone())?;
    let name = written.trim_matches(['"', '\'']);
    let mut places = Vec::new();
    keys_named(name, table.get_ref(), &mut places);
    let first = places.into_iter().filter(|place| place.start < span.start);
    let first = first.map(|place| place.start).max();
    let place = source.place(first.or_else(|| header_like(&source.text, span.start))?..span.end);
    Some(format!(
        "\"{name}\" is already at {}:{}; keep one of them",
        place.file, place.line
    ))
}

/// Where the same header stands before: the parser does not keep the place of the first.
fn header_like(text: &str, at: usize) -> Option<usize> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |i| i + 1);
    let header = text.get(start..)?.lines().next()?.trim();
    let mut offset = 0;
    for line in text.get(..start)?.split_inclusive('\n') {
        if line.trim() == header {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// For a place in a header: from there to the next header. Nothing for a place elsewhere.
fn table_from(text: &str, at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    if !line.trim_start().starts_with('[') {
        return 0..0;
    }
    let after = text.get(at..).unwrap_or_default();
    at..after.find("\n[").map_or(text.len(), |length| at + length)
}

fn keys_named(name: &str, table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        if key.get_ref() == name {
            found.push(key.span());
        }
        if let DeValue::Table(inner) = value.get_ref() {
            keys_named(name, inner, found);
        }
    }
}

/// The parser's message on one line.
fn plain(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("; ")
}
