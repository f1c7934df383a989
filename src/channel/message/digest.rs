//! The daily summary, and the mail that only wants to arrive.

use std::sync::Arc;
use std::time::Duration;

use super::Writer;
use super::letter::Letter;
use crate::core::engine::Watched;
use crate::core::incident::Incident;
use crate::core::time::human;
use crate::core::view::{self, Count, View};

/// What a summary looks back upon.
const DAY: Duration = Duration::from_hours(24);
/// How many of the worst checks it names.
const WORST: usize = 10;

impl Writer<'_> {
    /// Writes the summary of the last day.
    pub(super) fn digest(&self) -> Letter {
        let view = View {
            at: self.now,
            number: 0,
            engine: self.engine.clone(),
        };
        let count = view.count();
        let closed = self.closed_lately();
        let lead = format!(
            "{}. In the 24 hours before {}: {}.",
            all_in_all(&count),
            self.calendar.full(self.now),
            incidents_said(self.engine.incidents.len(), closed.len()),
        );
        let mut letter = Letter::new(&lead, Some(view.overall()));
        let open = self
            .engine
            .incidents
            .values()
            .map(|incident| self.said(incident));
        letter.list("Open incidents", open.collect());
        letter.list("Incidents that are over", closed);
        letter.list("Least uptime in 24 hours", self.worst_uptime());
        letter.facts(vec![
            ("Checks", counted(&count)),
            ("Not delivered yet", self.undelivered_count()),
            ("Status page", self.page("")),
        ]);
        letter
    }

    /// Writes the test mail.
    pub(super) fn test(&self) -> Letter {
        let lead = format!(
            "This is a test: mail from Belfry on {} reaches you.",
            self.context.node
        );
        let mut letter = Letter::new(&lead, None);
        letter.sentence("Nothing is wrong. An alarm would come the same way.");
        letter.facts(vec![
            ("Asked for", self.calendar.full(self.notification.created)),
            ("Sent to", self.notification.recipient.address.to_string()),
            ("Checks", self.engine.active().count().to_string()),
            ("Status page", self.page("")),
        ]);
        letter
    }

    fn closed_lately(&self) -> Vec<(String, String)> {
        let lately =
            |incident: &&Arc<Incident>| incident.closed.is_some_and(|at| at > self.now - DAY);
        let closed = self.engine.recent.iter().filter(lately);
        closed.map(|incident| self.said(incident)).collect()
    }

    fn said(&self, incident: &Arc<Incident>) -> (String, String) {
        let span = human(incident.closed.unwrap_or(self.now).since(incident.opened));
        let (name, state) = (&incident.name, incident.worst.word());
        let (span, reason) = (span.replace(".0 ", " "), &incident.reason);
        let on_it = incident
            .acknowledged
            .as_ref()
            .filter(|_| incident.closed.is_none())
            .map(|acknowledgement| format!(", {} is on it", acknowledgement.by))
            .unwrap_or_default();
        (
            self.calendar.short(incident.opened),
            format!("{name} {state} for {span}: {reason}{on_it}"),
        )
    }

    /// The checks that were up least, worst first. Those that were always up are no news.
    fn worst_uptime(&self) -> Vec<(String, String)> {
        let measured = |watched: &Arc<Watched>| {
            let share = view::uptime(watched, self.now, 0)?;
            (share < 1.0).then(|| (share, watched.check.name.to_string()))
        };
        let mut shares: Vec<(f64, String)> = self.engine.active().filter_map(measured).collect();
        shares.sort_by(|a, b| a.0.total_cmp(&b.0));
        let line = |(share, name)| (percent(share), name);
        shares.into_iter().take(WORST).map(line).collect()
    }

    fn undelivered_count(&self) -> String {
        let nid = &self.notification.nid;
        let waiting = self.engine.outbox.values();
        let waiting =
            waiting.filter(|n| !n.phase.is_final() && n.nid != *nid && n.created < self.now);
        match waiting.count() {
            0 => String::new(),
            1 => "1 notification".to_owned(),
            n => format!("{n} notifications"),
        }
    }
}

fn all_in_all(count: &Count) -> String {
    let trouble = count.down + count.held + count.degraded;
    let known = trouble + count.up;
    match (known, trouble) {
        (0, _) => "Nothing is known of any check yet".to_owned(),
        (_, 0) => "All is well".to_owned(),
        (_, 1) => "One check is not well".to_owned(),
        (_, n) => format!("{n} checks are not well"),
    }
}

fn incidents_said(open: usize, closed: usize) -> String {
    match (open, closed) {
        (0, 0) => "no incident".to_owned(),
        (open, closed) => format!("{open} open, {closed} over"),
    }
}

fn counted(count: &Count) -> String {
    let words = [
        (count.up, "up"),
        (count.degraded, "degraded"),
        (count.down + count.held, "down"),
        (count.new, "new"),
        (count.paused, "paused"),
    ];
    let some = words.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, word)| format!("{n} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A share as per cent, rounded down: what is not all is never shown as 100.
fn percent(share: f64) -> String {
    format!("{:.3} %", (share * 100_000.0).floor() / 1_000.0)
}
