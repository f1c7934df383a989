//! An engine that comes back from the journal is the one that wrote it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::story::{START, Story, open, ping, roster};
use crate::core::check::CheckId;
use crate::core::engine::{Engine, Record};
use crate::core::heartbeat::Signal;
use crate::core::input::Input;
use crate::core::outbox::{Delivery, Notification, Phase};
use crate::core::outcome::Verdict::{Fail, Pass, Unknown, Warn};
use crate::core::time::Time;
use crate::core::uptime::{History, Spans};
use crate::journal::Chore;

fn records(engine: &Engine) -> Vec<Record> {
    let watched = (0..).map_while(|id| engine.watched(CheckId(id)));
    watched.map(|watched| watched.record.clone()).collect()
}

/// Windows in which nothing was accounted are not written; their slots say nothing.
fn histories(engine: &Engine) -> Vec<History> {
    let watched = (0..).map_while(|id| engine.watched(CheckId(id)));
    let known = |watched: &std::sync::Arc<crate::core::engine::Watched>| {
        let mut history = History::clone(&watched.history);
        history.hours.retain(|slot| slot.spans != Spans::default());
        history.days.retain(|slot| slot.spans != Spans::default());
        history
    };
    watched.map(known).collect()
}

fn assert_same(restored: &Engine, written: &Engine) {
    assert_eq!(records(restored), records(written));
    assert_eq!(histories(restored), histories(written));
    assert_eq!(restored.incidents, written.incidents);
    assert_eq!(restored.recent, written.recent);
    // What came to an end after its incident had closed is nobody's business any more.
    let matters = |n: &Notification| {
        let open = n
            .incident
            .as_ref()
            .is_some_and(|id| written.incidents.contains_key(id));
        open || !n.phase.is_final()
    };
    let outbox = |engine: &Engine| -> BTreeMap<_, _> {
        engine
            .outbox
            .iter()
            .filter(|(_, n)| matters(n))
            .map(|(nid, n)| (nid.clone(), n.clone()))
            .collect()
    };
    assert_eq!(outbox(restored), outbox(written));
}

#[tokio::test]
async fn a_restart_in_the_middle_of_an_incident_changes_nothing() {
    let mut story = Story::begin().await;
    story.look("db", Pass).await;
    story.ping(Signal::Success).await;
    for verdict in [Fail, Unknown, Fail, Pass] {
        story.now = story.now + Duration::from_secs(30);
        story.look("db", verdict).await;
    }
    assert_eq!(
        story.engine.incidents.len(),
        1,
        "the story opens an incident"
    );
    assert_eq!(story.engine.outbox.len(), 1, "and tells of it");
    let crashed = story.crashed();
    let opened = open(crashed.path(), story.now);
    assert_eq!(opened.quarantined, None);
    let restored = Engine::restore(opened.restored);
    assert_same(&restored, &story.engine);
    let mail = restored.outbox.values().next().expect("one");
    assert!(mail.message.starts_with(b"mail "), "with its bytes");
    opened.journal.close().await;
}

#[tokio::test]
async fn many_random_days_survive_restarts_at_any_moment() {
    for seed in 1..=4u64 {
        let mut story = Story::begin().await;
        let mut dice = Dice(seed);
        for step in 0..400 {
            story.now = story.now + Duration::from_millis(1_000 + dice.below(400_000));
            stir(&mut story, &mut dice).await;
            story.tick().await;
            if dice.below(40) == 0 {
                story.journal.alive(story.now);
                story.journal.maintain(Chore::Rollup).await.expect("done");
            }
            if dice.below(50) == 0 {
                let written = story.engine.clone();
                let orderly = dice.below(2) == 0;
                if orderly {
                    assert_eq!(story.reopen().await, None);
                    assert_same(&story.engine, &written);
                    story.tell(Input::Plan(roster())).await.expect("written");
                } else {
                    let opened = open(story.crashed().path(), story.now);
                    assert_eq!(opened.quarantined, None, "seed {seed}, step {step}");
                    assert_same(&Engine::restore(opened.restored), &written);
                    opened.journal.close().await;
                }
            }
        }
        assert!(story.journal.reader().verify().await.expect("whole") > 100);
        story.journal.close().await;
    }
}

