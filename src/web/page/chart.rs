//! How long the looks took: a line over time, figures, and the parts of the last one.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::Shell;
use super::when::micros;
use crate::core::outcome::{Outcome, Phase, Verdict};
use crate::core::time::Time;

/// Points that are drawn: more than a screen has pixels to tell apart would only be bytes.
const POINTS: usize = 600;

/// The box of the chart; the sheet stretches it.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 100;

/// The chart over the looks that were timed, newest first, with its figures.
pub(super) fn latency(shell: &Shell<'_>, recent: &[&(Time, Outcome)]) -> Markup {
    let shown: Vec<_> = recent.iter().take(POINTS).rev().collect();
    let timed: Vec<(Time, u64)> = shown
        .iter()
        .filter_map(|look| Some((look.0, look.1.latency_us?)))
        .collect();
    let (Some(&(first, _)), Some(&(last, _)), true) =
        (timed.first(), timed.last(), timed.len() > 1)
    else {
        return html! {};
    };
    let mut sorted: Vec<u64> = timed.iter().map(|&(_, us)| us).collect();
    sorted.sort_unstable();
    let top = round_up(sorted.last().copied().unwrap_or(1));
    let failed = shown
        .iter()
        .filter(|look| look.1.verdict == Verdict::Fail)
        .map(|look| look.0);
    let x = |at: Time| across(at, first, last);
    let line = points(
        timed
            .iter()
            .map(|&(at, us)| (x(at), HEIGHT - us.min(top) * HEIGHT / top)),
    );
    let mut marks = String::new();
    for at in failed.filter(|at| (first..=last).contains(at)) {
        write!(marks, "M{} 0v{HEIGHT}", x(at)).expect("writes to memory");
    }
    html! {
        section.part { h2 { "How long it took" }
            div.chart {
                div.scale aria-hidden="true" { span { (micros(top)) } span { (micros(top / 2)) } span { "0" } }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label="Latency over time; the figures follow below" {
                    path.grid d="M0 0h1000M0 50h1000M0 100h1000" {}
                    @if !marks.is_empty() { path.failed d=(PreEscaped(marks)) {} }
                    polyline points=(PreEscaped(line)) {}
                }
                div.ends { span { (shell.time(first)) } span { (shell.time(last)) } }
            }
            (figures(&sorted))
        }
    }
}

fn figures(sorted: &[u64]) -> Markup {
    let quantile = |percent: usize| {
        let rank = (sorted.len() - 1) * percent / 100;
        sorted
            .get(rank)
            .copied()
            .map_or_else(|| "—".to_owned(), micros)
    };
    html! {
        dl.facts {
            @for (name, percent) in [("least", 0), ("half below", 50), ("95 % below", 95), ("99 % below", 99), ("most", 100)] {
                div { dt { (name) } dd { (quantile(percent)) } }
            }
            div { dt { "looks" } dd { (sorted.len()) } }
        }
    }
}

/// The next of 1, 2, 5, 10, 20, 50, … so that the scale reads well.
fn round_up(us: u64) -> u64 {
    let mut unit = 1u64;
    while unit.saturating_mul(10) <= us {
        unit *= 10;
    }
    [1, 2, 5]
        .map(|step| unit.saturating_mul(step))
        .into_iter()
        .find(|top| *top >= us)
        .unwrap_or(unit.saturating_mul(10))
}

fn across(at: Time, first: Time, last: Time) -> u64 {
    let span = millis(last, first).max(1);
    millis(at, first).min(span) * WIDTH / span
}

fn millis(later: Time, earlier: Time) -> u64 {
    u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX / WIDTH)
}

fn points(points: impl Iterator<Item = (u64, u64)>) -> String {
    let mut out = String::new();
    for (x, y) in points {
        write!(out, "{x},{y} ").expect("writes to memory");
    }
    out
}

/// The parts of the last look, one beside the other.
pub(super) fn phases(outcome: &Outcome) -> Markup {
    let phases = outcome.phases.as_deref().unwrap_or_default();
    let total: u64 = phases.iter().map(|phase| phase.took_us).sum();
    if total == 0 {
        return html! {};
    }
    html! {
        section.part { h2 { "The last look, part by part" }
            svg.phases viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" aria-hidden="true" {
                @for (place, (x, width, _)) in parts(phases, total).enumerate() {
                    rect class={ "part-" (place % 6) } x=(x) width=(width) height="10" {}
                }
            }
            dl.facts.parts {
                @for (place, (_, _, phase)) in parts(phases, total).enumerate() {
                    div { dt { i class={ "part-" (place % 6) } {} (phase.name) } dd { (micros(phase.took_us)) } }
                }
                div { dt { "together" } dd { (micros(total)) } }
            }
        }
    }
}

/// Where each part begins and how wide it is.
fn parts(phases: &[Phase], total: u64) -> impl Iterator<Item = (u64, u64, &Phase)> {
    phases.iter().scan(0, move |before, phase| {
        let from = *before * WIDTH / total;
        *before += phase.took_us;
        Some((from, *before * WIDTH / total - from, phase))
    })
}
