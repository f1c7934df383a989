//! An engine and its journal, as the daemon has them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use crate::core::check::{Check, CheckId, Recipient, Roster};
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::heartbeat::{Ping, Rule, Signal};
use crate::core::input::Input;
use crate::core::outbox::Nid;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;
use crate::core::time::Time;
use crate::journal::{Batch, Error, Journal, Opened};
use crate::vitals::Vitals;

pub(crate) const START: Time = Time::from_millis(1_790_000_000_000);

pub(super) struct Story {
    pub(super) folder: TempDir,
    pub(super) engine: Engine,
    pub(super) journal: Journal,
    pub(super) now: Time,
    pub(super) archived: bool,
    pub(super) vitals: Arc<Vitals>,
}

impl Story {
    /// Three checks (`db`, `web`, and the heartbeat `job`) in a fresh folder.
    pub(super) async fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let vitals = Arc::new(Vitals::default());
        let opened = Journal::open(folder.path(), START, Arc::clone(&vitals)).expect("opens");
        let mut story = Self {
            folder,
            engine: Engine::restore(opened.restored),
            journal: opened.journal,
            now: START,
            archived: false,
            vitals,
        };
        story.tell(Input::Plan(roster())).await.expect("written");
        story
    }

    /// Decides an input, makes it so and writes it down, as the engine's loop does.
    pub(super) async fn tell(&mut self, input: Input) -> Result<(), Error> {
        let mut events = self.engine.decide(self.now, &input);
        for event in &mut events {
            if let Event::NotificationQueued { notification } = event {
                let text = format!("mail {}", notification.nid);
                notification.message = text.as_bytes().into();
            }
            self.engine.apply(event);
        }
        let batch = batch(&self.engine, self.now, events, self.archived);
        self.journal.commit(batch).await.map(drop)
    }

    pub(super) async fn look(&mut self, name: &str, verdict: Verdict) {
        let check = self.engine.named(name).expect("planned").id;
        let outcome = Outcome::timed(verdict, Duration::from_millis(12), "200 OK", "");
        let at = self.now;
        self.tell(Input::Outcome { check, at, outcome })
            .await
            .expect("written");
    }

    /// Decides what is due by now; a tick closes one window of each check.
    pub(super) async fn tick(&mut self) {
        while self.engine.next_wake().is_some_and(|at| at <= self.now) {
            self.tell(Input::Tick).await.expect("written");
        }
    }

    pub(super) async fn ping(&mut self, signal: Signal) {
        let check = self.engine.named("job").expect("planned").id;
        let ping = ping(self.now, signal);
        self.tell(Input::Ping { check, ping })
            .await
            .expect("written");
    }

    /// Ends the daemon in good order and starts it again.
    pub(super) async fn reopen(&mut self) -> Option<String> {
        self.journal.close().await;
        let opened = open(self.folder.path(), self.now);
        self.journal = opened.journal;
        self.engine = Engine::restore(opened.restored);
        opened.quarantined
    }

    /// The files as a `kill -9` at this moment would leave them.
    pub(super) fn crashed(&self) -> TempDir {
        let copy = tempfile::tempdir().expect("a folder");
        for entry in std::fs::read_dir(self.folder.path()).expect("readable") {
            let from = entry.expect("readable").path();
            if from.is_file() {
                let name = from.file_name().expect("a file has a name");
                std::fs::copy(&from, copy.path().join(name)).expect("copied");
            }
        }
        copy
    }

    pub(super) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.sqlite3")
    }
}

pub(super) fn open(folder: &Path, now: Time) -> Opened {
    Journal::open(folder, now, Arc::default()).expect("opens")
}

/// What the engine's loop hands to the journal: records that only looks have changed are left out.
pub(super) fn batch(engine: &Engine, now: Time, events: Vec<Event>, archived: bool) -> Batch {
    let changed: BTreeSet<CheckId> = events
        .iter()
        .filter(|event| event.is_urgent() || matches!(event, Event::Tallied { .. }))
        .filter_map(Event::check)
        .collect();
    let everybody = events
        .iter()
        .any(|event| matches!(event, Event::Deafened { .. }));
    let records = engine
        .active()
        .filter(|watched| everybody || changed.contains(&watched.id))
        .cloned()
        .collect();
    let incidents: BTreeSet<_> = events.iter().filter_map(Event::incident).collect();
    let nids: BTreeSet<_> = events.iter().filter_map(nid).collect();
    Batch {
        at: now,
        records,
        incidents: incidents
            .into_iter()
            .filter_map(|id| engine.incident(id).cloned())
            .collect(),
        notifications: nids
            .into_iter()
            .filter_map(|nid| engine.outbox.get(nid).cloned())
            .collect(),
        events,
        archived,
        whole: false,
    }
}

/// All that the engine knows.
pub(super) fn everything(engine: &Engine, now: Time) -> Batch {
    Batch {
        at: now,
        records: (0..)
            .map_while(|number| engine.watched(CheckId(number)).cloned())
            .collect(),
        incidents: engine.incidents.values().cloned().collect(),
        notifications: engine.outbox.values().cloned().collect(),
        whole: true,
        ..Batch::default()
    }
}

fn nid(event: &Event) -> Option<&Nid> {
    if let Event::NotificationQueued { notification } = event {
        return Some(&notification.nid);
    }
    if let Event::NotificationMoved { nid, .. } | Event::NotificationSuperseded { nid, .. } = event
    {
        return Some(nid);
    }
    None
}

pub(crate) fn ping(at: Time, signal: Signal) -> Ping {
    Ping {
        at,
        signal,
        rid: None,
        method: "POST".into(),
        remote: "192.0.2.7".into(),
        agent: "curl/8".into(),
        body: b"all \xff well".as_slice().into(),
        took: Some(Duration::from_millis(1_500)),
        late: Duration::ZERO,
    }
}

pub(crate) fn roster() -> Arc<Roster> {
    let mut job = check("job");
    job.kind = "heartbeat".into();
    job.fail_after = Threshold::in_a_row(1);
    job.heartbeat = Some(Rule::new(Duration::from_mins(5), Uuid::from_u128(7)));
    let checks = vec![Arc::new(check("db")), Arc::new(check("web")), Arc::new(job)];
    Arc::new(Roster {
        node: "web-1".into(),
        zone: jiff::tz::TimeZone::UTC,
        recipients: ops(),
        checks,
        flapping: None,
    })
}

fn ops() -> Arc<[Recipient]> {
    Arc::from([Recipient {
        channel: "email".into(),
        address: "ops@example.org".into(),
    }])
}

pub(super) fn check(name: &str) -> Check {
    Check {
        name: name.into(),
        group: "".into(),
        kind: "http".into(),
        target: "http://127.0.0.1/".into(),
        schedule: Schedule::Every(Duration::from_secs(30)),
        timeout: Duration::from_secs(5),
        retry_every: None,
        fail_after: Threshold::in_a_row(2),
        recover_after: 2,
        flapping: None,
        depends_on: Vec::new(),
        behind: None,
        alert_degraded: true,
        runbook: None,
        recipients: ops(),
        heartbeat: None,
        remedy: None,
        not_configured: None,
    }
}