/// Anything that may happen.
async fn stir(story: &mut Story, dice: &mut Dice) {
    let verdict = [Pass, Pass, Pass, Warn, Fail, Fail, Unknown][dice.pick(7)];
    match dice.below(12) {
        0 => story.ping(Signal::Success).await,
        1 => story.ping(Signal::Start).await,
        2 => story.ping(Signal::Exit(3)).await,
        3 => deliver(story, dice).await,
        4 => {
            if let Some(incident) = story.engine.incidents.keys().next().cloned() {
                let (by, note) = ("ann".into(), "on it".into());
                let input = Input::Acknowledge { incident, by, note };
                story.tell(input).await.expect("written");
            }
        }
        5 => {
            let (from, to) = (story.now - Duration::from_secs(90), story.now);
            let reason = "slept".into();
            story
                .tell(Input::Deaf { from, to, reason })
                .await
                .expect("written");
        }
        6..9 => story.look("web", verdict).await,
        _ => story.look("db", verdict).await,
    }
}

async fn deliver(story: &mut Story, dice: &mut Dice) {
    let waiting = story.engine.outbox.values().find(|n| !n.phase.is_final());
    let Some(nid) = waiting.map(|n| n.nid.clone()) else {
        return;
    };
    let (relay, reply) = ("relay".into(), "250 queued".into());
    let delivery = match dice.below(4) {
        0 => Delivery::Sending { relay },
        1 => Delivery::Deferred { reply },
        2 => Delivery::Refused { reply },
        _ => Delivery::Accepted { relay, reply },
    };
    story
        .tell(Input::Delivery { nid, delivery })
        .await
        .expect("written");
}

#[tokio::test]
async fn a_mail_that_is_accepted_after_its_incident_closed_is_not_sent_again() {
    let mut story = Story::begin().await;
    for verdict in [Fail, Fail] {
        story.now = story.now + Duration::from_secs(30);
        story.look("db", verdict).await;
    }
    let alarm = story.engine.outbox.keys().next().cloned().expect("queued");
    let relay: std::sync::Arc<str> = "relay".into();
    let sending = Delivery::Sending {
        relay: relay.clone(),
    };
    story
        .tell(Input::Delivery {
            nid: alarm.clone(),
            delivery: sending,
        })
        .await
        .expect("written");
    for verdict in [Pass, Pass] {
        story.now = story.now + Duration::from_secs(30);
        story.look("db", verdict).await;
    }
    assert!(story.engine.incidents.is_empty(), "closed meanwhile");
    let accepted = Delivery::Accepted {
        relay,
        reply: "250 as 4F2C".into(),
    };
    story
        .tell(Input::Delivery {
            nid: alarm.clone(),
            delivery: accepted,
        })
        .await
        .expect("written");
    assert!(
        !story.engine.outbox.contains_key(&alarm),
        "swept from memory"
    );
    story.reopen().await;
    assert!(!story.engine.outbox.contains_key(&alarm), "and not back");
    let row = story.journal.reader().notification(&alarm).await;
    let row = row.expect("readable").expect("kept");
    assert!(
        matches!(row.phase, Phase::Accepted { .. }),
        "{:?}",
        row.phase
    );
    assert!(row.message.starts_with(b"mail "));
}

#[tokio::test]
async fn an_incident_that_was_pushed_out_of_memory_as_it_closed_is_closed() {
    let mut story = Story::begin().await;
    story.look("db", Fail).await;
    story.now = story.now + Duration::from_secs(30);
    story.look("db", Fail).await;
    let id = story.engine.incidents.keys().next().cloned().expect("open");
    let mut last = crate::journal::Batch {
        at: story.now,
        ..Default::default()
    };
    let why = "up: 200 OK".into();
    last.events = vec![crate::core::event::Event::IncidentClosed {
        incident: id.clone(),
        at: story.now,
        why,
    }];
    story.journal.commit(last).await.expect("written");
    story.reopen().await;
    assert!(story.engine.incidents.is_empty());
    assert_eq!(
        story.engine.incident(&id).expect("known").closed,
        Some(story.now)
    );
}

