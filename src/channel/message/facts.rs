//! What several kinds of letters say of a check and its incident.

use std::sync::Arc;

use super::Writer;
use crate::core::engine::Watched;
use crate::core::incident::Incident;
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

    /// The remedies that did not help.
    pub(super) fn tried(&self, incident: &Incident) -> Vec<(String, String)> {
        let tried = self
            .watched()
            .and_then(|watched| watched.record.tried.as_deref());
        let tried = tried.into_iter();
        let tried = tried.flat_map(|tried| tried.since(incident.first_failure));
        tried
            .map(|entry| (self.calendar.short(entry.at), entry.text.to_string()))
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
