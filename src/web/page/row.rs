//! One check on the overview.

use std::time::Duration;

use maud::{Markup, html};

use super::bar::{Bar, Spark};
use super::face::Face;
use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::heartbeat::Beat;
use crate::core::sketch::Sketch;
use crate::core::state::{Phase, Reason};
use crate::core::time::human;
use crate::core::view;

/// The row of a check; replaced by live updates under the id `check-NUMBER`.
pub fn row(shell: &Shell<'_>, watched: &Watched) -> Markup {
    drawn(shell, watched, Face::of(&shell.view.engine, watched))
}

/// The same when the face is known already.
pub(super) fn drawn(shell: &Shell<'_>, watched: &Watched, face: Face) -> Markup {
    let uptime = longest_uptime(shell, watched);
    html! {
        li class={ "check " (face.word()) } id={ "check-" (watched.id) } {
            a.name href={ "/checks/" (segment(&watched.check.name)) } {
                (face)
                span { b { (watched.check.name) } small { (line(shell, watched, face)) } }
            }
            (Bar::of(watched, shell.now))
            span.uptime {
                @match uptime {
                    Some((share, period)) => {
                        (percent(share))
                        @if period != LONGEST { small { "of " (period) } }
                    }
                    None => { "—" }
                }
            }
            span.latency { (Spark(&watched.record.spark)) small { (figure(watched)) } }
        }
    }
}

const LONGEST: &str = "90 d";

/// Uptime over the longest period that something is known of.
fn longest_uptime(shell: &Shell<'_>, watched: &Watched) -> Option<(f64, &'static str)> {
    let periods = [(3, LONGEST), (2, "30 d"), (1, "7 d"), (0, "24 h")];
    let known = |(period, name)| Some((view::uptime(watched, shell.now, period)?, name));
    periods.into_iter().find_map(known)
}

/// What is said of it in one line.
pub(super) fn line(shell: &Shell<'_>, watched: &Watched, face: Face) -> Markup {
    let record = &watched.record;
    match (face, &record.beat) {
        (Face::Paused, _) => html! { "paused" @match &record.reason {
            Reason::Configured(why) => { ": " (why) }
            other => { " " (other) }
        } },
        (Face::Held, _) => html! {
            @if let Some(parent) = shell.view.engine.held_by(watched) { "held: depends on " (parent) }
        },
        (Face::Up | Face::New, Some(beat)) => heard(shell, watched, beat),
        (Face::Unknown, Some(_)) if shell.view.engine.is_deaf_to(watched) => html! {
            "cannot be heard" @if let Some(uplink) = &watched.check.behind { ": " (uplink) " is not there" }
            @if let Some(last) = watched.record.beat.as_ref().and_then(|beat| beat.last_ping) { " · last ping " (shell.brief(last)) }
        },
        _ => html! {
            @match &record.last {
                Some(last) => (shell.shown(&last.outcome.message())),
                None => "not looked at yet",
            }
            @if let Some(amiss) = watched.tolerated() { " · " (amiss) }
            @else if watched.failing() > 0 { " · not confirmed yet" }
            @if watched.is_remedied() { " · a remedy is under way" }
        },
    }
}

/// What is known of a job that is not in trouble.
fn heard(shell: &Shell<'_>, watched: &Watched, beat: &Beat) -> Markup {
    html! {
        @if let Some((started, _)) = beat.last_start {
            "running since " (shell.brief(started))
        } @else if let Some(last) = beat.last_ping {
            "last ping " (shell.brief(last))
            @if let Some(took) = beat.last_took { ", took " (human(took)) }
        } @else {
            "no ping yet"
        }
        @if let Some((by, _)) = watched.overdue_at() { " · next by " (shell.brief(by)) }
    }
}

/// The figure below the spark: what nineteen of twenty looks stayed below, or how long the job took.
fn figure(watched: &Watched) -> String {
    let took = watched.record.beat.as_ref().map(|beat| beat.last_took);
    match took {
        Some(took) => took.map_or_else(|| "—".to_owned(), human),
        None if matches!(watched.phase(), Phase::Down | Phase::Paused) => "—".to_owned(),
        None => match latencies(watched).quantile_us(0.95) {
            Some(us) => format!("p95 {}", human(Duration::from_secs_f64(us / 1e6))),
            None => "—".to_owned(),
        },
    }
}

/// The latencies of the last hour or two.
fn latencies(watched: &Watched) -> Sketch {
    let [current, last] = &watched.history.sketches;
    let mut sum = watched.record.tally.sketch.clone();
    sum.merge(current);
    sum.merge(last);
    sum
}

/// A share of one as `99.91 %`. Rounded down, so that only what never failed is 100 %.
pub(super) fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0 + 1e-6).floor();
    if hundredths >= 10_000.0 {
        "100 %".to_owned()
    } else {
        format!("{:.2} %", hundredths / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn only_what_never_failed_is_a_hundred_percent() {
        for (share, text) in [
            (1.0, "100 %"),
            (0.999_999, "99.99 %"),
            (0.999_1, "99.91 %"),
            (0.989, "98.90 %"),
            (0.0, "0.00 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
