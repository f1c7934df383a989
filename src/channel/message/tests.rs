//! What every kind of message says, word for word, in text and in HTML.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZoneDatabase;
use uuid::Uuid;

use super::*;
use crate::core::check::{Check, Recipient, Roster};
use crate::core::event::Event;
use crate::core::incident::IncidentId;
use crate::core::input::Input;
use crate::core::outbox::{Delivery, Nid};
use crate::core::outcome::Outcome;
use crate::core::remedy::{Limit, Rule, Then};
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::core::time::Time;

mod golden;
mod hostile;

/// 2026-11-23, 21:54:07 UTC.
pub(crate) const START: Time = Time::from_millis(1_795_470_847_000);

/// A stage on which messages come about as they do in earnest: the engine decides, the message is written
/// when its notification is queued.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) context: Context,
    pub(crate) now: Time,
    pub(crate) written: Vec<(Notification, Message)>,
}

impl Stage {
    /// With one check, which turns at its second bad look and alarms from Degraded on.
    pub(crate) fn new(name: &str, node: &str) -> Self {
        Self::of(name, "http", node)
    }

    /// The same with a check of this kind.
    pub(crate) fn of(name: &str, kind: &str, node: &str) -> Self {
        let ops = Recipient {
            channel: "email".into(),
            address: "ops@example.org".into(),
        };
        let check = Check {
            name: name.into(),
            group: "".into(),
            kind: kind.into(),
            target: "https://shop.example.org/health".into(),
            schedule: Schedule::Every(Duration::from_secs(10)),
            timeout: Duration::from_secs(5),
            retry_every: None,
            fail_after: Threshold::in_a_row(2),
            recover_after: 1,
            flapping: None,
            depends_on: Vec::new(),
            behind: None,
            alert_degraded: true,
            runbook: Some("https://wiki.example.org/shop".into()),
            recipients: Arc::from([ops.clone()]),
            heartbeat: None,
            remedy: None,
            not_configured: None,
        };
        let roster = Roster {
            node: node.into(),
            zone: TimeZone::UTC,
            checks: vec![Arc::new(check)],
            recipients: Arc::from([ops]),
            flapping: None,
        };
        let context = Context {
            node: node.into(),
            zone: TimeZoneDatabase::bundled()
                .get("Europe/Berlin")
                .expect("a zone of the IANA database"),
            status_url: Some("https://status.example.org/".to_owned()),
            local_url: "http://127.0.0.1:8080".to_owned(),
        };
        let mut stage = Self {
            engine: Engine::default(),
            context,
            now: START,
            written: Vec::new(),
        };
        stage.input(&Input::Plan(Arc::new(roster)));
        stage.look(Outcome::pass("200 OK"));
        stage
    }

    pub(crate) fn input(&mut self, input: &Input) {
        for event in self.engine.decide(self.now, input) {
            if let Event::NotificationQueued { notification } = &event {
                let message = compose(&self.engine, notification, self.now, &self.context);
                self.written.push((notification.clone(), message));
            }
            self.engine.apply(&event);
        }
    }

    /// A look, ten seconds after the one before.
    pub(crate) fn look(&mut self, outcome: Outcome) {
        self.now = self.now + Duration::from_secs(10);
        let check = self.engine.active().next().expect("a check").id;
        let at = self.now;
        self.input(&Input::Outcome { check, at, outcome });
    }

    /// From the next failure on, this is tried once.
    pub(crate) fn treat(&mut self, what: &str) {
        let mut roster = Roster::clone(&self.engine.roster);
        let check = Check::clone(&roster.checks[0]);
        let rule = Rule {
            what: what.into(),
            after: 1,
            limit: Limit {
                times: 1,
                within: Duration::from_mins(15),
            },
            timeout: Duration::from_secs(90),
            steps: 2,
            settle: Duration::ZERO,
            then: Then::Alert,
            quiet: true,
        };
        let remedy = Some(Arc::new(rule));
        roster.checks = vec![Arc::new(Check { remedy, ..check })];
        self.input(&Input::Plan(Arc::new(roster)));
    }

    /// The remedy under way ends so.
    pub(crate) fn remedied(&mut self, report: &str) {
        self.now = self.now + Duration::from_secs(2);
        let watched = Arc::clone(self.engine.remedied_now().next().expect("one"));
        let tried = watched.record.tried.as_ref();
        let began = tried.and_then(|tried| tried.under_way()).expect("begun");
        let (check, report) = (watched.id, report.into());
        self.input(&Input::Remedied {
            check,
            began,
            report,
        });
    }

    pub(crate) fn down(&mut self, evidence: &str) {
        self.look(Outcome::fail(evidence));
        self.look(Outcome::fail(evidence));
    }

    /// The relay's word on what was written last.
    pub(crate) fn report(&mut self, delivery: Delivery) {
        let nid = self.last().0.nid.clone();
        self.input(&Input::Delivery { nid, delivery });
    }

    pub(crate) fn accepted(&mut self) {
        let (relay, reply) = (
            "mx.example.org:25".into(),
            "250 2.0.0 Ok: queued as 4F2C1".into(),
        );
        self.report(Delivery::Accepted { relay, reply });
    }

    pub(crate) fn last(&self) -> &(Notification, Message) {
        self.written.last().expect("something was written")
    }
}
