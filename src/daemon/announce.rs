//! What the daemon finds out about itself without a probe, handed in as looks at its own checks.

use std::sync::Arc;

use tokio::sync::watch;

use super::follow::Wires;
use super::notices::Fact;
use super::reload;
use crate::clock::Clock;
use crate::config::{self, Source};
use crate::core::input::Input;
use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::core::view::View;
use crate::inbox::Inbox;

/// The first look at the configuration, and at a journal that had to be put aside.
pub(super) fn announce(
    inbox: &Inbox,
    view: &View,
    source: &Source,
    quarantined: Option<&str>,
    now: Time,
) {
    let taken = reload::taken(source, view.engine.roster.checks.len(), None);
    look(inbox, view, now, (config::CONFIG_CHECK, 1, &taken));
    if let Some(text) = quarantined {
        put_aside(inbox, view, text, now);
    }
}

/// Opens an incident about a journal that was put aside.
fn put_aside(inbox: &Inbox, view: &View, text: &str, now: Time) {
    const NAME: &str = "belfry.journal";
    let enough = view.engine.named(NAME);
    let enough = enough.map_or(0, |watched| watched.check.fail_after.bad);
    look(inbox, view, now, (NAME, enough, &Outcome::fail(text)));
}

/// Hands in what was found out about ourselves, so often that it counts.
fn look(inbox: &Inbox, view: &View, at: Time, (name, times, outcome): (&str, u8, &Outcome)) {
    let Some(check) = view.engine.named(name).map(|watched| watched.id) else {
        return;
    };
    for _ in 0..times {
        let outcome = outcome.clone();
        inbox.offer(Input::Outcome { check, at, outcome });
    }
}

/// Tells of every journal that has to be put aside while the daemon runs, until there is none any more.
pub(super) async fn tell_of_journals(
    mut news: watch::Receiver<Option<Arc<str>>>,
    inbox: Inbox,
    view: watch::Receiver<Arc<View>>,
    wires: Wires,
    clock: Clock,
) {
    while news.changed().await.is_ok() {
        let told = news.borrow_and_update().clone();
        if let Some(text) = told {
            wires.notice(Fact::Journal, Some(&text));
            put_aside(&inbox, &view.borrow(), &text, clock.now());
        }
    }
}
