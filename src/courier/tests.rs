//! The courier against real mail servers and the real core: only the journal is missing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Courier, Patience};
use crate::channel::email::{Identity, freeze};
use crate::channel::message::{Context, compose};
use crate::channel::relay::{Relay, Relays};
use crate::channel::sink::{Act, Mail, Sink, Verb};
use crate::channel::smtp::Deadlines;
use crate::channel::smtp::tests::{PATIENT, QUICK};
use crate::clock::Clock;
use crate::core::check::{Check, Recipient, Roster};
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::input::Input;
use crate::core::outbox::{Notification, Phase};
use crate::core::outcome::Outcome;
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::core::view::View;
use crate::inbox::{Answer, Envelope, Inbox};
use crate::vitals::Vitals;

mod stories;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// A courier in a hurry: pauses that take seconds in earnest take milliseconds.
const HURRY: Patience = Patience {
    hedge: Duration::from_secs(20),
    shun: Duration::from_secs(30),
    report: Duration::from_secs(10),
    again: Duration::from_millis(50),
};

/// The engine's loop without a journal: decide, apply, publish, answer.
struct House {
    engine: Engine,
    clock: Clock,
    view: watch::Sender<Arc<View>>,
    /// Answers that are given instead of the true one, to the first reports that ask.
    excuses: Vec<Answer>,
}

impl House {
    fn take(&mut self, envelope: Envelope) {
        let now = self.clock.now();
        let events = self.engine.decide(now, &envelope.input);
        let answer = if events.is_empty() {
            Answer::Nothing
        } else {
            Answer::Done
        };
        for mut event in events {
            if let Event::NotificationQueued { notification } = &mut event {
                let message = compose(&self.engine, notification, now, &context());
                notification.message = freeze(&message, notification, &identity()).into();
            }
            self.engine.apply(&event);
        }
        let number = self.view.borrow().number + 1;
        self.view.send_replace(Arc::new(View {
            at: now,
            number,
            engine: self.engine.clone(),
        }));
        if let Some(reply) = envelope.reply {
            reply.send(self.excuses.pop().unwrap_or(answer)).ok();
        }
    }

    async fn live(mut self, mut inputs: mpsc::Receiver<Envelope>) {
        while let Some(envelope) = inputs.recv().await {
            self.take(envelope);
        }
    }
}

fn context() -> Context {
    Context {
        node: "web-1".into(),
        zone: jiff::tz::TimeZone::UTC,
        status_url: None,
        local_url: "http://127.0.0.1:8080".to_owned(),
    }
}

fn identity() -> Identity {
    Identity {
        from: "Belfry <belfry@example.org>".parse().expect("a mailbox"),
        node: "web-1".into(),
    }
}

fn email(address: &str) -> Recipient {
    Recipient {
        channel: "email".into(),
        address: address.into(),
    }
}

fn check(name: &str, recipients: &[&str]) -> Arc<Check> {
    Arc::new(Check {
        name: name.into(),
        group: "".into(),
        kind: "tcp".into(),
        target: "127.0.0.1:5432".into(),
        schedule: Schedule::Every(Duration::from_secs(30)),
        timeout: Duration::from_secs(5),
        retry_every: None,
        fail_after: Threshold::in_a_row(1),
        recover_after: 1,
        flapping: None,
        depends_on: Vec::new(),
        behind: None,
        alert_degraded: false,
        runbook: None,
        recipients: recipients.iter().map(|to| email(to)).collect(),
        heartbeat: None,
        remedy: None,
        not_configured: None,
    })
}

/// A daemon in small: engine, courier, and what a test needs to stir them.
struct Stage {
    inbox: Inbox,
    view: watch::Receiver<Arc<View>>,
    relays: watch::Sender<Arc<Relays>>,
    vitals: Arc<Vitals>,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

fn relays(sinks: &[&Sink], deadlines: Deadlines) -> Arc<Relays> {
    let list = sinks
        .iter()
        .map(|sink| Relay::parse(&sink.url(), None).expect("a URL"))
        .collect();
    Arc::new(Relays {
        from: "belfry@example.org".parse().expect("an address"),
        list,
        deadlines,
        names: Arc::default(),
    })
}

impl Stage {
    /// A daemon that tells `recipients` over `relays`.
    async fn set(recipients: &[&str], relays: Arc<Relays>) -> Self {
        let engine = Engine::default();
        Self::with(engine, recipients, relays, HURRY, Vec::new()).await
    }

