//! The first page: the answer in words, open incidents, then every check in a row.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::census::{Census, Verdict};
use super::face::Face;
use super::incident::open_cards;
use super::layout::{Frame, Live, Tab, layout};
use super::{Shell, foot, row};
use crate::core::check::{Check, CheckId};

/// The heading of the checks on ourselves, which stand last.
const ITSELF: &str = "Belfry itself";

/// The page.
pub fn overview(shell: &Shell<'_>) -> Markup {
    let census = Census::of(shell);
    let verdict = census.verdict();
    let main = html! {
        (verdict_of(shell, &verdict))
        (open_cards(shell, &census))
        @for group in groups(&census) {
            section.group {
                (group.heading())
                ul { @for &(watched, face) in &group.rows { (row::drawn(shell, watched, face)) } }
            }
        }
        @if census.rows.is_empty() { (nothing()) } @else { (legend()) }
    };
    let frame = Frame {
        tab: Some(Tab::Overview),
        title: &verdict.sentence,
        live: Live::Fragments,
    };
    layout(shell, &frame, &main)
}

/// The answer; replaced by live updates under the id `verdict`.
pub fn verdict(shell: &Shell<'_>) -> Markup {
    verdict_of(shell, &Census::of(shell).verdict())
}

/// The parts of the overview that are no longer what they were, with their ids: the rows of `changed`,
/// the headings of their groups, and all that sums up.
pub fn fragments(shell: &Shell<'_>, changed: &[CheckId]) -> Vec<(String, Markup)> {
    let census = Census::of(shell);
    let changed: BTreeSet<CheckId> = changed.iter().copied().collect();
    let mut parts = Vec::new();
    for group in groups(&census) {
        let touched = group.rows.iter().filter(|row| changed.contains(&row.0.id));
        let before = parts.len();
        parts.extend(touched.map(|&(watched, face)| {
            (
                format!("check-{}", watched.id),
                row::drawn(shell, watched, face),
            )
        }));
        if parts.len() > before {
            parts.push((group.id(), group.heading()));
        }
    }
    parts.push(("verdict".to_owned(), verdict_of(shell, &census.verdict())));
    parts.push(("incidents".to_owned(), open_cards(shell, &census)));
    parts.push(("foot".to_owned(), foot(shell)));
    parts
}

fn verdict_of(shell: &Shell<'_>, verdict: &Verdict) -> Markup {
    html! {
        section #verdict class={ "verdict " (verdict.face.word()) } data-title=(verdict.sentence) {
            h1 { (verdict.sentence) }
            p {
                @if let Some(since) = verdict.since { "for " (shell.span(since)) }
                @if verdict.since.is_some() && !verdict.others.is_empty() { " · " }
                (verdict.others)
            }
        }
    }
}

/// Checks under one heading, in the order of the plan.
struct Group<'a> {
    number: usize,
    name: &'a str,
    rows: Vec<(&'a crate::core::engine::Watched, Face)>,
}

impl Group<'_> {
    fn id(&self) -> String {
        format!("group-{}", self.number)
    }

    fn heading(&self) -> Markup {
        let (all, bad) = (
            self.rows.len(),
            self.rows
                .iter()
                .filter(|row| row.1.needs_attention())
                .count(),
        );
        html! {
            h2 id=(self.id()) {
                (self.name)
                @if bad > 0 {
                    " " small {
                        @if all == 1 { "needs attention" }
                        @else { (bad) " of " (all) @if bad == 1 { " needs attention" } @else { " need attention" } }
                    }
                }
            }
        }
    }
}

/// The heading a check stands under.
fn heading(check: &Check) -> &str {
    match check.group.as_ref() {
        "" if check.name.starts_with("belfry.") => ITSELF,
        "" if check.heartbeat.is_some() => "Jobs",
        "" => "Checks",
        group => group,
    }
}

/// In the order in which the plan names them first; the checks on ourselves last.
fn groups<'a>(census: &Census<'a>) -> Vec<Group<'a>> {
    let mut places = std::collections::BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for &(watched, face) in &census.rows {
        let name = heading(&watched.check);
        let place = *places.entry(name).or_insert_with(|| {
            groups.push(Group {
                number: groups.len(),
                name,
                rows: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.rows.push((watched, face));
        }
    }
    groups.sort_by_key(|group| group.name == ITSELF);
    groups
}

fn legend() -> Markup {
    html! {
        p.legend {
            @for word in ["up", "degraded", "down", "unknown"] { span class=(word) { (word) } }
            span.none { "nothing recorded" }
            span.plain { "90 days, a bar a day, UTC; each shows the worst of its day" }
        }
    }
}

fn nothing() -> Markup {
    html! {
        section.empty {
            p { "Write what to watch into the configuration, and it appears here within a second:" }
            pre { code {
                "[check.shop]\n"
                "http = { url = \"https://shop.example.org/health\" }\n"
                "every = \"30s\""
            } }
        }
    }
}
