//! The loop with a real journal, and disks as they are.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::channel::{email, message};
use crate::core::heartbeat::{Ping, Signal};
use crate::core::outcome::Outcome;
use crate::inbox::Inbox;
use crate::journal::tests::hang::hanging;
use crate::journal::tests::story::{ping, roster};

const PATIENCE: Duration = Duration::from_secs(30);

/// A loop that runs, and everything that leads to it.
struct Scene {
    inbox: Inbox,
    view: watch::Receiver<Arc<View>>,
    clock: Clock,
    /// The real one.
    journal: Journal,
    ends: CancellationToken,
    task: tokio::task::JoinSet<()>,
}

impl Scene {
    /// With the journal in `folder`, reached by way of what `by` makes of it.
    fn begin(folder: &Path, by: impl FnOnce(&Journal) -> Journal) -> Self {
        let (clock, vitals) = (Clock::start(), Arc::new(Vitals::default()));
        let opened = Journal::open(folder, clock.now(), Arc::clone(&vitals)).unwrap();
        let (inbox, inputs) = Inbox::new();
        let (view_sender, view) = watch::channel(Arc::default());
        let stationery = Stationery {
            context: message::Context {
                node: "web-1".into(),
                zone: jiff::tz::TimeZone::UTC,
                status_url: None,
                local_url: "http://127.0.0.1:8080".to_owned(),
            },
            identity: email::Identity {
                from: "belfry@example.org".parse().unwrap(),
                node: "web-1".into(),
            },
        };
        let engine = EngineLoop {
            engine: Engine::restore(opened.restored),
            inputs,
            journal: by(&opened.journal),
            stationery: watch::channel(Arc::new(stationery)).1,
            archived: watch::channel(false).1,
            view: view_sender,
            clock: clock.clone(),
            vitals,
        };
        let (ends, mut task) = (CancellationToken::new(), tokio::task::JoinSet::new());
        task.spawn(engine.run(ends.clone()));
        Self {
            inbox,
            view,
            clock,
            journal: opened.journal,
            ends,
            task,
        }
    }

    async fn plan(&self) -> Answer {
        self.inbox.ask(Input::Plan(roster()), PATIENCE).await
    }

    async fn ping(&self) -> Answer {
        let view = Arc::clone(&self.view.borrow());
        let check = view.engine.named("job").unwrap().id;
        let ping = Ping {
            rid: Some(Uuid::new_v4()),
            ..ping(self.clock.now(), Signal::Success)
        };
        self.inbox.ask(Input::Ping { check, ping }, PATIENCE).await
    }

    /// Two failed looks at `db`, and waits for the notification to be seen by the courier.
    async fn alarm(&mut self) {
        let check = self.view.borrow().engine.named("db").unwrap().id;
        for _ in 0..2 {
            let (at, outcome) = (self.clock.now(), Outcome::fail("connection refused"));
            assert!(self.inbox.offer(Input::Outcome { check, at, outcome }));
        }
        let seen = self.view.wait_for(|view| !view.engine.outbox.is_empty());
        tokio::time::timeout(PATIENCE, seen).await.unwrap().unwrap();
    }

    /// How many pings are recorded, each once.
    async fn pings(&self) -> usize {
        let check = self.view.borrow().engine.named("job").unwrap().id;
        let pings = self.journal.reader().pings(check, 1_000).await.unwrap();
        let different: BTreeSet<_> = pings.iter().map(|(_, ping)| ping.rid).collect();
        assert_eq!(different.len(), pings.len(), "each once");
        pings.len()
    }

    async fn end(mut self) {
        self.ends.cancel();
        while self.task.join_next().await.is_some() {}
        self.journal.close().await;
    }
}

