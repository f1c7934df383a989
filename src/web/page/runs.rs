//! The runs of a job, as its pings tell: a start and its end are one. What the job said is for operators.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};
use uuid::Uuid;

use super::Shell;
use crate::core::check::CheckId;
use crate::core::heartbeat::{Beat, Said, Signal};
use crate::core::text;
use crate::core::time::human;

/// A run, or a note that belongs to none.
struct Run<'a> {
    began: Option<&'a Said>,
    ended: Option<&'a Said>,
}

impl<'a> Run<'a> {
    /// Of pings, the one that came last first. The runs are in the order of their beginnings, newest first.
    fn all(pings: &'a [Said]) -> Vec<Self> {
        let mut open: BTreeMap<Option<Uuid>, usize> = BTreeMap::new();
        let mut runs: Vec<Self> = Vec::new();
        for said in pings.iter().rev() {
            let (rid, next) = (said.heard.rid, runs.len());
            let (began, ended) = match said.heard.signal {
                Signal::Start => {
                    open.insert(rid, next);
                    (Some(said), None)
                }
                Signal::Success | Signal::Fail | Signal::Exit(_) => {
                    let begun = open.remove(&rid).and_then(|place| runs.get_mut(place));
                    if let Some(run) = begun {
                        run.ended = Some(said);
                        continue;
                    }
                    (None, Some(said))
                }
                Signal::Log | Signal::Ignored => (None, Some(said)),
            };
            runs.push(Self { began, ended });
        }
        // What came late stands where it happened.
        runs.sort_by_key(|run| Reverse(run.first().map(|said| said.heard.at)));
        runs
    }

    fn first(&self) -> Option<&'a Said> {
        self.began.or(self.ended)
    }

    fn took(&self) -> Option<Duration> {
        let ended = self.ended?;
        let since_start = || Some(ended.heard.at.since(self.began?.heard.at));
        ended.heard.took.or_else(since_start)
    }
}

/// The last of them, newest first.
pub(super) fn runs(shell: &Shell<'_>, check: CheckId, beat: &Beat, pings: &[Said]) -> Markup {
    let runs = Run::all(pings);
    html! {
        section.part { h2 { "Runs" @if !runs.is_empty() { " " small { (runs.len()) " in the newest " (pings.len()) " pings" } } }
            @if runs.is_empty() { p.empty { "None is recorded yet." } }
            @else {
                div.scroll.stack { table {
                    thead { tr { th { "Began" } th { "Ended" } th { "Took" } @if shell.operator { th { "From" } th { "Text" } } } }
                    tbody { @for run in &runs { (row(shell, check, beat, run)) } }
                } }
            }
        }
    }
}

fn row(shell: &Shell<'_>, check: CheckId, beat: &Beat, run: &Run<'_>) -> Markup {
    let rid = run.first().and_then(|said| said.heard.rid);
    html! {
        tr {
            td { @match run.began { Some(said) => (shell.time(said.heard.at)), None => "—" }
                @if let Some(rid) = rid { br; small title=(rid) { "run " (short(rid)) } }
            }
            td data-th="ended" { @match run.ended {
                Some(said) => { span class={ "tag " (tone(said.heard.signal)) } { (word(said.heard.signal)) } " " (shell.time(said.heard.at)) }
                None => { span class="tag unknown" { (if is_watched(beat, run) { "under way" } else { "no end" }) } }
            } }
            td.figure data-th="took" { (run.took().map_or_else(|| "—".to_owned(), human)) }
            @if shell.operator {
                td data-th="from" { @if let Some(said) = run.ended.or(run.began) {
                    (said.heard.method) " " (said.heard.remote) @if !said.heard.agent.is_empty() { br; small { (said.heard.agent) } }
                } }
                td.wide { @for said in [run.began, run.ended].into_iter().flatten() { (body(check, said)) } }
            }
        }
    }
}

/// Whether its end is still expected.
fn is_watched(beat: &Beat, run: &Run<'_>) -> bool {
    run.began.is_some_and(|said| {
        let heard = (said.heard.at, said.heard.rid);
        beat.runs().any(|run| (run.at, run.rid) == heard)
    })
}

/// The first letters of a UUID: enough to tell runs apart.
fn short(rid: Uuid) -> String {
    rid.simple().to_string().chars().take(8).collect()
}

fn body(check: CheckId, said: &Said) -> Markup {
    let shown = text::block(&String::from_utf8_lossy(&said.end), said.end.len());
    let last = text::end(&shown, 60);
    let bytes = said.heard.body;
    html! {
        @if bytes > 0 {
            details { summary { @if last.is_empty() { (bytes) " bytes" } @else { (last) } }
                pre { code { (shown) } }
                p.fine { @if bytes > said.end.len() as u64 { "the end of " }
                    a href={ "/pings/" (check.0) "/" (said.heard.n) } { (bytes) " bytes" }
                }
            }
        }
    }
}

fn word(signal: Signal) -> String {
    match signal {
        Signal::Exit(code @ 1..) => format!("exit {code}"),
        Signal::Success
        | Signal::Start
        | Signal::Fail
        | Signal::Log
        | Signal::Exit(0)
        | Signal::Ignored => signal.word().to_owned(),
    }
}

/// The colour of a signal.
fn tone(signal: Signal) -> &'static str {
    match signal {
        Signal::Success | Signal::Exit(0) => "up",
        Signal::Fail | Signal::Exit(_) => "down",
        Signal::Start | Signal::Log | Signal::Ignored => "unknown",
    }
}
