//! The rules of a check in words.

use maud::{Markup, html};

use super::incident::is_link;
use super::when::age;
use super::{Shell, segment};
use crate::core::engine::Watched;
use crate::core::time::human;

/// What the plan says of it.
pub(super) fn settings(shell: &Shell<'_>, watched: &Watched) -> Markup {
    let check = &watched.check;
    html! {
        section.part { h2 { "How it is watched" }
            dl.rules {
                dt { "what" } dd { code { (check.kind) } " " (check.target) }
                dt { "when" } dd { (check.schedule) @if let Some(retry) = check.retry_every.filter(|_| check.heartbeat.is_none()) { ", every " (age(retry)) " while a failure is not confirmed" } }
                @if let Some(rule) = &check.heartbeat {
                    dt { "grace" } dd { (human(rule.grace)) " after the expected time" }
                    @if let Some(filter) = &rule.filter { dt { "counts" } dd { (filter) } }
                    @if rule.manual_resume { dt { "pause" } dd { "pings do not end it" } }
                } @else {
                    dt { "patience" } dd { (human(check.timeout)) " for one look" }
                }
                @if let Some(rule) = &check.heartbeat {
                    dt { "down" } dd { "when " (check.fail_after.of_runs()) " failed, or " @if rule.missed_after == 1 { "an expected ping is" } @else { (rule.missed_after) " expected pings in a row are" } " missing" }
                    dt { "good again" } dd { "after the next success" }
                } @else {
                    dt { "down" } dd { "after " (check.fail_after) }
                    dt { "good again" } dd { "after " (check.recover_after) @if check.recover_after == 1 { " good look" } @else { " good looks in a row" } }
                }
                @if let Some(flapping) = check.flapping {
                    dt { "flapping" } dd { (flapping.turns) " turns within " (human(flapping.within)) }
                }
                @if !check.depends_on.is_empty() {
                    dt { "depends on" } dd {
                        @for (place, parent) in check.depends_on.iter().enumerate() {
                            @if place > 0 { ", " }
                            a.link href={ "/checks/" (segment(parent)) } { (parent) }
                        }
                    }
                }
                @if let Some(uplink) = &check.behind {
                    dt { "behind" } dd { a.link href={ "/checks/" (segment(uplink)) } { (uplink) } ": not known while that is gone" }
                }
                dt { "incident" } dd { @if check.alert_degraded { "when down or degraded" } @else { "when down" } }
                dt { "tells" } dd { (recipients(shell, watched)) }
                @if let Some(made) = &watched.record.made {
                    dt { "made" } dd { (shell.time(made.created)) ", not in the configuration" @if !made.desc.is_empty() { ": " (made.desc) } }
                    @if !made.tags.is_empty() { dt { "tags" } dd { (made.tags) } }
                }
                @if let Some(runbook) = &check.runbook {
                    dt { "runbook" } dd { @if is_link(runbook) { a.link href=(runbook) rel="noreferrer" { (runbook) } } @else { (runbook) } }
                }
            }
        }
    }
}

/// Addresses are for those who may act; others learn how many there are.
fn recipients(shell: &Shell<'_>, watched: &Watched) -> Markup {
    let recipients = &watched.check.recipients;
    html! {
        @match (recipients.len(), shell.operator) {
            (0, _) => "nobody",
            (_, true) => {
                @for (place, to) in recipients.iter().enumerate() {
                    @if place > 0 { ", " }
                    (to.address) " (" (to.channel) ")"
                }
            }
            (1, false) => "1 recipient",
            (count, false) => { (count) " recipients" }
        }
    }
}