    async fn with(
        engine: Engine,
        recipients: &[&str],
        relays: Arc<Relays>,
        patience: Patience,
        excuses: Vec<Answer>,
    ) -> Self {
        let (inbox, inputs) = Inbox::new();
        let (publish, view) = watch::channel(Arc::new(View {
            engine: engine.clone(),
            ..View::default()
        }));
        let (relays, follow) = watch::channel(relays);
        let (clock, vitals) = (Clock::start(), Arc::new(Vitals::default()));
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let roster = Roster {
            node: "web-1".into(),
            zone: jiff::tz::TimeZone::UTC,
            checks: vec![check("postgres", recipients), check("shop", recipients)],
            recipients: recipients.iter().map(|to| email(to)).collect(),
            flapping: None,
        };
        let house = House {
            engine,
            clock: clock.clone(),
            view: publish,
            excuses,
        };
        tasks.spawn(house.live(inputs));
        let adopted = inbox.ask(Input::Plan(Arc::new(roster)), PATIENCE);
        assert!(matches!(adopted.await, Answer::Done | Answer::NotDurable));
        let courier = Courier {
            inbox: inbox.clone(),
            relays: follow,
            view: view.clone(),
            clock,
            vitals: Arc::clone(&vitals),
            patience,
        };
        tasks.spawn(courier.run(shutdown.clone()));
        Self {
            inbox,
            view,
            relays,
            vitals,
            shutdown,
            tasks,
        }
    }

    /// A look at a check.
    async fn look(&self, name: &str, outcome: Outcome) {
        let view = Arc::clone(&self.view.borrow());
        let check = view.engine.named(name).expect("it is in the plan").id;
        let at = Clock::start().now();
        let input = Input::Outcome { check, at, outcome };
        assert_eq!(self.inbox.ask(input, PATIENCE).await, Answer::Done);
    }

    async fn down(&self, name: &str) {
        self.look(name, Outcome::fail("connection refused")).await;
    }

    async fn up(&self, name: &str) {
        self.look(name, Outcome::pass("connected")).await;
    }

    /// Waits until the outbox is as it should be.
    async fn until(&self, what: &str, good: impl Fn(&[Arc<Notification>]) -> bool) {
        let mut view = self.view.clone();
        let seen = view.wait_for(|view| good(&rows(view)));
        let came = timeout(PATIENCE, seen).await.is_ok_and(|seen| seen.is_ok());
        assert!(came, "not {what}: {:#?}", rows(&self.view.borrow()));
    }

    /// Waits until everything is told.
    async fn told(&self) {
        let accepted = |n: &Arc<Notification>| matches!(n.phase, Phase::Accepted { .. });
        self.until("told", |rows| rows.iter().all(accepted)).await;
    }

    /// Waits until a figure is as it should be.
    async fn figure(&self, what: &str, good: impl Fn(&Vitals) -> bool) {
        let came = async {
            while !good(&self.vitals) {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(PATIENCE, came).await.is_ok(), "not {what}");
    }

    fn rows(&self) -> Vec<Arc<Notification>> {
        rows(&self.view.borrow())
    }

    /// The timeline of the open incident.
    fn timeline(&self) -> String {
        let view = self.view.borrow();
        let incidents = view.engine.incidents.values();
        let lines =
            incidents.flat_map(|incident| incident.timeline.iter().map(|e| e.text.as_ref()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn rows(view: &View) -> Vec<Arc<Notification>> {
    view.engine.outbox.values().cloned().collect()
}

fn ids(mails: &[Mail]) -> Vec<String> {
    let mut ids: Vec<String> = mails.iter().map(Mail::id).collect();
    ids.sort();
    ids.dedup();
    ids
}
