//! The letter that says that it is over: after an alarm, or instead of one that could not be delivered.

use super::Writer;
use super::letter::Letter;
use crate::core::incident::Incident;
use crate::core::outbox::{Kind, Nid, Phase as Delivery};
use crate::core::state::Phase;
use crate::core::time::human;

impl Writer<'_> {
    /// Writes it.
    pub(super) fn over(&self) -> Letter {
        let incident = self.incident();
        let lead = if let Some(incident) = incident {
            self.over_lead(incident)
        } else {
            let since = self.calendar.full(self.notification.created);
            format!("{} {} since {since}.", self.name(), self.now_is("trouble"))
        };
        let mut letter = Letter::new(&lead, Some(self.phase().unwrap_or(Phase::Up)));
        if self.notification.kind == Kind::Missed {
            letter.sentence(&self.why_missed());
        }
        letter.list("The last look found", self.last_look());
        let mut facts = vec![self.target()];
        if let Some(incident) = incident {
            facts.extend([
                ("First failure", self.calendar.full(incident.first_failure)),
                (
                    "It was",
                    format!("{}: {}", incident.worst.word(), incident.reason),
                ),
                ("Found then", incident.evidence.to_string()),
                self.acknowledged(incident),
            ]);
        }
        facts.extend([self.runbook(), self.incident_page()]);
        letter.facts(facts);
        if let Some(incident) = incident {
            letter.list("Timeline", self.timeline(incident));
        }
        letter
    }

    fn over_lead(&self, incident: &Incident) -> String {
        let name = self.name();
        let (from, to) = (
            incident.opened,
            incident.closed.unwrap_or(self.notification.created),
        );
        let (worst, lasted) = (
            incident.worst.word(),
            human(to.since(from)).replace(".0 ", " "),
        );
        let now_is = self.now_is(worst);
        let (opened, closed) = (self.calendar.full(from), self.calendar.full(to));
        if self.notification.kind == Kind::Missed {
            format!("{name} was {worst} for {lasted}, from {opened} to {closed}, and {now_is}.")
        } else {
            format!("{name} {now_is} since {closed}. It was {worst} for {lasted}.")
        }
    }

    /// How it is now, after having been `worst`.
    fn now_is(&self, worst: &str) -> String {
        match self.phase() {
            Some(Phase::Up | Phase::New) | None => "is up again".to_owned(),
            Some(Phase::Degraded) => format!("is no longer {worst}, but degraded"),
            Some(Phase::Paused) => "is paused".to_owned(),
            // Between the close and this letter nothing turns; were it so, it must be said.
            Some(Phase::Down) => "is down again".to_owned(),
        }
    }

    /// Why the alarm did not come while it would have helped.
    fn why_missed(&self) -> String {
        let reply = self.undelivered();
        let reply = reply.map(|reply| format!(" ({reply})")).unwrap_or_default();
        format!("You were not told while it lasted: no relay had taken the alarm yet{reply}.")
    }

    /// What was said to the last attempt to deliver the alarm.
    fn undelivered(&self) -> Option<&str> {
        let incident = self.notification.incident.as_ref()?;
        let to = &self.notification.recipient;
        let alarm = Nid::new(&self.engine.roster.node, &incident.0, Kind::Opened, to);
        match &self.engine.outbox.get(&alarm)?.phase {
            Delivery::Deferred { reply, .. } => Some(reply),
            Delivery::Queued
            | Delivery::Sending { .. }
            | Delivery::Accepted { .. }
            | Delivery::Refused { .. }
            | Delivery::Superseded { .. } => None,
        }
    }

    fn last_look(&self) -> Vec<(String, String)> {
        let last = self
            .watched()
            .and_then(|watched| watched.record.last.as_ref());
        last.map(|last| (self.calendar.short(last.at), last.outcome.message()))
            .into_iter()
            .collect()
    }
}