#[tokio::test]
async fn with_a_disk_that_hangs_alerts_leave_pings_are_refused_and_nothing_is_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut gate = None;
    let mut scene = Scene::begin(folder.path(), |journal| {
        let (journal, opener) = hanging(journal);
        gate = Some(opener);
        journal
    });
    let gate = gate.unwrap();
    gate.send(()).unwrap();
    assert_eq!(scene.plan().await, Answer::Done);
    gate.send(()).unwrap();
    assert_eq!(scene.ping().await, Answer::Done);

    assert_eq!(scene.ping().await, Answer::NotDurable, "it may be lost");
    scene.alarm().await;
    assert_eq!(scene.ping().await, Answer::NotDurable);
    assert_eq!(scene.pings().await, 1, "it does hang");

    drop(gate);
    let mut answers = 0;
    while scene.ping().await != Answer::Done {
        answers += 1;
        assert!(answers < 100, "it answers again");
    }
    // The one before the disk hung, the one that was under way, and the last; of those that were refused
    // meanwhile any.
    let recorded = scene.pings().await;
    assert!((3..=4 + answers).contains(&recorded), "{recorded}");
    let journal = scene.journal.clone();
    let mails = journal.reader().notifications(10).await.unwrap();
    assert_eq!(mails.len(), 1);
    journal.reader().verify().await.unwrap();
    scene.end().await;
}

#[tokio::test]
async fn a_journal_that_breaks_while_running_is_begun_anew_and_no_ping_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::begin(folder.path(), Journal::clone);
    assert_eq!(scene.plan().await, Answer::Done);
    scene.alarm().await;
    assert_eq!(scene.ping().await, Answer::Done);
    let address = |view: &View| {
        let job = view.engine.named("job").unwrap();
        job.record.beat.as_ref().map(|beat| beat.uuid)
    };
    let before = address(&scene.view.borrow());

    let file = folder.path().join("journal.sqlite3");
    std::fs::write(folder.path().join("garbage"), vec![b'x'; 50_000]).unwrap();
    std::fs::remove_file(folder.path().join("journal.sqlite3-wal")).unwrap();
    std::fs::rename(folder.path().join("garbage"), &file).unwrap();
    assert_eq!(scene.ping().await, Answer::Done);
    assert!(scene.journal.news().borrow().is_some());
    scene.end().await;

    let scene = Scene::begin(folder.path(), Journal::clone);
    assert_eq!(scene.plan().await, Answer::Done);
    let view = Arc::clone(&scene.view.borrow());
    assert_eq!(address(&view), before);
    assert_eq!(view.engine.incidents.len(), 1, "it is still open");
    assert_eq!(view.engine.outbox.len(), 1, "and told once");
    assert_eq!(scene.pings().await, 1, "with what came after");
    scene.end().await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing else is to run meanwhile"
)]
#[tokio::test]
async fn a_stop_of_the_process_while_it_waits_for_the_disk_is_deaf_time_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut gate = None;
    let scene = Scene::begin(folder.path(), |journal| {
        let (journal, opener) = hanging(journal);
        gate = Some(opener);
        journal
    });
    let gate = gate.unwrap();
    gate.send(()).unwrap();
    assert_eq!(scene.plan().await, Answer::Done);
    gate.send(()).unwrap();
    assert_eq!(scene.ping().await, Answer::Done);

    let stopped = Duration::from_secs(3);
    let stop = async {
        // The loop gets as far as the disk. Then the only thread of this runtime does nothing at all, as that of
        // a stopped process, and the disk answers meanwhile.
        let departed = Instant::now() + Duration::from_millis(100);
        sleep_until(departed).await;
        gate.send(()).unwrap();
        std::thread::sleep(stopped);
    };
    assert_eq!(tokio::join!(scene.ping(), stop).0, Answer::Done);
    drop(gate);
    let deaf = |view: &Arc<View>| {
        let job = view.engine.named("job").unwrap();
        job.record.beat.as_ref().unwrap().deaf
    };
    let mut view = scene.view.clone();
    // Less the milliseconds that are cut off.
    let known = view.wait_for(|view| deaf(view) + Duration::from_millis(10) >= stopped);
    tokio::time::timeout(PATIENCE, known)
        .await
        .unwrap()
        .unwrap();
    scene.end().await;
}
