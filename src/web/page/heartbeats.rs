//! The dead-man's switches: who has reported in, and who is expected when.

use maud::{Markup, html};

use super::beat::both;
use super::census::Census;
use super::face::Face;
use super::layout::{Frame, Live, Tab, heading, layout};
use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::heartbeat::{Beat, Deaf};
use crate::core::time::human;

/// The page.
pub fn heartbeats(shell: &Shell<'_>, deaf: &[Deaf]) -> Markup {
    let census = Census::of(shell);
    let mut beats: Vec<(&Watched, &Beat, Face)> = census
        .rows
        .iter()
        .filter_map(|&(watched, face)| {
            Some((watched.as_ref(), watched.record.beat.as_ref()?, face))
        })
        .collect();
    beats.sort_by_key(|&(_, _, face)| face);
    let count = |wanted: fn(&Face) -> bool| beats.iter().filter(|beat| wanted(&beat.2)).count();
    let (late, silent) = (
        count(|face| face.needs_attention()),
        count(|face| *face == Face::New),
    );
    let title = match (beats.len(), late, silent) {
        (0, _, _) => "No heartbeats".to_owned(),
        (_, 1, _) => "1 job needs attention".to_owned(),
        (_, 2.., _) => format!("{late} jobs need attention"),
        (_, 0, 1) => "1 job has not reported in yet".to_owned(),
        (_, 0, 2..) => format!("{silent} jobs have not reported in yet"),
        (1, 0, 0) => "The job reports in".to_owned(),
        (all, 0, 0) => format!("All {all} jobs report in"),
    };
    let main = html! {
        (heading(&title, &html! { "A heartbeat is a job that pings when it is done. Silence is what wakes somebody." }))
        @if beats.is_empty() { (empty()) } @else { (table(shell, &beats)) }
        @if !beats.is_empty() && !deaf.is_empty() { (deafness(shell, deaf)) }
    };
    let frame = Frame {
        tab: Some(Tab::Heartbeats),
        title: &title,
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}

fn table(shell: &Shell<'_>, beats: &[(&Watched, &Beat, Face)]) -> Markup {
    html! {
        div.scroll.stack { table {
            thead { tr { th { "Job" } th { "Last ping" } th { "Took" } th { "Expected by" } th { "Down at" } th { "Schedule" } } }
            tbody { @for (watched, beat, face) in beats {
                tr {
                    td.job { (face) " " a href={ "/checks/" (segment(&watched.check.name)) } { (watched.check.name) }
                        @if shell.operator { br; code.address { "/ping/" (beat.uuid) } }
                    }
                    td data-th="last ping" { @match beat.last_ping { Some(at) => (shell.time(at)), None => "none yet" } }
                    td.figure data-th="took" { (beat.last_took.map_or_else(|| "—".to_owned(), human)) }
                    td data-th="expected by" { @match beat.expected { Some(at) => (both(shell, at)), None => "—" } }
                    td data-th="down at" { @match watched.overdue_at() { Some((at, _)) => (both(shell, at)), None => "—" } }
                    td.job data-th="schedule" { (watched.check.schedule) @if let Some(rule) = &watched.check.heartbeat { ", grace " (human(rule.grace)) } }
                }
            } }
        } }
    }
}

/// When nobody could have been heard.
fn deafness(shell: &Shell<'_>, deaf: &[Deaf]) -> Markup {
    html! {
        section.part { h2 { "Could not hear" }
            p { "Times in which no ping could be taken. They count against no job: whatever was expected is later by as much." }
            div.scroll.stack { table {
                thead { tr { th { "From" } th { "To" } th { "For" } th { "Why" } } }
                tbody { @for deaf in deaf {
                    tr {
                        td { (shell.time(deaf.from)) }
                        td data-th="to" { (shell.time(deaf.to)) }
                        td.figure data-th="for" { (human(deaf.to.since(deaf.from))) }
                        td data-th="why" { (deaf.reason) }
                    }
                } }
            } }
        }
    }
}

fn empty() -> Markup {
    html! {
        section.empty {
            p { "Write one into the configuration; its address is shown here within a second:" }
            pre { code {
                "[heartbeat.nightly-backup]\n"
                "cron = \"0 3 * * *\"\n"
                "grace = \"30m\""
            } }
            p { "and let the job say that it is done:" }
            pre { code { "15 2 * * * backup.sh && curl -fsS -m 10 --retry 5 ADDRESS" } }
        }
    }
}
