//! A house with a real journal in it, and what happens there second by second.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use belfry::archive::Archivist;
use belfry::clock::Clock;
use belfry::core::check::{CheckId, Recipient};
use belfry::core::event::Event;
use belfry::core::heartbeat::{Ping, Signal};
use belfry::core::incident::{Acknowledgement, Incident, IncidentId};
use belfry::core::outbox::{Kind, Nid, Notification, Phase as Delivery};
use belfry::core::outcome::{Outcome, Verdict};
use belfry::core::state::Phase;
use belfry::core::time::Time;
use belfry::journal::{Batch, Journal};
use belfry::settings::Secret;
use belfry::vitals::Vitals;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// 2025-10-31T23:59:00Z: the story goes on into the next month.
pub(crate) const BEGIN: i64 = 1_761_955_140_000;
pub(crate) const CHECKS: [&str; 3] = ["shop", "database", "nightly"];
/// Longest time anything may take here; far more than it does.
const PATIENCE: Duration = Duration::from_secs(90);

/// A journal and those who ship it.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) journal: Journal,
    pub(crate) vitals: Arc<Vitals>,
    url: watch::Sender<Option<Secret>>,
    archivists: JoinSet<()>,
    shutdown: CancellationToken,
}

impl House {
    /// A new journal, and nobody who ships it.
    pub(crate) fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vitals = Arc::<Vitals>::default();
        let journal = open(folder.path(), &vitals);
        Self {
            folder,
            journal,
            vitals,
            url: watch::Sender::new(None),
            archivists: JoinSet::new(),
            shutdown: CancellationToken::new(),
        }
    }

    /// The same with an archivist, who ships to `url`.
    pub(crate) fn with_archive(url: &str) -> Self {
        let mut house = Self::build();
        house.hire();
        house.move_to(Some(url));
        house
    }

    /// Lets an(other) archivist ship the journal.
    pub(crate) fn hire(&mut self) {
        let archivist = Archivist {
            journal: self.journal.clone(),
            url: self.url.subscribe(),
            node: watch::channel("web-1".into()).1,
            vitals: Arc::clone(&self.vitals),
            clock: Clock::start(),
        };
        let shutdown = self.shutdown.clone();
        self.archivists.spawn(archivist.run(shutdown));
    }

    /// Configures another archive.
    pub(crate) fn move_to(&self, url: Option<&str>) {
        self.url.send_replace(url.map(Secret::new));
    }

    /// Ends the archivists and closes the journal.
    pub(crate) async fn close(&mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.archivists.join_next().await {
            ended.unwrap();
        }
        self.journal.close().await;
    }

    /// Opens the journal again, with an archivist.
    pub(crate) fn reopen(&mut self) {
        self.journal = open(self.folder.path(), &self.vitals);
        self.shutdown = CancellationToken::new();
        self.hire();
    }

    /// Commits what happens in these seconds of the story. Panics when a commit has to wait for anybody.
    pub(crate) async fn live(&self, seconds: std::ops::Range<i64>) {
        for second in seconds {
            let commit = self.journal.commit(batch(second));
            timeout(Duration::from_secs(10), commit)
                .await
                .expect("a commit waits for nobody")
                .unwrap();
        }
    }

    /// Waits until all that was committed is in the archive and forgotten by the queue.
    pub(crate) async fn shipped(&self) {
        until("everything is shipped", async || {
            self.journal.reader().ship_state().await.unwrap().0 == 0
        })
        .await;
    }

    /// Waits until the archivist says that it is (or is not) getting through.
    pub(crate) async fn reaches(&self, state: u64) {
        until("the archivist says how it is", async || {
            self.vitals.archive_state.value() == state
        })
        .await;
    }
}

fn open(folder: &Path, vitals: &Arc<Vitals>) -> Journal {
    let opened = Journal::open(folder, Time::from_millis(BEGIN), Arc::clone(vitals)).unwrap();
    opened.journal
}

