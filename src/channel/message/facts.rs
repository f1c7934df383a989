//! What several kinds of letters say of a check and its incident.

use std::sync::Arc;

use super::Writer;
use crate::core::engine::Watched;
use crate::core::incident::Incident;
use crate::core::remedy::{Rule, Then};
use crate::core::state::Phase;
use crate::core::time::human;

impl Writer<'_> {
    /// The incident that it is about. None only if the incident is older than what the engine keeps.
    pub(super) fn incident(&self) -> Option<&Arc<Incident>> {
        self.engine.incident(self.notification.incident.as_ref()?)
    }

    /// The check of that incident.
    pub(super) fn watched(&self) -> Option<&Arc<Watched>> {
        let known = self
            .incident()
            .and_then(|incident| self.engine.watched(incident.check));
        known.or_else(|| self.engine.named(&self.notification.about))
    }

    /// The state of that check now.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.watched().map(|watched| watched.phase())
    }

    /// What is looked at, how and how often.
    pub(super) fn target(&self) -> (&'static str, String) {
        let described = self
            .watched()
            .filter(|watched| watched.active)
            .map(|watched| {
                let check = &watched.check;
                match &check.heartbeat {
                    Some(rule) => {
                        let grace = human(rule.grace).replace(".0 ", " ");
                        format!("heartbeat, {}, grace {grace}", check.schedule)
                    }
                    None if check.target.is_empty() => {
                        format!("{}, {}", check.kind, check.schedule)
                    }
                    None => format!("{} {}, {}", check.kind, check.target, check.schedule),
                }
            });
        ("Looks at", described.unwrap_or_default())
    }

    /// The evidence, and what its message has no room for while it is the last that was seen.
    pub(super) fn found(&self, incident: &Incident) -> Vec<(String, String)> {
        let last = self
            .watched()
            .and_then(|watched| watched.record.last.as_ref());
        let last = last.filter(|last| last.outcome.message() == *incident.evidence);
        let more = last.and_then(|last| last.outcome.left_out.as_deref());
        let more = more.unwrap_or_default().iter().map(ToString::to_string);
        std::iter::once(incident.evidence.to_string())
            .chain(more)
            .map(|text| (String::new(), text))
            .collect()
    }

    /// The remedies that did not help, and whether there will be more.
    pub(super) fn tried(&self, incident: &Incident) -> Vec<(String, String)> {
        let watched = self.watched();
        let tried = watched.and_then(|watched| watched.record.tried.as_deref());
        let entries = tried.into_iter();
        let entries = entries.flat_map(|tried| tried.since(incident.first_failure));
        let limit = watched
            .and_then(|watched| watched.check.remedy.as_deref())
            .zip(tried)
            .filter(|(rule, tried)| rule.is_exhausted(tried, self.now))
            .map(|(rule, _)| (String::new(), limit_reached(rule)));
        entries
            .map(|entry| (self.calendar.short(entry.at), entry.text.to_string()))
            .chain(limit)
            .collect()
    }

    /// Where to read what to do.
    pub(super) fn runbook(&self) -> (&'static str, String) {
        let runbook = self
            .watched()
            .and_then(|watched| watched.check.runbook.clone());
        ("Runbook", runbook.unwrap_or_default().to_string())
    }

    /// The page of the incident.
    pub(super) fn incident_page(&self) -> (&'static str, String) {
        let page = self
            .notification
            .incident
            .as_ref()
            .map(|id| self.page(&format!("incidents/{id}")));
        ("Incident", page.unwrap_or_default())
    }

    /// Who is on it.
    pub(super) fn acknowledged(&self, incident: &Incident) -> (&'static str, String) {
        let said = incident.acknowledged.as_ref().map(|acknowledgement| {
            let at = self.calendar.full(acknowledgement.at);
            let note = &acknowledgement.note;
            let colon = if note.is_empty() { "" } else { ": " };
            format!("by {}, {at}{colon}{note}", acknowledgement.by)
        });
        ("Acknowledged", said.unwrap_or_default())
    }

    /// What happened, line by line.
    pub(super) fn timeline(&self, incident: &Incident) -> Vec<(String, String)> {
        let entries = incident.timeline.iter();
        entries
            .map(|entry| (self.calendar.short(entry.at), entry.text.to_string()))
            .collect()
    }
}

/// What it means that no remedy is tried any more.
fn limit_reached(rule: &Rule) -> String {
    let limit = rule.limit;
    match rule.then {
        Then::Alert => {
            format!("The limit is reached ({limit}): it is tried again when that allows.")
        }
        Then::Stop => format!(
            "The limit is reached ({limit}): nothing more is tried before the check has been good again."
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::remedy::Limit;

    #[test]
    fn that_the_limit_of_a_remedy_is_reached_is_said_with_what_follows() {
        let said = |then| {
            limit_reached(&Rule {
                what: "restart".into(),
                after: 1,
                limit: Limit::DEFAULT,
                timeout: Duration::from_secs(1),
                steps: 1,
                settle: Duration::ZERO,
                then,
                quiet: true,
            })
        };
        let begins = "The limit is reached (at most 3 times in 15 min): ";
        for (then, follows) in [
            (Then::Alert, "it is tried again when that allows."),
            (
                Then::Stop,
                "nothing more is tried before the check has been good again.",
            ),
        ] {
            assert_eq!(said(then), format!("{begins}{follows}"));
        }
    }
}
