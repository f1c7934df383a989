//! What is done about a check by itself, and what was done.

use maud::{Markup, html};

use super::Shell;
use crate::core::engine::Watched;
use crate::core::remedy::{Rule, Then, Tried};

/// Nothing where nothing is ever done.
pub(super) fn remedy(shell: &Shell<'_>, watched: &Watched) -> Markup {
    let tried = watched.record.tried.as_deref();
    let rule = watched.check.remedy.as_deref();
    if rule.is_none() && tried.is_none_or(|tried| tried.log.is_empty()) {
        return html! {};
    }
    html! {
        section.part { h2 { "Remedy" }
            @if let Some(rule) = rule { p { (words(rule)) } }
            @if let Some(since) = tried.and_then(Tried::under_way) {
                p { "Under way since " (shell.time(since)) "." }
            }
            @match tried.filter(|tried| !tried.log.is_empty()) {
                Some(tried) => {
                    ol.timeline { @for entry in tried.log.iter().rev() { li { (shell.time(entry.at)) " " (entry.text) } } }
                }
                None => p.empty { "None was needed yet." },
            }
        }
    }
}

/// The rule in one sentence.
fn words(rule: &Rule) -> String {
    let after = match rule.after {
        1 => "a failure".to_owned(),
        count => format!("{count} failures in a row"),
    };
    let told = if rule.quiet {
        "people are told when it has not helped"
    } else {
        "people are told at once"
    };
    let then = match rule.then {
        Then::Alert => "",
        Then::Stop => "; then not again before the check has been good",
    };
    format!("{} after {after}, {}{then}; {told}.", rule.what, rule.limit)
}
