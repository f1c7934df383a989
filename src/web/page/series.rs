//! What looks measured beside their latency, over the last day: for each series a line of means in the band
//! between least and most, and its figures, so that nothing is lost without a picture.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::Shell;
use crate::core::engine::Watched;
use crate::core::metric::Series;
use crate::core::time::Time;
use crate::core::uptime::WINDOW;

/// The box of a chart; the sheet stretches it.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 40;

/// What the names of the costs of single questions begin with (`probe/postgres/suite.rs`).
const COST: &str = "cost of ";

/// One window: when it began, and its series.
pub type Window = (Time, Vec<Series>);

/// The section; nothing where nothing was measured. `windows` are finished ones, oldest first.
pub(super) fn measured(shell: &Shell<'_>, watched: &Watched, windows: &[Window]) -> Markup {
    let tally = &watched.record.tally;
    let current = std::iter::once((tally.from, &tally.metrics));
    let all: Vec<(Time, &Vec<Series>)> = windows
        .iter()
        .map(|(from, series)| (*from, series))
        .chain(current)
        .collect();
    let names = names(&all);
    let Some(first) = all.first().map(|window| window.0) else {
        return html! {};
    };
    if names.is_empty() {
        return html! {};
    }
    // What the looks themselves cost is a question of its own, which few have.
    let (costs, names): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| name.starts_with(COST));
    let charts = |names: &[&str]| {
        html! { div.series { @for name in names { (one(name, &all, (first, shell.now))) } } }
    };
    html! {
        section.part { h2 { "Measured" " " small { "since " (shell.time(first)) ", in windows of five minutes" } }
            @if !names.is_empty() { (charts(&names)) }
            @if !costs.is_empty() {
                details { summary { "Cost of each question" } (charts(&costs)) }
            }
        }
    }
}

/// Every name, in the order in which they appeared.
fn names<'a>(all: &[(Time, &'a Vec<Series>)]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for series in all.iter().flat_map(|window| window.1) {
        if !names.contains(&&*series.name) {
            names.push(&series.name);
        }
    }
    names
}

fn one(name: &str, all: &[(Time, &Vec<Series>)], (first, now): (Time, Time)) -> Markup {
    let of = |window: &(Time, &Vec<Series>)| {
        let series = window.1.iter().find(|series| &*series.name == name)?;
        Some((window.0, series.clone()))
    };
    let points: Vec<(Time, Series)> = all.iter().filter_map(of).collect();
    let Some((_, last)) = points.last() else {
        return html! {};
    };
    let mut sum = last.clone();
    for (_, series) in points.iter().rev().skip(1) {
        sum.merge(series);
    }
    let show = |value| last.unit.show(value);
    html! {
        div {
            h3 { (name) " " b { (show(last.mean)) } }
            @if points.len() > 1 {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
                    path.band d=(PreEscaped(band(&points, &sum, (first, now)))) {}
                    polyline points=(PreEscaped(line(&points, &sum, (first, now)))) {}
                }
            }
            p.fine {
                @if show(sum.least) == show(sum.most) { "always the same" }
                @else { (show(sum.least)) " to " (show(sum.most)) ", " (show(sum.mean)) " on average" }
            }
        }
    }
}

/// Where a window and a value lie in the box.
fn place(at: Time, value: f64, sum: &Series, (first, now): (Time, Time)) -> (f64, f64) {
    let span = now.since(first).max(WINDOW).as_secs_f64();
    let x = at.since(first).as_secs_f64() / span * f64::from(WIDTH);
    // From zero where all is above it, so that a flat line looks flat.
    let floor = sum.least.min(0.0);
    let height = (sum.most - floor).max(f64::MIN_POSITIVE);
    (x, (1.0 - (value - floor) / height) * f64::from(HEIGHT))
}

fn line(points: &[(Time, Series)], sum: &Series, span: (Time, Time)) -> String {
    let mut out = String::new();
    for (at, series) in points {
        let (x, y) = place(*at, series.mean, sum, span);
        write!(out, "{x:.0},{y:.1} ").expect("writes to memory");
    }
    out
}

/// There along the most, and back along the least.
fn band(points: &[(Time, Series)], sum: &Series, span: (Time, Time)) -> String {
    let there = points.iter().map(|(at, s)| place(*at, s.most, sum, span));
    let back = points.iter().rev();
    let back = back.map(|(at, s)| place(*at, s.least, sum, span));
    let mut out = String::new();
    for (number, (x, y)) in there.chain(back).enumerate() {
        let verb = if number == 0 { 'M' } else { 'L' };
        write!(out, "{verb}{x:.0} {y:.1}").expect("writes to memory");
    }
    out.push('z');
    out
}
