//! What the engine has already let go of when a batch is written: a notification that became final after
//! its incident had closed, or one of very many incidents that closed at once. Their rows follow from the
//! events, so that the next start does not find them open and send again.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;

use super::Batch;
use crate::core::event::Event;
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::{Delivery, Nid, Notification, Phase};

/// Incidents that closed in this batch and are not in it.
pub(super) fn incidents(conn: &Connection, batch: &Batch) -> rusqlite::Result<Vec<Incident>> {
    let there: BTreeSet<&IncidentId> = batch.incidents.iter().map(|i| &i.id).collect();
    let mut left: BTreeMap<&IncidentId, Incident> = BTreeMap::new();
    for event in &batch.events {
        if let Event::IncidentOpened { incident } = event
            && !there.contains(&incident.id)
        {
            left.insert(&incident.id, incident.clone());
        }
        let Event::IncidentClosed { incident, at, why } = event else {
            continue;
        };
        if there.contains(incident) {
            continue;
        }
        let known = match left.remove(incident) {
            Some(known) => Some(known),
            None => row(conn, "SELECT json FROM incident WHERE id = ?1", &incident.0)?,
        };
        if let Some(mut known) = known {
            known.closed = Some(*at);
            known.note(*at, format!("closed: {why}"));
            left.insert(incident, known);
        }
    }
    Ok(left.into_values().collect())
}

/// Notifications that came to an end in this batch and are not in it.
pub(super) fn notifications(
    conn: &Connection,
    batch: &Batch,
) -> rusqlite::Result<Vec<Notification>> {
    let there: BTreeSet<&Nid> = batch.notifications.iter().map(|n| &n.nid).collect();
    let mut left: BTreeMap<&Nid, Notification> = BTreeMap::new();
    for event in &batch.events {
        if let Event::NotificationQueued { notification } = event
            && !there.contains(&notification.nid)
        {
            left.insert(&notification.nid, notification.clone());
        }
        let Some((nid, phase)) = ended(event).filter(|(nid, _)| !there.contains(nid)) else {
            continue;
        };
        let known = match left.remove(nid) {
            Some(known) => Some(known),
            None => row(conn, "SELECT json FROM outbox WHERE nid = ?1", &nid.0)?,
        };
        if let Some(known) = known {
            left.insert(nid, Notification { phase, ..known });
        }
    }
    Ok(left.into_values().collect())
}

/// The notification that an event ends, and how.
fn ended(event: &Event) -> Option<(&Nid, Phase)> {
    if let Event::NotificationSuperseded { nid, by, .. } = event {
        return Some((nid, Phase::Superseded { by: by.clone() }));
    }
    let Event::NotificationMoved { nid, at, delivery } = event else {
        return None;
    };
    let at = *at;
    match delivery.clone() {
        Delivery::Accepted { relay, reply } => Some((nid, Phase::Accepted { relay, reply, at })),
        Delivery::Refused { reply } => Some((nid, Phase::Refused { reply, at })),
        Delivery::Sending { .. } | Delivery::Deferred { .. } => None,
    }
}

/// The row with this id; none where it is not there or cannot be read any more.
fn row<T: DeserializeOwned>(
    conn: &Connection,
    query: &str,
    id: &str,
) -> rusqlite::Result<Option<T>> {
    let json: Option<String> = conn
        .prepare_cached(query)?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}
