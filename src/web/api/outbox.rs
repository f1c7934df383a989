//! The outbox as JSON.

use serde_json::{Value, json};

use crate::core::outbox::{Notification, Phase};
use crate::core::time::Time;

/// `/api/v1/outbox`, in the order in which they are given.
pub fn outbox(notifications: &[Notification]) -> Value {
    json!({ "notifications": notifications.iter().map(notification).collect::<Vec<Value>>() })
}

/// One notification. The message itself is on the page "Mail".
pub(super) fn notification(n: &Notification) -> Value {
    let (relay, reply, at) = match &n.phase {
        Phase::Queued | Phase::Superseded { .. } => (None, None, None),
        Phase::Sending { relay } => (Some(relay), None, None),
        Phase::Accepted { relay, reply, at } => (Some(relay), Some(reply), Some(at)),
        Phase::Deferred { reply, .. } => (None, Some(reply), None),
        Phase::Refused { reply, at } => (None, Some(reply), Some(at)),
    };
    let by = match &n.phase {
        Phase::Superseded { by } => Some(by),
        Phase::Queued
        | Phase::Sending { .. }
        | Phase::Accepted { .. }
        | Phase::Deferred { .. }
        | Phase::Refused { .. } => None,
    };
    json!({
        "id": n.nid,
        "kind": n.kind.word(),
        "channel": n.recipient.channel,
        "to": n.recipient.address,
        "incident": n.incident,
        "about": n.about,
        "created_at": n.created.rfc3339_millis(),
        "phase": n.phase.word(),
        "relay": relay,
        "reply": reply,
        "at": at.map(|at| at.rfc3339_millis()),
        "next_at": n.due().map(Time::rfc3339_millis),
        "superseded_by": by,
        "attempts_failed": n.attempts,
        "ambiguous": n.ambiguous,
    })
}
