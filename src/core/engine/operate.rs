//! Decisions that people and the courier call for.

use std::sync::Arc;

use super::Engine;
use super::judge::turned;
use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::incident::{Acknowledgement, IncidentId};
use crate::core::outbox::{Delivery, GIVE_UP, Nid};
use crate::core::state::{Phase, Reason, State};
use crate::core::text;
use crate::core::time::Time;

/// Longest note of an acknowledgement, in characters.
const NOTE_CHARS: usize = 500;

impl Engine {
    /// Somebody is on it. The first one counts.
    pub(super) fn acknowledge(
        &self,
        now: Time,
        id: &IncidentId,
        by: &str,
        note: &str,
    ) -> Vec<Event> {
        let open = self
            .incidents
            .get(id)
            .filter(|incident| incident.acknowledged.is_none());
        let acknowledged = open.map(|incident| Event::IncidentAcknowledged {
            incident: incident.id.clone(),
            acknowledgement: Acknowledgement {
                at: now,
                by: text::line(by, 80).into(),
                note: text::line(note, NOTE_CHARS).into(),
            },
        });
        acknowledged.into_iter().collect()
    }

    /// Stops judging a check. An open incident is closed without a mail: whoever pauses knows.
    pub(super) fn pause(&self, now: Time, check: CheckId, by: &str) -> Vec<Event> {
        let Some(watched) = self
            .watched(check)
            .filter(|w| w.active && w.phase() != Phase::Paused)
        else {
            return Vec::new();
        };
        let reason = Reason::Operator(text::line(by, 80));
        let mut events = turned(now, watched, State::Paused, &reason);
        if let Some(incident) = &watched.record.incident {
            let why: Arc<str> = format!("paused {reason}").into();
            events.push(Event::IncidentClosed {
                incident: incident.clone(),
                at: now,
                why,
            });
        }
        events
    }

    /// Starts judging it again, as if it were new. What the configuration paused stays so.
    pub(super) fn resume(&self, now: Time, check: CheckId, by: &str) -> Vec<Event> {
        let paused = self
            .watched(check)
            .filter(|w| w.active && w.phase() == Phase::Paused && w.check.not_configured.is_none());
        paused.map_or_else(Vec::new, |w| {
            turned(now, w, State::NEW, &Reason::Operator(text::line(by, 80)))
        })
    }

    /// The courier got so far with a notification. Empty when the notification is final already: then it
    /// must not be sent (any more).
    pub(super) fn delivered(&self, now: Time, nid: &Nid, delivery: &Delivery) -> Vec<Event> {
        let Some(notification) = self.outbox.get(nid).filter(|n| !n.phase.is_final()) else {
            return Vec::new();
        };
        let mut delivery = delivery.clone();
        if let Delivery::Deferred { reply } = &delivery
            && now.since(notification.created) >= GIVE_UP
        {
            let reply = format!("given up after 5 days, last: {reply}").into();
            delivery = Delivery::Refused { reply };
        }
        let to = &notification.recipient.address;
        let line = match &delivery {
            Delivery::Accepted { relay, reply } => {
                Some(format!("{to} told, accepted by {relay}: {reply}"))
            }
            Delivery::Refused { reply } => Some(format!("{to} cannot be told: {reply}")),
            // Only the first failure is news; the attempts after it are counted on the page.
            Delivery::Deferred { reply } => {
                (notification.attempts == 0).then(|| format!("{to} not told yet: {reply}"))
            }
            Delivery::Sending { .. } => None,
        };
        let noted = line
            .zip(notification.incident.as_ref())
            .map(|(line, incident)| Event::IncidentNoted {
                incident: incident.clone(),
                at: now,
                text: text::message(&line),
            });
        std::iter::once(Event::NotificationMoved {
            nid: nid.clone(),
            at: now,
            delivery,
        })
        .chain(noted)
        .collect()
    }
}
