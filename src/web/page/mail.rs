//! The outbox: what was told to whom, and what the relays said.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::eml;
use super::layout::{Frame, Live, Tab, heading, layout};
use super::{Shell, segment};
use crate::core::outbox::{Kind, Notification, Phase};
use crate::web::limits::ROWS;

/// The outbox, newest first.
pub fn mail(shell: &Shell<'_>, notifications: &[Notification]) -> Markup {
    let count =
        |wanted: fn(&Phase) -> bool| notifications.iter().filter(|n| wanted(&n.phase)).count();
    let waiting = count(|phase| !phase.is_final());
    let refused = count(|phase| matches!(phase, Phase::Refused { .. }));
    let title = match (notifications.len(), waiting) {
        (0, _) => "No mail yet".to_owned(),
        (_, 0) => "No mail waits".to_owned(),
        (_, 1) => "1 mail waits".to_owned(),
        (_, waiting) => format!("{waiting} mails wait"),
    };
    let below = html! {
        @if notifications.is_empty() { "What is told to somebody is listed here, with what the relay said to it." }
        @else { (many(notifications.len())) @if refused > 0 { ", " strong.down { (refused) " refused" } } }
    };
    let main = html! {
        (heading(&title, &below))
        @if shell.operator && !shell.view.engine.roster.recipients.is_empty() {
            form.actions method="post" action="/mail/test" { button { "Send a test mail" } }
        }
        @if notifications.is_empty() { (empty()) } @else { (table(shell, notifications)) }
    };
    let frame = Frame {
        tab: Some(Tab::Mail),
        title: &title,
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}

fn many(mails: usize) -> Markup {
    html! {
        @match mails {
            1 => "1 mail",
            // As many as one answer of the journal has: there may be older ones.
            ROWS => { "the newest " (ROWS) " mails" }
            mails => { (mails) " mails, the newest first" }
        }
    }
}

fn empty() -> Markup {
    html! {
        section.empty {
            p { "Mails go to the relays of the configuration; without a relay they are written into the folder " code { "mail" } " of the data folder and can be read here." }
            pre { code {
                "[email]\n"
                "relays = [\"smtp://localhost:25\"]\n"
                "from = \"Belfry <belfry@example.org>\"\n"
                "to = [\"ops@example.org\"]"
            } }
        }
    }
}

/// Notifications as a table. To whom they went and what the relay said is for operators: others see that
/// somebody was told, when, and how far it came.
pub(super) fn table(shell: &Shell<'_>, notifications: &[Notification]) -> Markup {
    let mut newest: Vec<&Notification> = notifications.iter().collect();
    newest.sort_by_key(|n| Reverse(n.created));
    html! {
        div.scroll.stack { table {
            thead { tr { th { "When" } th { "About" } th { "What" } th { "To" } th { "How far" } th { "Tries that failed" } } }
            tbody { @for n in newest {
                tr {
                    td { a href={ "/mail/" (segment(&n.nid.0)) } { (shell.time(n.created)) } }
                    td { (about(n)) }
                    td { (n.kind.word()) }
                    td { (shell.shown(&n.recipient.address)) " " small { (n.recipient.channel) } }
                    td.wide { (progress(shell, n)) }
                    td.figure data-th="tries that failed" { (n.attempts) }
                }
            } }
        } }
    }
}

fn about(n: &Notification) -> Markup {
    html! {
        @match &n.incident {
            Some(id) => a href={ "/incidents/" (segment(&id.0)) } { (n.about) },
            None => (n.about),
        }
    }
}

/// How far it has come, and what the relay said. Accepted is all that a relay can promise: whether
/// it arrived, only the reader knows.
fn progress(shell: &Shell<'_>, n: &Notification) -> Markup {
    let tone = match &n.phase {
        Phase::Accepted { .. } => "up",
        Phase::Refused { .. } => "down",
        Phase::Deferred { .. } => "degraded",
        Phase::Queued | Phase::Sending { .. } | Phase::Superseded { .. } => "unknown",
    };
    html! {
        span class={ "tag " (tone) } { (n.phase.word()) } " "
        @match &n.phase {
            Phase::Accepted { at, .. } | Phase::Refused { at, .. } if !shell.operator => (shell.time(*at)),
            Phase::Deferred { next, .. } if !shell.operator => { "until " (shell.time(*next)) },
            Phase::Sending { .. } if !shell.operator => {},
            Phase::Queued => @if n.behind.is_some() { "waits for the mail before it" },
            Phase::Sending { relay } => { "to " (relay) }
            Phase::Accepted { relay, reply, at } => { "by " (relay) (taken_as(reply)) ", " (shell.time(*at)) }
            Phase::Deferred { reply, next } => { "until " (shell.time(*next)) ": " (reply) }
            Phase::Refused { reply, at } => { (shell.time(*at)) ": " (reply) }
            Phase::Superseded { by } => { "told by " a.link href={ "/mail/" (segment(&by.0)) } { "a later mail" } }
        }
        @if n.ambiguous > 0 { " · sent again " (n.ambiguous) " times, the same bytes: the relay was cut off" }
    }
}

/// Under which name the relay took it; its whole reply where it does not say in words that are known.
fn taken_as(reply: &str) -> Markup {
    html! {
        @match reply.split_once("queued as ") {
            Some((_, name)) => { " as " span title=(reply) { (name.trim()) } }
            None => { ": " (reply) }
        }
    }
}

/// One notification with its message, as it was frozen.
pub fn mail_one(shell: &Shell<'_>, notification: &Notification) -> Markup {
    let n = notification;
    let what = match n.kind {
        Kind::Opened => "Alarm",
        Kind::Worsened => "Worse",
        Kind::Recovered => "All clear",
        Kind::Missed => "Missed",
        Kind::Digest => "Digest",
        Kind::Test => "Test",
    };
    let title = match n.kind {
        Kind::Digest | Kind::Test => what.to_owned(),
        Kind::Opened | Kind::Worsened | Kind::Recovered | Kind::Missed => {
            format!("{what}: {}", n.about)
        }
    };
    let message = eml::read(&n.message);
    let main = html! {
        (heading(&title, &html! { "for " (shell.shown(&n.recipient.address)) ", " (shell.time(n.created)) " · " (progress(shell, n)) }))
        @if let Some(id) = &n.incident {
            p.back { a.link href={ "/incidents/" (segment(&id.0)) } { "The incident it is about" } }
        }
        @if !shell.operator {
            p.empty { "What it says, and to whom, is for operators." }
        } @else if n.message.is_empty() {
            p.empty { "The message is written when its turn comes." }
        } @else {
            section.part { h2 { "Head" }
                dl.rules.mono { @for (name, value) in &message.headers { dt { (name) } dd { (value) } } }
            }
            section.part { h2 { "Text" } pre.letter { (message.text) } }
        }
        p.fine { "Notification " code { (n.nid) } }
    };
    let frame = Frame {
        tab: Some(Tab::Mail),
        title: &title,
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}
