//! Stories: an engine lives through a sequence of looks, pings and hours, and says what it decided.
//!
//! Time is an argument, so a month takes milliseconds. After every step the story can be crashed: the
//! engine is built anew from what a journal would have kept, and must go on as if nothing had happened.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::{Check, CheckId, Flapping, Recipient, Roster};
use belfry::core::engine::{Definition, Engine, Record, Restored};
use belfry::core::event::Event;
use belfry::core::heartbeat::{Ping, Rule, Signal};
use belfry::core::incident::Incident;
use belfry::core::input::Input;
use belfry::core::outbox::{Delivery, Nid, Notification};
use belfry::core::outcome::{Outcome, Verdict};
use belfry::core::remedy::Step;
use belfry::core::schedule::Schedule;
use belfry::core::state::{Phase, Threshold};
use belfry::core::time::Time;
use belfry::core::uptime::History;
use jiff::tz::TimeZoneDatabase;
use uuid::Uuid;

/// A check as most stories want it: every 30 s, three failures, one pass, mail to ops.
pub(crate) fn check(name: &str) -> Check {
    Check {
        name: name.into(),
        group: "".into(),
        kind: "http".into(),
        target: "http://shop/".into(),
        schedule: Schedule::Every(Duration::from_secs(30)),
        timeout: Duration::from_secs(5),
        retry_every: None,
        fail_after: Threshold::in_a_row(3),
        recover_after: 1,
        flapping: Some(Flapping::DEFAULT),
        depends_on: Vec::new(),
        behind: None,
        alert_degraded: false,
        runbook: None,
        recipients: Arc::from([ops()]),
        heartbeat: None,
        remedy: None,
        not_configured: None,
    }
}

/// A heartbeat: every hour, ten minutes of grace.
pub(crate) fn heartbeat(name: &str) -> Check {
    Check {
        kind: "heartbeat".into(),
        schedule: Schedule::Every(Duration::from_hours(1)),
        fail_after: Threshold::in_a_row(1),
        heartbeat: Some(Rule::new(Duration::from_mins(10), Uuid::from_u128(7))),
        ..check(name)
    }
}

pub(crate) fn ops() -> Recipient {
    Recipient {
        channel: "email".into(),
        address: "ops@example.org".into(),
    }
}

/// What a journal keeps, rebuilt from the events alone and the post-states that go with them.
#[derive(Default)]
struct Kept {
    definitions: BTreeMap<CheckId, (Arc<str>, Arc<str>, bool)>,
    records: BTreeMap<CheckId, Record>,
    histories: BTreeMap<CheckId, History>,
    incidents: BTreeMap<Arc<str>, Incident>,
    notifications: BTreeMap<Nid, Notification>,
    order: Vec<Arc<str>>,
}

/// A story in the telling.
pub(crate) struct Story {
    pub(crate) engine: Engine,
    pub(crate) now: Time,
    roster: Arc<Roster>,
    kept: Kept,
    /// What was decided in the last step, one line each, looks and windows left out.
    said: Vec<String>,
    /// Every notification that was ever queued.
    pub(crate) queued: Vec<(Nid, &'static str)>,
    /// Crash and restore after every step.
    pub(crate) fragile: bool,
}

impl Story {
    /// Begins with these checks, at a Monday noon.
    pub(crate) fn of(checks: impl IntoIterator<Item = Check>) -> Self {
        let checks = checks.into_iter().map(Arc::new).collect();
        let roster = Arc::new(Roster {
            node: "web-1".into(),
            zone: TimeZoneDatabase::bundled()
                .get("Europe/Berlin")
                .expect("a zone"),
            checks,
            recipients: Arc::from([ops()]),
            flapping: None,
        });
        let mut story = Self {
            engine: Engine::default(),
            now: Time::from_millis(1_795_435_200_000),
            roster: Arc::clone(&roster),
            kept: Kept::default(),
            said: Vec::new(),
            queued: Vec::new(),
            fragile: false,
        };
        story.step(&Input::Plan(roster));
        story.said.clear();
        story
    }

    /// Time passes, tick by tick as the engine asks for it.
    pub(crate) fn after(&mut self, span: Duration) -> &mut Self {
        let end = self.now + span;
        while let Some(wake) = self.engine.next_wake().filter(|&wake| wake <= end) {
            self.now = self.now.max(wake);
            self.step(&Input::Tick);
        }
        self.now = end;
        self
    }

    /// A look at `name`.
    pub(crate) fn look(&mut self, name: &str, verdict: Verdict) -> &mut Self {
        let text = match verdict {
            Verdict::Pass => "200 OK",
            Verdict::Warn => "200 OK, slow",
            Verdict::Fail => "connection refused",
            Verdict::Unknown => "no file descriptor",
        };
        let outcome = Outcome::new(verdict, text).took(Duration::from_millis(12));
        let input = Input::Outcome {
            check: self.id(name),
            at: self.now,
            outcome,
        };
        self.step(&input);
        self
    }

    pub(crate) fn pass(&mut self, name: &str) -> &mut Self {
        self.look(name, Verdict::Pass)
    }

