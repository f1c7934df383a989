//! The outbox as JSON.

use serde_json::{Value, json};

use crate::core::outbox::{Notification, Phase};
use crate::core::time::Time;
use crate::web::mask;

/// `/api/v1/outbox`, in the order in which they are given.
pub fn outbox(notifications: &[Notification], operator: bool) -> Value {
    let all = notifications.iter().map(|n| notification(n, operator));
    json!({ "notifications": all.collect::<Vec<Value>>() })
}

/// One notification. The message itself is on the page "Mail". To whom it went and what the relay said, which
/// names people and machines, is for operators; others see that somebody was told, when, and how far it came.
pub(super) fn notification(n: &Notification, operator: bool) -> Value {
    let (relay, reply, at) = match &n.phase {
        Phase::Queued | Phase::Superseded { .. } => (None, None, None),
        Phase::Sending { relay } => (Some(relay), None, None),
        Phase::Accepted { relay, reply, at } => (Some(relay), Some(reply), Some(at)),
        Phase::Deferred { reply, .. } => (None, Some(reply), None),
        Phase::Refused { reply, at } => (None, Some(reply), Some(at)),
    };
    let (relay, reply) = (relay.filter(|_| operator), reply.filter(|_| operator));
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
        "to": mask::text(&n.recipient.address, operator),
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
