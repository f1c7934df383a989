//! Incidents: as cards while they are open, as a list, and one with everything about it.

use maud::{Markup, html};

use super::census::Census;
use super::face::Face;
use super::layout::{Frame, Live, Tab, heading, layout};
use super::mail::table;
use super::when::age;
use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::incident::{Entry, Incident};
use crate::core::outbox::Notification;
use crate::core::state::Phase;
use crate::core::time::human;

/// Cards that are drawn with their timeline; further ones are short. When a hundred things break at
/// once, the page has to stay one that can be read.
const FULL_CARDS: usize = 5;

/// Cards that are drawn at all; what is beyond is one line that leads to the list.
const CARDS: usize = 20;

/// Lines of a timeline on a card: the first ones, and the newest.
const FIRST_LINES: usize = 3;
const LAST_LINES: usize = 4;

/// The open ones as cards; replaced by live updates under the id `incidents`.
pub fn incidents_open(shell: &Shell<'_>) -> Markup {
    open_cards(shell, &Census::of(shell))
}

/// The same where the checks have been looked at already.
pub(super) fn open_cards(shell: &Shell<'_>, census: &Census<'_>) -> Markup {
    let open = by_urgency(shell);
    let more = open.len().saturating_sub(CARDS);
    html! {
        section #incidents aria-label="Open incidents" {
            @for (place, &incident) in open.iter().take(CARDS).enumerate() {
                (card(shell, incident, census, place < FULL_CARDS))
            }
            @if more > 0 {
                p { a.link href="/incidents" { (more) @if more == 1 { " more open incident" } @else { " more open incidents" } } }
            }
        }
    }
}

/// The open ones, the worst that nobody is on first.
fn by_urgency<'a>(shell: &Shell<'a>) -> Vec<&'a Incident> {
    let mut open: Vec<&Incident> = shell
        .view
        .engine
        .incidents
        .values()
        .map(AsRef::as_ref)
        .collect();
    open.sort_by_key(|i| (i.worst != Phase::Down, i.acknowledged.is_some(), i.opened));
    open
}

fn card(shell: &Shell<'_>, incident: &Incident, census: &Census<'_>, full: bool) -> Markup {
    let watched = shell.view.engine.watched(incident.check);
    html! {
        article class={ "incident " (incident.worst.word()) @if incident.acknowledged.is_some() { " seen" } } {
            (card_head(shell, incident))
            p { b { "Evidence" } " " (shell.shown(&incident.evidence)) @if full { " (" (incident.reason) ")" } }
            @if let Some(watched) = watched { (flapping(watched)) }
            @if full {
                (waiting(shell, incident, census))
                @if let Some(watched) = watched { (next_step(watched)) }
                (timeline(shell, &incident.timeline, true))
            }
            footer {
                @match &incident.acknowledged {
                    Some(seen) => span.seen {
                        "acknowledged by " b { (shell.shown(&seen.by)) } ", " (shell.time(seen.at))
                        @if !seen.note.is_empty() { ": “" (shell.shown(&seen.note)) "”" }
                    },
                    None => @if shell.operator { (acknowledge(incident, false)) } @else { span { "not acknowledged" } },
                }
                a href={ "/incidents/" (segment(&incident.id.0)) } { "The whole story" }
            }
        }
    }
}

fn card_head(shell: &Shell<'_>, incident: &Incident) -> Markup {
    html! {
        header {
            (Face::of_phase(incident.worst))
            h2 { a href={ "/checks/" (segment(&incident.name)) } { (incident.name) } }
            span.when { (shell.time(incident.opened)) ", " (shell.span(incident.opened)) " ago" }
        }
    }
}

/// That an incident stays open though the check is well at times.
fn flapping(watched: &Watched) -> Markup {
    let calm = watched.check.flapping.filter(|_| watched.record.flapping);
    html! {
        @if let Some(calm) = calm {
            p { b { "Flapping" } " it is " (watched.phase().word()) " now; this stays open until it has been steady for " (human(calm.calm())) }
        }
    }
}

/// The checks whose alerts are held because of it.
fn waiting(shell: &Shell<'_>, incident: &Incident, census: &Census<'_>) -> Markup {
    let held = census
        .rows
        .iter()
        .filter(|row| row.1 == Face::Held)
        .map(|row| row.0);
    let by_this = |watched: &&&std::sync::Arc<Watched>| {
        shell.view.engine.held_by(watched).as_deref() == Some(incident.name.as_ref())
    };
    let names: Vec<&str> = held
        .filter(|w| by_this(&w))
        .map(|w| w.check.name.as_ref())
        .collect();
    html! {
        @if !names.is_empty() { p { b { "Affects" } " " (names.join(", ")) } }
    }
}

/// What to do: the runbook, a link where it is one.
fn next_step(watched: &Watched) -> Markup {
    html! {
        @if let Some(runbook) = &watched.check.runbook {
            p { b { "Next" } " "
                @if is_link(runbook) { a.link href=(runbook) rel="noreferrer" { (runbook) } }
                @else { code { (runbook) } }
            }
        }
    }
}

