//! Incidents as JSON.

use serde_json::{Value, json};

use super::outbox::notification;
use crate::core::incident::{Entry, Incident};
use crate::core::outbox::Notification;
use crate::core::time::Time;
use crate::core::view::View;
use crate::web::mask;

/// `/api/v1/incidents`: the open ones of the view and the closed ones, newest first.
pub fn incidents(view: &View, closed: &[Incident], operator: bool) -> Value {
    let mut all: Vec<&Incident> = view
        .engine
        .incidents
        .values()
        .map(AsRef::as_ref)
        .chain(closed)
        .collect();
    all.sort_by_key(|incident| std::cmp::Reverse(incident.opened));
    let all = all.into_iter().map(|incident| brief(incident, operator));
    json!({ "incidents": all.collect::<Vec<Value>>() })
}

/// `/api/v1/incidents/ID`: one with its timeline, and who was told; their addresses are for operators.
pub fn incident(incident: &Incident, notifications: &[Notification], operator: bool) -> Value {
    let entry = |entry: &Entry| {
        let text = mask::text(&entry.text, operator);
        json!({ "at": entry.at.rfc3339_millis(), "text": text })
    };
    let mut whole = brief(incident, operator);
    whole["first_failure"] = json!(incident.first_failure.rfc3339_millis());
    whole["timeline"] = incident.timeline.iter().map(entry).collect();
    whole["notifications"] = notifications
        .iter()
        .map(|told| notification(told, operator))
        .collect();
    whole
}

/// As it stands in a list.
pub(super) fn brief(incident: &Incident, operator: bool) -> Value {
    let shown = |text| mask::text(text, operator);
    let seen = incident.acknowledged.as_ref().map(
        |seen| json!({ "at": seen.at.rfc3339(), "by": shown(&seen.by), "note": shown(&seen.note) }),
    );
    json!({
        "id": incident.id,
        "check": incident.name,
        "opened_at": incident.opened.rfc3339(),
        "closed_at": incident.closed.map(Time::rfc3339),
        "worst": incident.worst.word(),
        "acknowledged": seen.is_some(),
        "acknowledgement": seen,
        "reason": incident.reason,
        "cause": shown(&incident.evidence),
    })
}
