//! Relations between checks: a name is there once, a parent or member exists, and nobody is their own ancestor or
//! a part of themselves.

use std::collections::BTreeMap;
use std::ops::Range;

use super::accept;
use super::check::{Draft, Origin};
use crate::probe::Probe;
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

/// A relation that a check names others by.
struct Relation {
    /// What a name that is nobody's is none for.
    role: &'static str,
    /// What a circle of them does, and how it is broken.
    circle: (&'static str, &'static str),
    /// The one at this place of a check.
    at: for<'d> fn(&'d Draft<'_>, usize) -> Option<Placed<'d>>,
}

/// A name, and where it stands.
type Placed<'d> = (&'d str, &'d Range<usize>);

const PARENTS: Relation = Relation {
    role: "to depend on",
    circle: (
        "checks depend on each other in a circle",
        "remove one of these dependencies",
    ),
    at: |draft, place| {
        let (name, span) = draft.origin.as_ref()?.depends_on.get(place)?;
        Some((name, span))
    },
};

const MEMBERS: Relation = Relation {
    role: "to be a part of it",
    circle: (
        "composites are parts of each other in a circle",
        "take one of them out of its list",
    ),
    at: |draft, place| {
        let Some(Probe::Composite(settings)) = &draft.probe else {
            return None;
        };
        let member = settings.members().get(place)?;
        Some((&member.name, &member.span))
    },
};

/// Complains of parents that do not exist, and of circles. `is_whole`: whether every file could be read; if
/// not, what seems to be missing may only be unreadable.
pub(super) fn parents(drafts: &[Draft<'_>], is_whole: bool, report: &Report<'_>) {
    related(drafts, is_whole, &PARENTS, report);
}

/// The same of the members of composites.
pub(super) fn members(drafts: &[Draft<'_>], is_whole: bool, report: &Report<'_>) {
    related(drafts, is_whole, &MEMBERS, report);
}

fn related(drafts: &[Draft<'_>], is_whole: bool, relation: &Relation, report: &Report<'_>) {
    let by_name: Names<'_> = drafts
        .iter()
        .map(|draft| (draft.check.name.as_ref(), draft))
        .collect();
    for draft in drafts {
        let Some(origin) = &draft.origin else {
            continue;
        };
        let named = (0..).map_while(|place| (relation.at)(draft, place));
        for (name, span) in named {
            if by_name.contains_key(name) || !is_whole {
                continue;
            }
            let hint = accept::nearest(name, by_name.keys().copied()).map_or_else(
                || "name another check or heartbeat of this configuration".to_owned(),
                |near| format!("did you mean \"{near}\"?"),
            );
            let message = format!("there is no check \"{name}\" {}", relation.role);
            report.at(origin.source, span.clone(), message, Some(hint));
        }
    }
    circles(drafts, &by_name, relation, report);
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

/// Follows every chain of a relation once, with a path of its own instead of recursion: a chain may be as
/// long as the configuration.
fn circles(drafts: &[Draft<'_>], by_name: &Names<'_>, relation: &Relation, report: &Report<'_>) {
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    for start in drafts {
        // Each step: the check, and how many of those that it names were followed.
        let mut path: Vec<(&Draft<'_>, usize)> = Vec::new();
        if !marks.contains_key(start.check.name.as_ref()) {
            marks.insert(&start.check.name, Mark::OnPath);
            path.push((start, 0));
        }
        while let Some((draft, followed)) = path.last_mut() {
            let Some((name, span)) = (relation.at)(draft, *followed) else {
                marks.insert(&draft.check.name, Mark::Done);
                path.pop();
                continue;
            };
            *followed += 1;
            let Some(&next) = by_name.get(name) else {
                continue;
            };
            match marks.get(next.check.name.as_ref()) {
                Some(Mark::Done) => {}
                Some(Mark::OnPath) => refuse_circle(&path, (next, span), relation, report),
                None => {
                    marks.insert(&next.check.name, Mark::OnPath);
                    path.push((next, 0));
                }
            }
        }
    }
}

/// `next` stands already on the path, whose last check names it at `span`.
fn refuse_circle(
    path: &[(&Draft<'_>, usize)],
    (next, span): (&Draft<'_>, &Range<usize>),
    relation: &Relation,
    report: &Report<'_>,
) {
    let names = path.iter().map(|(draft, _)| draft.check.name.as_ref());
    let circle: Vec<&str> = names
        .skip_while(|name| *name != next.check.name.as_ref())
        .chain([next.check.name.as_ref()])
        .collect();
    let closing = path.last().and_then(|(draft, _)| draft.origin.as_ref());
    let Some(origin) = closing else {
        return;
    };
    let (what, hint) = relation.circle;
    let message = format!("{what}: {}", circle.join(" → "));
    report.at(origin.source, span.clone(), message, Some(hint.to_owned()));
}
