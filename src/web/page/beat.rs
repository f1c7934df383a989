//! What the page of a check says of a heartbeat: when it was heard and is expected, how jobs report in, and what they
//! said. The address is a capability and the texts are the job's own, so that both are for operators.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use maud::{Markup, html};
use uuid::Uuid;

use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::heartbeat::{Beat, Deaf, Said, Signal};
use crate::core::text;
use crate::core::time::{Time, human};

/// Most that is shown of what a job said, in characters; the API has all of it.
const SAID_CHARS: usize = 4_000;

/// The section about pings.
pub(super) fn beating(shell: &Shell<'_>, watched: &Watched, beat: &Beat, deaf: &[Deaf]) -> Markup {
    let since = beat.last_start.map(|(at, _)| at).max(beat.last_ping);
    let deaf = deaf
        .iter()
        .filter(|deaf| since.is_some_and(|at| deaf.to > at));
    html! {
        section.part { h2 { "Pings" }
            dl.facts {
                div { dt { "recorded" } dd { (beat.pings) } }
                div { dt { "last" } dd { @match beat.last_ping { Some(at) => (shell.time(at)), None => "none yet" } } }
                div { dt { "took" } dd { (beat.last_took.map_or_else(|| "—".to_owned(), human)) } }
                div { dt { "expected by" } dd { @match beat.expected { Some(at) => (both(shell, at)), None => "—" } } }
                div { dt { "down at" } dd { @match watched.overdue_at() { Some((at, _)) => (both(shell, at)), None => "—" } } }
            }
            @for deaf in deaf { p.fine {
                "Could not hear from " (shell.time(deaf.from)) " to " (shell.time(deaf.to)) ": " (deaf.reason)
                ". What is expected is later by as much."
            } }
            @if shell.operator { (ways(shell, watched, beat)) }
        }
    }
}

/// In the zone of the page and, where that is another, in UTC.
fn both(shell: &Shell<'_>, at: Time) -> Markup {
    let (here, there) = (at.within(shell.zone), at.within(&TimeZone::UTC));
    let is_same = here.offset() == there.offset();
    html! {
        (shell.time(at))
        @if !is_same { br; small { (there.strftime("%-d %b %H:%M:%S UTC")) } }
    }
}

/// Everything to copy.
fn ways(shell: &Shell<'_>, watched: &Watched, beat: &Beat) -> Markup {
    let name = &watched.check.name;
    let is_own = watched
        .check
        .heartbeat
        .as_ref()
        .is_some_and(|rule| rule.uuid.is_none());
    let url = html! { span.origin { "http://THIS-HOST" } "/ping/" (beat.uuid) };
    let curl = html! { "curl -fsS -m 10 --retry 5 -o /dev/null " (url) };
    html! {
        p { "Let the job report in when it is done. The address is as good as a password for this one heartbeat." }
        pre { code { (curl) } }
        p.fine { "Add " code { "/start" } " when it begins, " code { "/fail" } " when it failed, or " code { "/$?" } " for its exit code." }
        (way("cron", &html! {
            "0 3 * * *  backup.sh && " (curl)
            "\n\n# or with its time, exit code and what it said, where Belfry is installed:\n"
            "0 3 * * *  belfry wrap '" (name.replace('\'', "'\\''")) "' -- backup.sh"
        }))
        (way("curl, with exit code and output", &html! {
            "backup.sh >backup.log 2>&1; code=$?\n"
            "tail -c 100000 backup.log | curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- " (url) "/$code"
        }))
        (way("PowerShell", &html! {
            "try { ./backup.ps1; $end = '' } catch { $end = '/fail' }\n"
            "Invoke-RestMethod -TimeoutSec 10 -Uri \"" (url) "$end\""
        }))
        (way("Python", &html! {
            "import urllib.request\n\nurllib.request.urlopen(\"" (url) "\", timeout=10)"
        }))
        (way("systemd", &html! {
            "# In the unit that the timer starts, for success and failure:\n[Service]\n"
            "ExecStopPost=/bin/sh -c '[ \"$$SERVICE_RESULT\" = success ] || end=/fail; exec " (curl) "$$end'\n\n"
            "# Or for failures only, in the unit:\n[Unit]\nOnFailure=tell-belfry.service\n\n"
            "# and in tell-belfry.service:\n[Service]\nType=oneshot\nExecStart=/usr/bin/" (curl) "/fail"
        }))
        @for former in &beat.former {
            p.fine { "A former address of it is heard until " (shell.full(former.until)) "." }
        }
        @if is_own {
            form method="post" action={ "/checks/" (segment(name)) "/rotate" } { button { "Give it another address" } }
            p.fine { "The present one is heard for seven more days. " code { "belfry rotate --now" } " ends that at once." }
        }
    }
}

fn way(name: &str, text: &Markup) -> Markup {
    html! { details { summary { (name) } pre { code { (text) } } } }
}

/// The last pings, newest first.
pub(super) fn runs(shell: &Shell<'_>, pings: &[Said]) -> Markup {
    let took = took(pings);
    html! {
        section.part { h2 { "Runs" @if !pings.is_empty() { " " small { "the newest " (pings.len()) } } }
            @if pings.is_empty() { p.empty { "None is recorded yet." } }
            @else {
                div.scroll.stack { table {
                    thead { tr { th { "When" } th { "Said" } th { "Took" } @if shell.operator { th { "From" } th { "Text" } } } }
                    tbody { @for (said, took) in pings.iter().zip(took) {
                        tr {
                            td { (shell.time(said.heard.at)) }
                            td { span class={ "tag " (tone(said.heard.signal)) } { (word(said.heard.signal)) } }
                            td.figure data-th="took" { (took.map_or_else(|| "—".to_owned(), human)) }
                            @if shell.operator {
                                td data-th="from" { (said.heard.method) " " (said.heard.remote) @if !said.heard.agent.is_empty() { br; small { (said.heard.agent) } } }
                                td.wide { (body(said)) }
                            }
                        }
                    } }
                } }
            }
        }
    }
}

fn body(said: &Said) -> Markup {
    let whole = String::from_utf8_lossy(&said.start);
    let shown = text::block(&whole, SAID_CHARS);
    let first = text::line(shown.lines().next().unwrap_or_default(), 60);
    let is_cut = said.heard.body > said.start.len() as u64 || whole.chars().count() > SAID_CHARS;
    html! {
        @if said.heard.body == 0 { "—" }
        @else {
            details { summary { @if first.is_empty() { (said.heard.body) " bytes" } @else { (first) } }
                pre { code { (shown) } }
                @if is_cut { p.fine { "the beginning of " (said.heard.body) " bytes" } }
            }
        }
    }
}

/// How long the run took that each ping ends, where its start is among them.
fn took(pings: &[Said]) -> Vec<Option<Duration>> {
    let mut begun: BTreeMap<Option<Uuid>, Time> = BTreeMap::new();
    let mut took: Vec<Option<Duration>> = pings
        .iter()
        .rev()
        .map(|said| match said.heard.signal {
            Signal::Start => {
                begun.insert(said.heard.rid, said.heard.at);
                None
            }
            Signal::Success | Signal::Fail | Signal::Exit(_) => begun
                .remove(&said.heard.rid)
                .map(|from| said.heard.at.since(from)),
            Signal::Log | Signal::Ignored => None,
        })
        .collect();
    took.reverse();
    took
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
