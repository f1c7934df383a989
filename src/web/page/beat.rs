//! What the page of a check says of a heartbeat: when it was heard and is expected, and how jobs report in. The address
//! is a capability, so that it is for operators.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::heartbeat::{Beat, Deaf};
use crate::core::time::{Time, human};

/// The section about pings.
pub(super) fn beating(shell: &Shell<'_>, watched: &Watched, beat: &Beat, deaf: &[Deaf]) -> Markup {
    let since = beat.last_start.map(|(at, _)| at).max(beat.last_ping);
    let mattered = |deaf: &&Deaf| deaf.behind.is_none() || deaf.behind == watched.check.behind;
    let deaf = deaf
        .iter()
        .filter(mattered)
        .filter(|deaf| since.is_some_and(|at| deaf.to > at));
    html! {
        section.part { h2 { "Pings" }
            dl.facts {
                div { dt { "recorded" } dd { (beat.pings) } }
                div { dt { "last" } dd { @match beat.last_ping { Some(at) => (shell.time(at)), None => "none yet" } } }
                div { dt { "took" } dd { (beat.last_took.map_or_else(|| "—".to_owned(), human)) } }
                div { dt { "expected by" } dd { @match beat.expected { Some(at) => (both(shell, at)), None => "—" } } }
                @if watched.missed() > 0 { div { dt { "missing" } dd { (watched.missed()) } } }
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
pub(super) fn both(shell: &Shell<'_>, at: Time) -> Markup {
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
            "$LASTEXITCODE = 0; $end = '/fail'\n"
            "try { ./backup.ps1; if ($LASTEXITCODE -eq 0) { $end = '' } }\n"
            "finally { Invoke-RestMethod -TimeoutSec 10 -Uri \"" (url) "$end\" }"
        }))
        (way("Python", &html! {
            "import urllib.request\n\n"
            "def tell(end=\"\"):\n"
            "    try:\n"
            "        urllib.request.urlopen(\"" (url) "\" + end, timeout=10)\n"
            "    except OSError as error:\n"
            "        print(\"not reported:\", error)\n\n"
            "try:\n"
            "    backup()\n"
            "except BaseException:\n"
            "    tell(\"/fail\")\n"
            "    raise\n"
            "tell()"
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
            p.fine { "The present one is heard for seven more days. " code { "belfry rotate " (name) " --now" } " ends that at once." }
        }
    }
}

fn way(name: &str, text: &Markup) -> Markup {
    html! { details { summary { (name) } pre { code { (text) } } } }
}
