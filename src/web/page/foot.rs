//! The line at the foot of every page: how the watcher itself is.

use maud::{Markup, html};

use super::Shell;
use crate::core::time::human;

/// Its text; replaced by live updates under the id `foot`.
pub fn foot(shell: &Shell<'_>) -> Markup {
    let (vitals, engine) = (shell.vitals, &shell.view.engine);
    let checks = engine.roster.checks.len() + engine.made_count();
    html! {
        p #foot {
            (checks) @if checks == 1 { " check" } @else { " checks" }
            @if vitals.probes.value() > 0 {
                " · scheduler " (human(vitals.lateness_max.duration())) " late at most"
            }
            @match (vitals.commit_failures.value(), vitals.commits.value()) {
                (0, 0) => {}
                (0, _) => { " · journal commit " (human(vitals.commit.duration())) }
                _ => { " · " strong.down { "the journal cannot be written" } }
            }
            @if let Some(archive) = archive(shell) {
                " · archive " (archive)
            }
            @match vitals.outbox_waiting.value() {
                0 => {}
                1 => { " · 1 mail waits" }
                waiting => { " · " (waiting) " mails wait" }
            }
            " · " (shell.full(shell.now))
        }
    }
}

/// The archive in words; none where there is none.
pub(super) fn archive(shell: &Shell<'_>) -> Option<String> {
    let vitals = shell.vitals;
    let lag = || human(vitals.archive_lag.duration());
    match (vitals.archive_state.value(), vitals.archive_waiting.value()) {
        (1, 0) => Some("up to date".to_owned()),
        (1, _) => Some(format!("{} behind", lag())),
        (2, 0) => Some("not reachable".to_owned()),
        (2, _) => Some(format!("not reachable, {} behind", lag())),
        _ => None,
    }
}