/// Only what a browser opens as a page; `javascript:` and its like stay text.
pub(super) fn is_link(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

fn acknowledge(incident: &Incident, note: bool) -> Markup {
    html! {
        form.act method="post" action={ "/incidents/" (segment(&incident.id.0)) "/ack" } {
            @if note {
                label { span.sr { "Note" } input name="note" maxlength="500" placeholder="a note, if you like" autocomplete="off"; }
            }
            button { "Acknowledge" }
        }
    }
}

fn timeline(shell: &Shell<'_>, entries: &[Entry], short: bool) -> Markup {
    let cut = short && entries.len() > FIRST_LINES + LAST_LINES + 1;
    let (first, last) = if cut {
        (
            entries.get(..FIRST_LINES),
            entries.get(entries.len() - LAST_LINES..),
        )
    } else {
        (Some(entries), None)
    };
    let line =
        |entry: &Entry| html! { li { (shell.time(entry.at)) " " (shell.shown(&entry.text)) } };
    html! {
        ol.timeline {
            @for entry in first.unwrap_or_default() { (line(entry)) }
            @if cut { li.more { "… " (entries.len() - FIRST_LINES - LAST_LINES) " more …" } }
            @for entry in last.unwrap_or_default() { (line(entry)) }
        }
    }
}

/// All incidents: the open ones of the view, then the closed ones, newest first.
pub fn incidents(shell: &Shell<'_>, closed: &[Incident]) -> Markup {
    let open = shell.view.engine.incidents.len();
    let title = match open {
        0 => "No open incidents".to_owned(),
        1 => "1 open incident".to_owned(),
        open => format!("{open} open incidents"),
    };
    let below = match closed.len() {
        0 => html! { "none was closed yet" },
        1 => html! { "1 closed" },
        closed => html! { (closed) " closed" },
    };
    let main = html! {
        (heading(&title, &below))
        (incidents_open(shell))
        @let rest: Vec<&Incident> = by_urgency(shell).into_iter().skip(CARDS).chain(closed).collect();
        @if closed.is_empty() && open == 0 {
            p.empty { "An incident opens when a check goes down and closes when it is good again. It is listed here for good, with all that happened in between." }
        } @else if !rest.is_empty() {
            section.part { h2 { @if open > CARDS { "Others" } @else { "Earlier" } } (list(shell, &rest)) }
        }
    };
    let frame = Frame {
        tab: Some(Tab::Incidents),
        title: &title,
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}

/// Incidents as a table.
pub(super) fn list(shell: &Shell<'_>, incidents: &[&Incident]) -> Markup {
    let mut newest = incidents.to_vec();
    newest.sort_by_key(|incident| std::cmp::Reverse(incident.opened));
    html! {
        div.scroll.stack { table {
            thead { tr { th { "Opened" } th { "Check" } th { "Lasted" } th { "Evidence" } } }
            tbody {
                @for incident in newest {
                    tr {
                        td { a href={ "/incidents/" (segment(&incident.id.0)) } { (shell.time(incident.opened)) } }
                        td { (Face::of_phase(incident.worst)) " " a href={ "/checks/" (segment(&incident.name)) } { (incident.name) } }
                        td.figure data-th="lasted" { (lasted(shell, incident)) }
                        td.wide { (shell.shown(&incident.evidence)) }
                    }
                }
            }
        } }
    }
}

fn lasted(shell: &Shell<'_>, incident: &Incident) -> Markup {
    html! {
        @match incident.closed {
            Some(closed) => (age(closed.since(incident.opened))),
            None => { (shell.span(incident.opened)) ", open" }
        }
    }
}

/// One incident with everything about it: what happened, and who was told.
pub fn incident(shell: &Shell<'_>, incident: &Incident, notifications: &[Notification]) -> Markup {
    let watched = shell.view.engine.watched(incident.check);
    let (name, worst) = (&incident.name, incident.worst.word());
    let title = if incident.closed.is_some() {
        format!("{name} was {worst}")
    } else if watched.is_some_and(|watched| watched.record.flapping) {
        format!("{name} flaps")
    } else {
        format!("{name} is {worst}")
    };
    let tone = if incident.closed.is_some() {
        "closed"
    } else {
        incident.worst.word()
    };
    let main = html! {
        section class={ "verdict " (tone) } {
            h1 { (title) }
            p { "since " (shell.time(incident.opened)) @match incident.closed {
                Some(closed) => { " · closed " (shell.time(closed)) " after " (lasted(shell, incident)) }
                None => { ", for " (shell.span(incident.opened)) }
            } }
        }
        article class={ "incident " (tone) } {
            p { b { "Evidence" } " " (shell.shown(&incident.evidence)) }
            p { b { "Reason" } " " (incident.reason) ", first failure " (shell.time(incident.first_failure)) }
            p { b { "Check" } " " a.link href={ "/checks/" (segment(&incident.name)) } { (incident.name) } }
            @if let Some(watched) = watched { (flapping(watched)) (next_step(watched)) }
            footer { (attention(shell, incident)) }
        }
        section.part { h2 { "What happened" } (timeline(shell, &incident.timeline, false)) }
        section.part { h2 { "Who was told" }
            @if notifications.is_empty() {
                @if watched.is_some_and(|watched| watched.check.recipients.is_empty()) {
                    p.empty { "Nobody: no recipient is configured for this check." }
                } @else { p.empty { "Nobody." } }
            } @else { (table(shell, notifications)) }
        }
        p.fine { "Incident " code { (incident.id) } }
    };
    let frame = Frame {
        tab: Some(Tab::Incidents),
        title: &title,
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}

fn attention(shell: &Shell<'_>, incident: &Incident) -> Markup {
    html! {
        @match (&incident.acknowledged, incident.closed) {
            (Some(seen), _) => span.seen {
                "acknowledged by " b { (shell.shown(&seen.by)) } ", " (shell.time(seen.at))
                @if !seen.note.is_empty() { ": “" (shell.shown(&seen.note)) "”" }
            },
            (None, None) if shell.operator => (acknowledge(incident, true)),
            (None, _) => span { "not acknowledged" },
        }
    }
}
