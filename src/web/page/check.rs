//! Everything about one check.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::bar::{Bar, Day};
use super::beat::beating;
use super::chart;
use super::face::Face;
use super::incident::list;
use super::layout::{Frame, Live, layout};
use super::remedy::remedy;
use super::row::percent;
use super::runs::runs;
use super::series::{Window, measured};
use super::settings::settings;
use super::when::{age, micros};
use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::heartbeat::{Deaf, Said};
use crate::core::incident::Incident;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::state::Phase;
use crate::core::time::Time;
use crate::core::view;

/// Looks that the table shows; the API has all of them.
const LOOKS: usize = 25;

/// What is remembered of it beside the view.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past<'a> {
    /// Looks, in any order.
    pub recent: &'a [(Time, Outcome)],
    /// In any order.
    pub incidents: &'a [Incident],
    /// Those of the last day, oldest first.
    pub windows: &'a [Window],
    /// Of a heartbeat, newest first.
    pub pings: &'a [Said],
    /// Times in which no ping could have been taken, newest first.
    pub deaf: &'a [Deaf],
    /// Where its badge is.
    pub badge: &'a str,
}

/// The page.
pub fn check(shell: &Shell<'_>, watched: &Watched, past: &Past<'_>) -> Markup {
    let incidents = past.incidents;
    let face = Face::of(&shell.view.engine, watched);
    let name = &watched.check.name;
    let title = match face {
        Face::New if watched.record.beat.is_some() => format!("{name} has not reported in yet"),
        Face::New => format!("{name} was not looked at yet"),
        Face::Unknown => format!("{name} cannot be seen"),
        Face::Down | Face::Held | Face::Degraded | Face::Up | Face::Paused => {
            format!("{name} is {}", face.word())
        }
    };
    let mut recent: Vec<&(Time, Outcome)> = past.recent.iter().collect();
    recent.sort_by_key(|look| Reverse(look.0));
    let main = html! {
        (head(shell, watched, face, &title))
        @if shell.operator { (buttons(watched)) }
        @if let Some(beat) = &watched.record.beat { (beating(shell, watched, beat, past.deaf)) }
        (history(shell, watched))
        (chart::latency(shell, &recent))
        @if let Some(last) = &watched.record.last { (chart::phases(&last.outcome)) }
        (measured(shell, watched, past.windows))
        (remedy(shell, watched))
        (settings(shell, watched))
        @match &watched.record.beat {
            // What it was heard to say is what is known of it.
            Some(beat) => (runs(shell, watched.id, beat, past.pings)),
            None => (looks(shell, &recent)),
        }
        section.part { h2 { "Incidents" }
            @if incidents.is_empty() { p.empty { "None is recorded." } } @else { (list(shell, &incidents.iter().collect::<Vec<_>>())) }
        }
        @if !past.badge.is_empty() { (badge(past.badge)) }
    };
    let frame = Frame {
        tab: None,
        title: &title,
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}

/// Where the state is as a picture.
fn badge(address: &str) -> Markup {
    html! {
        section.part { h2 { "Badge" }
            pre { code { span.origin { "http://THIS-HOST" } (address) } }
            p.fine { a.link href=(address) { "The state as a picture" } ", for the pages of others. Also as " code { ".json" } " and " code { ".shields" } "; " code { "?states=2" } " calls late up." }
        }
    }
}

fn head(shell: &Shell<'_>, watched: &Watched, face: Face, title: &str) -> Markup {
    let record = &watched.record;
    html! {
        section class={ "verdict " (face.word()) } {
            h1 { (face) " " (title) }
            p {
                @if face == Face::Unknown { "what was known before: " (watched.phase().word()) " " }
                "for " (shell.span(record.since)) ": " (record.reason)
                @if shell.view.engine.is_deaf_to(watched) { " · " (super::row::line(shell, watched, face)) }
                @if face == Face::Held { " · " (super::row::line(shell, watched, face)) }
                @if record.flapping { " · flapping" }
                @if let Some(id) = &record.incident {
                    " · " a.link href={ "/incidents/" (segment(&id.0)) } { "open incident" }
                }
            }
            @if let Some(last) = &record.last {
                p.said { (shell.time(last.at)) " " (shell.shown(&last.outcome.message())) }
                @if let Some(more) = &last.outcome.left_out {
                    ul { @for finding in more.iter() { li { (finding) } } }
                }
            }
        }
    }
}

fn buttons(watched: &Watched) -> Markup {
    let action = |verb: &str, text: &str| {
        html! { form method="post" action={ "/checks/" (segment(&watched.check.name)) "/" (verb) } { button { (text) } } }
    };
    html! {
        div.actions {
            @if watched.check.heartbeat.is_none() && watched.check.not_configured.is_none() { (action("run", "Run now")) }
            @match (watched.phase(), &watched.check.not_configured) {
                (Phase::Paused, None) => (action("resume", "Resume")),
                (Phase::Paused, Some(_)) => {}
                (Phase::New | Phase::Up | Phase::Degraded | Phase::Down, _) => (action("pause", "Pause")),
            }
        }
    }
}

fn history(shell: &Shell<'_>, watched: &Watched) -> Markup {
    let days = view::days(watched, shell.now);
    html! {
        section.part { h2 { "Ninety days" }
            div.large { (Bar::of(watched, shell.now)) }
            dl.facts {
                @for (period, (name, _)) in view::PERIODS.iter().enumerate() {
                    div { dt { "uptime " (name) } dd {
                        @match view::uptime(watched, shell.now, period) { Some(share) => (percent(share)), None => "—" }
                    } }
                }
            }
            details { summary { "Day by day" }
                div.scroll { table {
                    thead { tr { th { "Day (UTC)" } th { "State" } th { "Uptime" } th { "Degraded" } th { "Down" } th { "Unknown" } } }
                    tbody { @for day in days.iter().rev() {
                        tr {
                            td { (day.from.utc().strftime("%a %-d %b %Y")) }
                            td { (Day::of(&day.spans).word()) }
                            td.figure { (day.spans.uptime().map_or_else(|| "—".to_owned(), percent)) }
                            td.figure { (span(day.spans.degraded_ms)) }
                            td.figure { (span(day.spans.down_ms)) }
                            td.figure { (span(day.spans.unknown_ms)) }
                        }
                    } }
                } }
            }
        }
    }
}

fn span(ms: u32) -> String {
    if ms == 0 {
        String::new()
    } else {
        age(std::time::Duration::from_millis(ms.into()))
    }
}

fn looks(shell: &Shell<'_>, recent: &[&(Time, Outcome)]) -> Markup {
    html! {
        section.part { h2 { "Looks" @if recent.len() > LOOKS { " " small { "the newest " (LOOKS) " of " (recent.len()) } } }
            @if recent.is_empty() { p.empty { "None is recorded yet." } }
            @else {
                div.scroll.stack { table {
                    thead { tr { th { "When" } th { "Verdict" } th { "Took" } th { "Message" } } }
                    tbody { @for (at, outcome) in recent.iter().take(LOOKS) {
                        tr {
                            td { (shell.time(*at)) }
                            td { span class={ "tag " (tone(outcome.verdict)) } { (outcome.verdict.word()) } }
                            td.figure { (outcome.latency_us.map_or_else(|| "—".to_owned(), micros)) }
                            td.wide { (shell.shown(&outcome.message())) }
                        }
                    } }
                } }
            }
        }
    }
}

/// The colour of a verdict.
fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "up",
        Verdict::Warn => "degraded",
        Verdict::Fail => "down",
        Verdict::Unknown => "unknown",
    }
}