    pub(crate) fn fail(&mut self, name: &str) -> &mut Self {
        self.look(name, Verdict::Fail)
    }

    /// A ping of `name`.
    pub(crate) fn ping(&mut self, name: &str, signal: Signal) -> &mut Self {
        self.ping_of(name, signal, None)
    }

    /// A ping of `name` that says which run it belongs to.
    pub(crate) fn ping_of(&mut self, name: &str, signal: Signal, rid: Option<u128>) -> &mut Self {
        let ping = Ping {
            rid: rid.map(Uuid::from_u128),
            ..self.heard(signal)
        };
        let check = self.id(name);
        self.input(&Input::Ping { check, ping })
    }

    /// A ping that arrives now.
    pub(crate) fn heard(&self, signal: Signal) -> Ping {
        Ping {
            at: self.now,
            signal,
            rid: None,
            method: "GET".into(),
            remote: "127.0.0.1".into(),
            agent: "curl".into(),
            body: Arc::from([]),
            took: None,
            late: Duration::ZERO,
        }
    }

    /// Anything else.
    pub(crate) fn input(&mut self, input: &Input) -> &mut Self {
        self.step(input);
        self
    }

    /// The courier delivers everything that is due.
    pub(crate) fn deliver(&mut self) -> &mut Self {
        for nid in self.due() {
            let relay: Arc<str> = "localhost".into();
            self.step(&Input::Delivery {
                nid: nid.clone(),
                delivery: Delivery::Sending {
                    relay: Arc::clone(&relay),
                },
            });
            self.step(&Input::Delivery {
                nid,
                delivery: Delivery::Accepted {
                    relay,
                    reply: "250 queued as 4F2C1".into(),
                },
            });
        }
        self
    }

    /// The courier fails with everything that is due.
    pub(crate) fn defer(&mut self) -> &mut Self {
        for nid in self.due() {
            self.step(&Input::Delivery {
                nid,
                delivery: Delivery::Deferred {
                    reply: "451 try later".into(),
                },
            });
        }
        self
    }

    /// What the courier may try now.
    pub(crate) fn due(&self) -> Vec<Nid> {
        let free = |n: &&Arc<Notification>| {
            n.behind
                .as_ref()
                .and_then(|nid| self.engine.outbox.get(nid))
                .is_none_or(|before| before.phase.is_final())
        };
        let due = |n: &&Arc<Notification>| n.due().is_some_and(|at| at <= self.now);
        self.engine
            .outbox
            .values()
            .filter(due)
            .filter(free)
            .map(|n| n.nid.clone())
            .collect()
    }

    /// The process dies and comes back with what was committed.
    pub(crate) fn crash(&mut self) -> &mut Self {
        self.engine = self.restored();
        let roster = Arc::clone(&self.roster);
        self.engine_input(&Input::Plan(roster));
        self
    }

    /// The process dies and is started again after so long, as the daemon does it.
    pub(crate) fn rest(&mut self, span: Duration) -> &mut Self {
        let from = self.now;
        self.now = from + span;
        self.engine = self.restored();
        let reason = "not running".into();
        self.engine_input(&Input::Deaf {
            from,
            to: self.now,
            reason,
        });
        self.engine_input(&Input::Tick);
        let roster = Arc::clone(&self.roster);
        self.engine_input(&Input::Plan(roster));
        self.engine_input(&Input::Tick);
        self
    }

    fn restored(&self) -> Engine {
        let definitions = self
            .kept
            .definitions
            .iter()
            .map(|(&check, (name, kind, active))| Definition {
                check,
                name: Arc::clone(name),
                kind: Arc::clone(kind),
                active: *active,
                record: self.kept.records.get(&check).cloned(),
                history: self.kept.histories.get(&check).cloned().unwrap_or_default(),
            });
        let restored = Restored {
            definitions: definitions.collect(),
            outcomes: Vec::new(),
            incidents: self
                .kept
                .order
                .iter()
                .filter_map(|id| self.kept.incidents.get(id).cloned())
                .collect(),
            notifications: self
                .kept
                .notifications
                .values()
                .filter(|n| self.worth_keeping(n))
                .cloned()
                .collect(),
        };
        Engine::restore(restored)
    }

    /// What the last steps decided, and forgets it.
    pub(crate) fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// Asserts what the steps since the last such question decided.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) -> &mut Self {
        assert_eq!(self.said(), lines);
        self
    }

    pub(crate) fn phase(&self, name: &str) -> Phase {
        self.engine
            .named(name)
            .expect("a check of the story")
            .phase()
    }

    pub(crate) fn id(&self, name: &str) -> CheckId {
        self.engine.named(name).expect("a check of the story").id
    }

    /// A plan with other checks comes into force.
    pub(crate) fn plan(&mut self, checks: impl IntoIterator<Item = Check>) -> &mut Self {
        let checks = checks.into_iter().map(Arc::new).collect();
        self.roster = Arc::new(Roster {
            checks,
            ..(*self.roster).clone()
        });
        let roster = Arc::clone(&self.roster);
        self.step(&Input::Plan(roster));
        self
    }

