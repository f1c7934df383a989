//! The letter that says that something is wrong, or has become worse.

use super::Writer;
use super::letter::Letter;
use crate::core::incident::Incident;
use crate::core::outbox::Kind;
use crate::core::state::Phase;

impl Writer<'_> {
    /// Writes it.
    pub(super) fn alarm(&self) -> Letter {
        let Some(incident) = self.incident() else {
            return self.bare_alarm();
        };
        let mut letter = Letter::new(&self.alarm_lead(incident), Some(self.worst(incident)));
        letter.list("What was found", self.found(incident));
        letter.list("What was tried", self.tried(incident));
        letter.list("What to do next", self.next_steps(Some(incident)));
        letter.facts(vec![
            self.target(),
            ("Failing since", self.calendar.full(incident.first_failure)),
            self.acknowledged(incident),
            self.runbook(),
            self.incident_page(),
        ]);
        letter.list("Timeline", self.timeline(incident));
        letter
    }

    fn alarm_lead(&self, incident: &Incident) -> String {
        let (name, reason) = (self.name(), &incident.reason);
        let opened = self.calendar.full(incident.opened);
        match self.notification.kind {
            Kind::Worsened => {
                let since = self.calendar.full(self.notification.created);
                format!("{name} is down since {since}: {reason}. It was degraded since {opened}.")
            }
            Kind::Opened | Kind::Recovered | Kind::Missed | Kind::Digest | Kind::Test => {
                let state = incident.worst.word();
                format!("{name} is {state} since {opened}: {reason}.")
            }
        }
    }

    fn worst(&self, incident: &Incident) -> Phase {
        if self.notification.kind == Kind::Worsened {
            Phase::Down
        } else {
            incident.worst
        }
    }

    /// What can be said where the incident itself is not at hand.
    fn bare_alarm(&self) -> Letter {
        let since = self.calendar.full(self.notification.created);
        let lead = format!("{} is in trouble since {since}.", self.name());
        let mut letter = Letter::new(&lead, Some(Phase::Down));
        letter.list("What to do next", self.next_steps(None));
        letter.facts(vec![self.target(), self.runbook(), self.incident_page()]);
        letter
    }
}
