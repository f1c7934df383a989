//! Who has to be told of a change of an incident, and what becomes of alarms that are still on their way.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Check, Recipient};
use super::engine::Engine;
use super::event::Event;
use super::incident::Incident;
use super::outbox::{Kind, Nid, Notification, Phase};
use super::time::Time;

impl Engine {
    /// Tells every recipient of `check` of a new or worse incident.
    pub(super) fn alarm(
        &self,
        now: Time,
        check: &Check,
        incident: &Incident,
        kind: Kind,
    ) -> Vec<Event> {
        let tell = |to: &Recipient| self.draft(now, &incident.id.0, Some(incident), kind, to);
        check
            .recipients
            .iter()
            .filter_map(|to| self.queued(tell(to)))
            .collect()
    }

    /// Tells of a recovery whoever was told of the trouble.
    ///
    /// A recovery never overtakes its alarm. While the alarm waits it is superseded, and one mail tells
    /// both; while it is being handed over, the recovery waits behind it. Whoever could not be told of
    /// the alarm (it was refused for good) is not told of the recovery either.
    pub(super) fn all_clear(&self, now: Time, incident: &Incident) -> Vec<Event> {
        let mut alarms: BTreeMap<&Recipient, Vec<&Notification>> = BTreeMap::new();
        for alarm in self.alarms_of(incident) {
            alarms.entry(&alarm.recipient).or_default().push(alarm);
        }
        alarms
            .into_iter()
            .flat_map(|(to, alarms)| self.all_clear_for(now, incident, to, &alarms))
            .collect()
    }

    fn all_clear_for(
        &self,
        now: Time,
        incident: &Incident,
        to: &Recipient,
        alarms: &[&Notification],
    ) -> Vec<Event> {
        let waits = |n: &&&Notification| matches!(n.phase, Phase::Queued | Phase::Deferred { .. });
        let waiting: Vec<&Nid> = alarms.iter().filter(waits).map(|n| &n.nid).collect();
        let moving = alarms
            .iter()
            .find(|n| matches!(n.phase, Phase::Sending { .. }));
        let told = moving.is_some()
            || alarms
                .iter()
                .any(|n| matches!(n.phase, Phase::Accepted { .. }));
        if !told && waiting.is_empty() {
            return Vec::new();
        }
        let kind = if told { Kind::Recovered } else { Kind::Missed };
        let mut news = self.draft(now, &incident.id.0, Some(incident), kind, to);
        news.behind = moving.map(|n| n.nid.clone());
        let by = news.nid.clone();
        let superseded = waiting
            .into_iter()
            .map(|nid| Event::NotificationSuperseded {
                nid: nid.clone(),
                by: by.clone(),
                at: now,
            });
        self.queued(news).into_iter().chain(superseded).collect()
    }

    /// Tells each of the plan's own recipients something that is about no incident; `subject` makes it one
    /// of its kind (the day of a digest).
    pub(super) fn announce(&self, now: Time, subject: &str, kind: Kind) -> Vec<Event> {
        let tell = |to: &Recipient| self.draft(now, subject, None, kind, to);
        self.roster
            .recipients
            .iter()
            .filter_map(|to| self.queued(tell(to)))
            .collect()
    }

    /// The alarms about an incident that are in the outbox, delivered or not.
    fn alarms_of(&self, incident: &Incident) -> impl Iterator<Item = &Notification> {
        self.thread(&incident.id)
            .map(AsRef::as_ref)
            .filter(|n| n.kind.is_alarm())
    }

    fn draft(
        &self,
        now: Time,
        subject: &str,
        incident: Option<&Incident>,
        kind: Kind,
        to: &Recipient,
    ) -> Notification {
        Notification {
            nid: Nid::new(&self.roster.node, subject, kind, to),
            kind,
            recipient: to.clone(),
            incident: incident.map(|incident| incident.id.clone()),
            about: incident
                .map_or_else(|| kind.word().into(), |incident| Arc::clone(&incident.name)),
            created: now,
            behind: None,
            phase: Phase::Queued,
            attempts: 0,
            ambiguous: 0,
            message: Arc::from([]),
        }
    }

    /// The event that queues it; none where the same news is in the outbox already.
    fn queued(&self, notification: Notification) -> Option<Event> {
        (!self.outbox.contains_key(&notification.nid))
            .then_some(Event::NotificationQueued { notification })
    }
}