#[tokio::test]
async fn what_was_written_can_be_read() {
    let mut story = Story::begin().await;
    story.look("db", Pass).await;
    story.ping(Signal::Exit(3)).await;
    story.now = story.now + Duration::from_secs(30);
    story.look("db", Fail).await;
    story.now = story.now + Duration::from_secs(30);
    story.look("db", Fail).await;
    let (reader, ever) = (story.journal.reader(), Time::from_millis(i64::MAX));
    let db = story.engine.named("db").expect("planned").id;
    let job = story.engine.named("job").expect("planned").id;

    let looks = reader.outcomes(db, START, ever, 10).await.expect("read");
    let verdicts: Vec<_> = looks.iter().map(|(_, o)| o.verdict).collect();
    assert_eq!(verdicts, [Fail, Fail, Pass]);
    assert_eq!(looks[2].0, START);
    assert_eq!(looks[2].1.message(), "200 OK in 12 ms");

    let pings = reader.pings(job, 10).await.expect("read");
    assert_eq!(pings, [(START, ping(START, Signal::Exit(3)))]);

    let incidents = reader.incidents(10, None).await.expect("read");
    assert_eq!(incidents.len(), 2, "the job failed, and db is down");
    assert_eq!(incidents[0].name.as_ref(), "db");
    let earlier = reader.incidents(10, Some(incidents[0].opened)).await;
    assert_eq!(earlier.expect("read"), incidents[1..]);
    let one = reader.incident(&incidents[0].id).await.expect("read");
    assert_eq!(one.as_ref(), incidents.first());

    let mails = reader.notifications(10).await.expect("read");
    assert_eq!(mails.len(), 2);
    assert!(mails[0].message.is_empty());

    let events = reader.events(100, Some(db)).await.expect("read");
    assert!(events.iter().any(|e| e.json.contains("\"turned\"")));
    assert!(events.windows(2).all(|pair| pair[0].seq > pair[1].seq));
    assert!(reader.size() > 0);
}

#[tokio::test]
async fn two_looks_in_the_same_millisecond_are_both_kept() {
    let mut story = Story::begin().await;
    for _ in 0..5 {
        story.look("db", Pass).await;
    }
    let db = story.engine.named("db").expect("planned").id;
    let reader = story.journal.reader();
    let looks = reader.outcomes(db, START, story.now + Duration::from_secs(1), 10);
    let at: Vec<i64> = looks
        .await
        .expect("read")
        .iter()
        .map(|(at, _)| at.millis() - START.millis())
        .collect();
    assert_eq!(at, [4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn the_last_sign_of_life_is_known_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path(), START);
    assert_eq!(first.last_alive, None);
    let later = START + Duration::from_hours(2);
    first.journal.alive(later);
    first.journal.close().await;
    let second = open(folder.path(), later + Duration::from_hours(1));
    assert_eq!(second.last_alive, Some(later));
    second.journal.close().await;
}

#[tokio::test]
async fn after_a_clock_that_was_ahead_for_a_while_downtime_is_seen_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let years = Duration::from_hours(24 * 1_461);
    let ahead = open(folder.path(), START + years);
    ahead.journal.alive(START + years);
    ahead.journal.close().await;
    let right = open(folder.path(), START);
    assert_eq!(right.last_alive, Some(START + years));
    right.journal.alive(START);
    right.journal.close().await;
    let later = open(folder.path(), START + Duration::from_hours(3));
    assert_eq!(later.last_alive, Some(START), "three hours were missed");
    later.journal.close().await;
}

/// Small, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick(&mut self, limit: u64) -> usize {
        usize::try_from(self.below(limit)).expect("small")
    }
}
