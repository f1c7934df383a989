//! Problems for a terminal: file, line and column, the line itself, a marker under what is wrong, a hint.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::files;
use crate::settings::Problem;

/// All problems, with colours for a terminal if `color`. The lines are read again from the files; one that
/// has changed meanwhile is named without its line.
pub fn render(problems: &[Problem], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut texts: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for place in problems.iter().filter_map(|problem| problem.place.as_ref()) {
        texts
            .entry(&place.file)
            .or_insert_with(|| files::text_again(&place.file).map(masked));
    }
    let blocks = problems.iter().map(|problem| {
        let text = problem
            .place
            .as_ref()
            .and_then(|place| texts.get(place.file.as_ref()))
            .and_then(Option::as_deref);
        renderer.render(&[block(problem, text)])
    });
    blocks
        .map(|block| block + "\n")
        .collect::<Vec<_>>()
        .join("\n")
}

/// `text` with a star for every byte of a password: in a URL, and as the value of a key that is a secret. The
/// length stays, so that markers stand where they should.
fn masked(text: String) -> String {
    let secrets = r#"://[^\s"'/@:]*:([^\s"'@]+)@|(?m:^\s*(?:password|secret|\w*key)\s*=\s*"([^"\n]*)")|(?i:authorization\s*=\s*"([^"\n]*)")"#;
    let Ok(secrets) = regex::Regex::new(secrets) else {
        return text;
    };
    let mut shown = text.clone();
    for found in secrets.captures_iter(&text) {
        for secret in found.iter().skip(1).flatten() {
            shown.replace_range(secret.range(), &"*".repeat(secret.len()));
        }
    }
    shown
}

fn block<'p>(problem: &'p Problem, text: Option<&'p str>) -> Group<'p> {
    let title = Level::ERROR.primary_title(problem.message.as_str());
    let hint = problem
        .hint
        .as_deref()
        .map(|hint| Level::HELP.message(hint));
    let place = problem.place.as_ref();
    let line = place.zip(text).and_then(|(place, text)| {
        let (line, marked) = line_of(text, &place.span)?;
        Some((place, line, marked))
    });
    let group = match (line, place) {
        (Some((place, line, marked)), _) => title.element(
            Snippet::source(line)
                .line_start(place.line)
                .path(place.file.as_ref())
                .annotation(AnnotationKind::Primary.span(marked)),
        ),
        (None, Some(place)) => title.element(
            annotate_snippets::Origin::path(place.file.as_ref())
                .line(place.line)
                .char_column(place.column),
        ),
        (None, None) => Group::with_title(title),
    };
    group.elements(hint)
}

/// The first line that `span` touches, and what of it is marked: at least one character's room.
fn line_of<'t>(text: &'t str, span: &Range<usize>) -> Option<(&'t str, Range<usize>)> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |i| i + 1);
    let rest = text.get(start..)?;
    let line = rest.lines().next().unwrap_or_default();
    let from = (span.start - start).min(line.len());
    let to = span.end.saturating_sub(start).clamp(from, line.len());
    let whole = line.is_char_boundary(from) && line.is_char_boundary(to);
    whole.then_some((line, from..to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_wrong_line_is_printed() {
        for line in [
            "postgres = { url = \"postgres://belfry:hunter2@db/x\", evry = 1 }",
            "password = \"hunter2\"",
            "http = { url = \"x\", headers = { Authorization = \"Bearer hunter2\" } }",
        ] {
            let shown = masked(line.to_owned());
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(shown.len(), line.len());
        }
    }
}
