//! Relations between checks: a name is there once, a parent exists, and nobody is their own ancestor.

use std::collections::BTreeMap;

use super::accept;
use super::check::{Draft, Origin};
use crate::settings::Report;

/// Complains of names that cannot be or are there twice. Those that were there before stay.
pub(super) fn names(drafts: &[Draft<'_>], report: &Report<'_>) {
    let mut first: BTreeMap<&str, Option<&Origin<'_>>> = BTreeMap::new();
    for draft in drafts {
        let (name, origin) = (draft.check.name.as_ref(), draft.origin.as_ref());
        let Some(here) = origin else {
            first.entry(name).or_insert(None);
            continue;
        };
        if let Err(hint) = accept::name(name) {
            let message = format!("\"{name}\" cannot be the name of a check");
            report.at(
                here.source,
                here.span.clone(),
                message,
                Some(hint.to_owned()),
            );
        }
        match first.get(name) {
            None => {
                first.insert(name, origin);
            }
            Some(other) => {
                let other = other.map_or("built in".to_owned(), |other| {
                    let place = other.source.place(other.span.clone());
                    format!("at {}:{}", place.file, place.line)
                });
                let message = format!("the name \"{name}\" is taken");
                let hint = format!("the first is {other}; rename or remove one of them");
                report.at(here.source, here.span.clone(), message, Some(hint));
            }
        }
    }
}

/// Complains of parents that do not exist, and of circles. `is_whole`: whether every file could be read; if
/// not, what seems to be missing may only be unreadable.
pub(super) fn parents(drafts: &[Draft<'_>], is_whole: bool, report: &Report<'_>) {
    let by_name: Names<'_> = drafts
        .iter()
        .map(|draft| (draft.check.name.as_ref(), draft))
        .collect();
    for origin in drafts.iter().filter_map(|draft| draft.origin.as_ref()) {
        for (parent, span) in &origin.depends_on {
            if by_name.contains_key(parent.as_str()) || !is_whole {
                continue;
            }
            let hint = accept::nearest(parent, by_name.keys().copied()).map_or_else(
                || "name another check or heartbeat of this configuration".to_owned(),
                |near| format!("did you mean \"{near}\"?"),
            );
            let message = format!("there is no check \"{parent}\" to depend on");
            report.at(origin.source, span.clone(), message, Some(hint));
        }
    }
    circles(drafts, &by_name, report);
}

type Names<'d> = BTreeMap<&'d str, &'d Draft<'d>>;

/// How far the search for circles is with a check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// On the path that is followed now.
    OnPath,
    /// It and all its ancestors are done.
    Done,
}

/// Follows every chain of parents once, with a path of its own instead of recursion: a chain may be as
/// long as the configuration.
fn circles(drafts: &[Draft<'_>], by_name: &Names<'_>, report: &Report<'_>) {
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    for start in drafts {
        // Each step: the check, and how many of its parents were followed.
        let mut path: Vec<(&Draft<'_>, usize)> = Vec::new();
        if !marks.contains_key(start.check.name.as_ref()) {
            marks.insert(&start.check.name, Mark::OnPath);
            path.push((start, 0));
        }
        while let Some((draft, followed)) = path.last_mut() {
            let Some(parent) = draft.check.depends_on.get(*followed) else {
                marks.insert(&draft.check.name, Mark::Done);
                path.pop();
                continue;
            };
            *followed += 1;
            let Some(&parent) = by_name.get(parent.as_ref()) else {
                continue;
            };
            match marks.get(parent.check.name.as_ref()) {
                Some(Mark::Done) => {}
                Some(Mark::OnPath) => refuse_circle(&path, parent, report),
                None => {
                    marks.insert(&parent.check.name, Mark::OnPath);
                    path.push((parent, 0));
                }
            }
        }
    }
}

fn refuse_circle(path: &[(&Draft<'_>, usize)], parent: &Draft<'_>, report: &Report<'_>) {
    let names = path.iter().map(|(draft, _)| draft.check.name.as_ref());
    let circle: Vec<&str> = names
        .skip_while(|name| *name != parent.check.name.as_ref())
        .chain([parent.check.name.as_ref()])
        .collect();
    let Some((closing, followed)) = path.last() else {
        return;
    };
    let Some(origin) = &closing.origin else {
        return;
    };
    let entry = followed
        .checked_sub(1)
        .and_then(|i| origin.depends_on.get(i));
    let span = entry.map_or(origin.span.clone(), |(_, span)| span.clone());
    let message = format!(
        "checks depend on each other in a circle: {}",
        circle.join(" → ")
    );
    let hint = "remove one of these dependencies".to_owned();
    report.at(origin.source, span, message, Some(hint));
}