/// Waits for something that is bound to happen.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, check: impl Fn() -> F) {
    let waiting = async {
        while !check().await {
            sleep(Duration::from_millis(30)).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// What happens in one second: three looks, now and then a ping, an incident, a notification.
pub(crate) fn batch(second: i64) -> Batch {
    let at = Time::from_millis(BEGIN + second * 1_000);
    let mut events = Vec::new();
    if second == 0 {
        events.extend((0..).zip(CHECKS).map(|(number, name)| Event::CheckAdded {
            check: CheckId(number),
            name: name.into(),
            kind: "http".into(),
            at,
            planned: None,
        }));
    }
    events.extend((0..3).map(|number| look(number, second, at)));
    if second % 3 == 0 {
        events.push(Event::Pinged {
            check: CheckId(2),
            n: 1,
            ping: ping(second, at),
        });
    }
    let mut batch = Batch {
        at,
        events,
        archived: true,
        whole: false,
        ..Batch::default()
    };
    if second % 5 > 2 {
        let incident = incident(second);
        batch
            .notifications
            .push(Arc::new(notification(&incident, second)));
        batch.events.push(Event::IncidentNoted {
            incident: incident.id.clone(),
            at,
            text: "odd: ' \" \\ \0 \u{202e} é".into(),
        });
        batch.incidents.push(Arc::new(incident));
    }
    batch
}

fn look(number: u32, second: i64, at: Time) -> Event {
    let turn = usize::try_from(second).unwrap() + usize::try_from(number).unwrap();
    let latency = [
        412,
        12_300,
        999_400,
        999_700,
        1_000_000,
        3_210_000,
        59_900_000,
        252_000_000,
    ];
    let outcome = match Verdict::ALL[turn % 4] {
        Verdict::Pass => {
            let took = Duration::from_micros(latency[turn % latency.len()]);
            Outcome::timed(Verdict::Pass, took, "200 OK", "")
        }
        verdict @ (Verdict::Warn | Verdict::Fail | Verdict::Unknown) => {
            Outcome::new(verdict, &format!("it's \"{verdict:?}\" \\ and é"))
        }
    };
    Event::Observed {
        check: CheckId(number),
        at,
        outcome,
    }
}

fn ping(second: i64, at: Time) -> Ping {
    let signal = if second % 2 == 0 {
        Signal::Success
    } else {
        Signal::Exit(3)
    };
    Ping {
        at,
        signal,
        rid: (second % 2 == 0).then(|| Uuid::from_u128(second.unsigned_abs().into())),
        method: "POST".into(),
        remote: "192.0.2.7".into(),
        agent: "curl".into(),
        body: b"bytes \xff and \0 and 'quotes'".as_slice().into(),
        took: (second % 3 == 0).then(|| Duration::from_millis(1_500)),
        late: Duration::ZERO,
    }
}

/// Seconds 3 and 4 of every five: an incident opens, then it is acknowledged and closed.
fn incident(second: i64) -> Incident {
    let opened = Time::from_millis(BEGIN + second.div_euclid(5) * 5_000);
    let mut incident = Incident {
        id: IncidentId::new("web-1", "shop", opened, 0),
        check: CheckId(0),
        name: "shop".into(),
        opened,
        closed: None,
        worst: Phase::Down,
        reason: "3 failures in a row".into(),
        evidence: "connection refused".into(),
        first_failure: opened - Duration::from_secs(2),
        acknowledged: None,
        timeline: Vec::new(),
    };
    if second % 5 == 4 {
        let at = Time::from_millis(BEGIN + second * 1_000);
        let (by, note) = ("ann".into(), "looking".into());
        incident.acknowledge(&Acknowledgement { at, by, note });
        incident.closed = Some(at);
    }
    incident
}

fn notification(incident: &Incident, second: i64) -> Notification {
    let recipient = Recipient {
        channel: "email".into(),
        address: "ops@example.org".into(),
    };
    let at = Time::from_millis(BEGIN + second * 1_000);
    Notification {
        nid: Nid::new("web-1", &incident.id.0, Kind::Opened, &recipient),
        kind: Kind::Opened,
        recipient,
        incident: Some(incident.id.clone()),
        about: "shop".into(),
        created: incident.opened,
        behind: None,
        phase: match incident.closed {
            None => Delivery::Queued,
            Some(_) => Delivery::Accepted {
                relay: "mx".into(),
                reply: "250 ok".into(),
                at,
            },
        },
        attempts: 0,
        ambiguous: 0,
        message: [].into(),
    }
}