    fn worth_keeping(&self, notification: &Notification) -> bool {
        let open = notification
            .incident
            .as_ref()
            .and_then(|id| self.kept.incidents.get(&id.0))
            .is_some_and(|i| i.closed.is_none());
        open || !notification.phase.is_final()
    }

    fn step(&mut self, input: &Input) {
        self.engine_input(input);
        if self.fragile {
            self.crash();
        }
    }

    fn engine_input(&mut self, input: &Input) {
        for event in self.engine.decide(self.now, input) {
            self.engine.apply(&event);
            self.keep(&event);
            self.said.extend(told(&self.engine, &event));
            if let Event::NotificationQueued { notification } = &event {
                self.queued
                    .push((notification.nid.clone(), notification.kind.word()));
            }
        }
    }

    fn keep(&mut self, event: &Event) {
        if let Event::CheckAdded {
            check, name, kind, ..
        } = event
        {
            self.kept
                .definitions
                .insert(*check, (Arc::clone(name), Arc::clone(kind), true));
        }
        if let Event::BeatMade { check, name, .. } = event {
            let made = (Arc::clone(name), "heartbeat".into(), true);
            self.kept.definitions.insert(*check, made);
        }
        if let Event::BeatChanged { check, name, .. } = event
            && let Some(definition) = self.kept.definitions.get_mut(check)
        {
            definition.0 = Arc::clone(name);
        }
        if let Event::CheckRemoved { check, .. } | Event::CheckReturned { check, .. } = event
            && let Some(definition) = self.kept.definitions.get_mut(check)
        {
            definition.2 = matches!(event, Event::CheckReturned { .. });
        }
        let all = matches!(event, Event::Deafened { .. } | Event::ClockSet { .. });
        let touched: Vec<CheckId> = match event.check() {
            Some(check) => vec![check],
            None if all => self.engine.active().map(|w| w.id).collect(),
            None => Vec::new(),
        };
        for check in touched {
            if let Some(watched) = self.engine.watched(check) {
                self.kept.records.insert(check, watched.record.clone());
                self.kept
                    .histories
                    .insert(check, (*watched.history).clone());
            }
        }
        if let Some(incident) = event.incident().and_then(|id| self.engine.incident(id)) {
            let id = Arc::clone(&incident.id.0);
            self.kept
                .incidents
                .insert(Arc::clone(&id), (**incident).clone());
            self.kept.order.retain(|other| *other != id);
            self.kept.order.push(id);
        }
        if let Some(notification) = event
            .notification()
            .and_then(|nid| self.engine.notification(nid))
        {
            self.kept
                .notifications
                .insert(notification.nid.clone(), (**notification).clone());
        }
    }
}

/// An event as one line of a story.
fn told(engine: &Engine, event: &Event) -> Option<String> {
    let name = |check: &CheckId| {
        engine
            .watched(*check)
            .map(|w| w.check.name.to_string())
            .unwrap_or_default()
    };
    let line = match event {
        Event::Turned {
            check,
            state,
            reason,
            ..
        } => format!("{} {}: {reason}", name(check), state.phase().word()),
        Event::IncidentOpened { incident } => format!("incident: {}", incident.name),
        Event::IncidentWorsened { .. } => "incident worse".to_owned(),
        Event::IncidentAcknowledged { .. } => "incident acknowledged".to_owned(),
        Event::IncidentClosed { why, .. } => format!("incident closed: {why}"),
        Event::NotificationQueued { notification } => format!("mail: {}", notification.kind.word()),
        Event::NotificationSuperseded { .. } => "mail superseded".to_owned(),
        Event::FlappingBegan { check, .. } => format!("{} flaps", name(check)),
        Event::FlappingEnded { check, .. } => format!("{} is steady", name(check)),
        Event::Remedy { check, step, .. } => {
            let name = name(check);
            match step {
                Step::Began { what, .. } => format!("remedy for {name}: {what}"),
                Step::Ended { text } => format!("{name} remedied: {text}"),
                Step::InVain => format!("{name} not helped"),
            }
        }
        Event::CheckRemoved { check, .. } => format!("{} removed", name(check)),
        Event::CheckAdded { check, .. } => format!("{} added", name(check)),
        Event::CheckReturned { check, .. } => format!("{} returned", name(check)),
        Event::BeatRotated { check, .. } => format!("{} rotated", name(check)),
        Event::BeatUnheard { check, .. } => format!("{} unheard", name(check)),
        Event::BeatMade { check, .. } => format!("{} made", name(check)),
        Event::BeatChanged { check, .. } => format!("{} changed", name(check)),
        Event::BeatTakenOver { check, .. } => format!("{} taken over", name(check)),
        Event::PlanAdopted { .. }
        | Event::BeatKeyed { .. }
        | Event::Observed { .. }
        | Event::Pinged { .. }
        | Event::Lapsed { .. }
        | Event::Tallied { .. }
        | Event::IncidentNoted { .. }
        | Event::NotificationMoved { .. }
        | Event::Deafened { .. }
        | Event::ClockSet { .. } => return None,
    };
    Some(line)
}
