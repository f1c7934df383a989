//! Files that are not as they were left.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;

use super::story::{START, Story, everything, open, roster};
use crate::core::engine::{Engine, Restored};
use crate::core::heartbeat::{HEARD_FOR, Signal};
use crate::core::input::Input;
use crate::core::outcome::Verdict::{Fail, Pass};
use crate::core::state::Phase;
use crate::journal::{Batch, Chore, Error};

/// A folder with a closed journal that has something in it.
async fn left_behind() -> Story {
    let mut story = Story::begin().await;
    for _ in 0..300 {
        story.now = story.now + Duration::from_secs(30);
        story.look("db", Pass).await;
        story.ping(Signal::Success).await;
    }
    story.journal.close().await;
    story
}

/// The damaged file is moved aside, and a new journal works in its place.
async fn assert_quarantined(folder: &Path, why: &str) -> Restored {
    let opened = open(folder, START);
    let told = opened.quarantined.expect("it is told");
    assert!(told.contains(why), "{told}");
    let aside = fs::read_dir(folder)
        .expect("readable")
        .filter_map(Result::ok)
        .any(|e| {
            e.file_name()
                .to_string_lossy()
                .starts_with("journal-quarantine-")
        });
    assert!(aside, "the old file is kept");
    let batch = Batch {
        at: START,
        ..Batch::default()
    };
    let refused = opened.journal.commit(batch).await;
    assert_eq!(refused, Err(Error::Anew), "it has to hold everything first");
    let engine = Engine::restore(opened.restored.clone());
    opened
        .journal
        .commit(everything(&engine, START))
        .await
        .expect("the new one works");
    opened.journal.close().await;
    let again = open(folder, START);
    assert_eq!(again.quarantined, None, "and is a good one");
    assert_eq!(known(&again.restored), known(&opened.restored));
    again.journal.close().await;
    opened.restored
}

/// Names, and the addresses of the heartbeats among them.
fn known(restored: &Restored) -> Vec<(String, Option<Uuid>)> {
    let definitions = restored.definitions.iter();
    definitions
        .map(|definition| {
            let beat = definition.record.as_ref().and_then(|r| r.beat.as_ref());
            (definition.name.to_string(), beat.map(|beat| beat.uuid))
        })
        .collect()
}

fn all_three() -> Vec<(String, Option<Uuid>)> {
    let of = |name: &str| (name.to_owned(), None);
    let job = ("job".to_owned(), Some(Uuid::from_u128(7)));
    vec![of("db"), of("web"), job]
}

/// The first page of the ledger of events becomes zeros.
fn lose_ledger(story: &Story) {
    let conn = Connection::open(story.file()).expect("opens");
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'event'";
    let page: i64 = conn.query_row(page, [], |row| row.get(0)).expect("found");
    drop(conn);
    let mut bytes = fs::read(story.file()).expect("read");
    let from = usize::try_from(page - 1).expect("small") * 4_096;
    bytes[from..from + 4_096].fill(0);
    fs::write(story.file(), bytes).expect("written");
}

#[tokio::test]
async fn names_addresses_and_open_incidents_are_read_back_from_a_damaged_journal() {
    let mut story = left_behind().await;
    assert_eq!(story.reopen().await, None);
    story.tell(Input::Plan(roster())).await.expect("written");
    for _ in 0..2 {
        story.now = story.now + Duration::from_secs(30);
        story.look("web", Fail).await;
    }
    let incident = story.engine.incidents.keys().next().cloned();
    story.journal.close().await;
    lose_ledger(&story);
    let restored = assert_quarantined(story.folder.path(), "3 names, 3 states and 1 open").await;
    assert_eq!(known(&restored), all_three());
    let engine = Engine::restore(restored);
    assert_eq!(engine.incidents.keys().next().cloned(), incident);
    assert_eq!(engine.outbox.len(), 1, "and nobody is told twice");
    let mail = engine.outbox.values().next().expect("one");
    assert!(mail.message.starts_with(b"mail "));
}

#[tokio::test]
async fn both_addresses_of_a_heartbeat_are_heard_when_their_journal_was_damaged() {
    let mut story = left_behind().await;
    assert_eq!(story.reopen().await, None);
    story.tell(Input::Plan(roster())).await.expect("written");
    let new = Uuid::from_u128(8);
    let rotate = Input::Rotate {
        check: story.engine.named("job").expect("there").id,
        uuid: new,
        keep: HEARD_FOR,
        by: "operator".into(),
    };
    story.tell(rotate).await.expect("written");
    story.journal.close().await;
    lose_ledger(&story);
    let restored = assert_quarantined(story.folder.path(), "3 names, 3 states").await;
    let engine = Engine::restore(restored);
    for uuid in [Uuid::from_u128(7), new] {
        let heard = engine
            .beat(&uuid)
            .map(|watched| watched.check.name.to_string());
        assert_eq!(heard.as_deref(), Some("job"), "{uuid}");
    }
}

#[tokio::test]
async fn the_first_copy_is_made_once() {
    let mut story = left_behind().await;
    assert_eq!(story.reopen().await, None);
    let folder = story.folder.path().join("backup");
    let copies = || fs::read_dir(&folder).map_or(0, Iterator::count);
    assert_eq!(copies(), 0);
    for _ in 0..2 {
        story
            .journal
            .maintain(Chore::FirstBackup)
            .await
            .expect("copied");
        assert_eq!(copies(), 1);
        story.now = story.now + Duration::from_hours(1);
        story.journal.alive(story.now);
    }
    story.journal.close().await;
}

#[tokio::test]
async fn of_a_journal_that_is_nothing_any_more_the_newest_backup_knows_the_addresses() {
    let mut story = left_behind().await;
    assert_eq!(story.reopen().await, None);
    story.journal.alive(story.now);
    story.journal.maintain(Chore::Backup).await.expect("copied");
    story.journal.close().await;
    fs::write(story.file(), vec![b'x'; 50_000]).expect("written");
    let later = story.now + Duration::from_hours(5);
    let opened = open(story.folder.path(), later);
    assert_eq!(known(&opened.restored), all_three());
    let job = opened.restored.definitions[2]
        .record
        .clone()
        .expect("known");
    let beat = job.beat.expect("a heartbeat");
    assert!(
        beat.deaf >= Duration::from_hours(5),
        "what was heard since the copy is not known"
    );
    opened.journal.close().await;
}

#[tokio::test]
async fn a_check_that_was_down_and_whose_incident_is_lost_is_judged_anew() {
    let mut story = Story::begin().await;
    for _ in 0..2 {
        story.now = story.now + Duration::from_secs(30);
        story.look("db", Fail).await;
    }
    story.ping(Signal::Fail).await;
    story.journal.alive(story.now);
    story.journal.maintain(Chore::Backup).await.expect("copied");
    story.journal.close().await;
    fs::write(story.file(), vec![b'x'; 50_000]).expect("written");
    let opened = open(story.folder.path(), story.now);
    let phase = |place: usize| {
        let record = opened.restored.definitions[place].record.as_ref();
        record.map(|record| record.state.phase())
    };
    assert_eq!((phase(0), phase(2)), (Some(Phase::New), Some(Phase::Up)));
    opened.journal.close().await;
}

#[tokio::test]
async fn damage_that_is_found_while_running_begins_anew_from_memory() {
    let mut story = left_behind().await;
    assert_eq!(story.reopen().await, None);
    story.tell(Input::Plan(roster())).await.expect("written");
    let news = story.journal.news();
    let garbage = story.folder.path().join("garbage");
    fs::write(&garbage, vec![b'x'; 50_000]).expect("written");
    fs::remove_file(story.folder.path().join("journal.sqlite3-wal")).expect("there");
    fs::rename(garbage, story.file()).expect("moved");
    let batch = Batch {
        at: story.now,
        ..Batch::default()
    };
    for _ in 0..2 {
        let refused = story.journal.commit(batch.clone()).await;
        assert_eq!(refused, Err(Error::Anew));
    }
    let told = news.borrow().clone().expect("told");
    assert!(
        told.contains("not a database") && told.contains("from memory"),
        "{told}"
    );
    let whole = everything(&story.engine, story.now);
    story.journal.commit(whole).await.expect("written");
    story.ping(Signal::Success).await;
    let written = story.engine.clone();
    assert_eq!(story.reopen().await, None);
    let record = |engine: &Engine| {
        engine
            .watched(crate::core::check::CheckId(2))
            .map(|w| w.record.clone())
    };
    assert_eq!(record(&story.engine), record(&written));
}

#[tokio::test]
async fn garbage_is_moved_aside() {
    let story = left_behind().await;
    fs::write(story.file(), vec![b'x'; 50_000]).expect("written");
    let restored = assert_quarantined(story.folder.path(), "not a database").await;
    assert!(restored.definitions.is_empty());
}

#[tokio::test]
async fn a_truncated_journal_is_moved_aside() {
    let story = left_behind().await;
    let file = fs::OpenOptions::new()
        .write(true)
        .open(story.file())
        .expect("opens");
    let length = file.metadata().expect("there").len();
    file.set_len(length * 3 / 5).expect("cut");
    assert_quarantined(story.folder.path(), "could not be used").await;
}

#[tokio::test]
async fn a_zeroed_page_is_found() {
    let story = left_behind().await;
    let mut bytes = fs::read(story.file()).expect("read");
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0);
    fs::write(story.file(), bytes).expect("written");
    assert_quarantined(story.folder.path(), "could not be used").await;
}

#[tokio::test]
async fn a_journal_of_a_newer_belfry_is_moved_aside_untouched() {
    let story = left_behind().await;
    let conn = Connection::open(story.file()).expect("opens");
    let newer =
        "INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')";
    conn.execute(newer, []).expect("written");
    drop(conn);
    assert_quarantined(story.folder.path(), "newer Belfry").await;
}

#[tokio::test]
async fn a_journal_that_is_gone_is_told() {
    let story = left_behind().await;
    fs::remove_file(story.file()).expect("removed");
    let opened = open(story.folder.path(), START);
    assert!(opened.quarantined.expect("told").contains("missing"));
    opened.journal.close().await;
}

#[tokio::test]
async fn a_flipped_bit_anywhere_never_keeps_the_daemon_from_starting() {
    let story = left_behind().await;
    let good = fs::read(story.file()).expect("read");
    for n in 0..60 {
        let mut bytes = good.clone();
        let place = (n * 7_919 + n * n * 104_729) % bytes.len();
        bytes[place] ^= 1 << (n % 8);
        fs::write(story.file(), bytes).expect("written");
        let opened = open(story.folder.path(), START);
        let engine = Engine::restore(opened.restored);
        let batch = everything(&engine, START);
        opened.journal.commit(batch).await.expect("works");
        opened.journal.close().await;
    }
}

#[tokio::test]
async fn a_torn_wal_loses_its_end_and_nothing_else() {
    let mut story = Story::begin().await;
    for _ in 0..20 {
        story.now = story.now + Duration::from_secs(30);
        story.ping(Signal::Success).await;
    }
    let crashed = story.crashed();
    let wal = crashed.path().join("journal.sqlite3-wal");
    let length = fs::metadata(&wal).expect("there").len();
    fs::OpenOptions::new()
        .write(true)
        .open(&wal)
        .and_then(|f| f.set_len(length - 2_000))
        .expect("torn");
    let opened = open(crashed.path(), story.now);
    assert_eq!(opened.quarantined, None);
    let restored = Engine::restore(opened.restored);
    let pings = |engine: &Engine| {
        let job = (0..)
            .map_while(|id| engine.watched(crate::core::check::CheckId(id)))
            .last();
        job.and_then(|w| w.record.beat.as_ref())
            .map(|beat| beat.pings)
    };
    assert_eq!(pings(&restored), Some(19));
    opened.journal.reader().verify().await.expect("whole");
    opened.journal.close().await;
}

#[tokio::test]
async fn an_event_that_was_changed_shows() {
    let mut story = Story::begin().await;
    story.look("db", Fail).await;
    story.look("db", Fail).await;
    assert!(story.journal.reader().verify().await.expect("whole") > 5);
    story.journal.close().await;
    let conn = Connection::open(story.file()).expect("opens");
    conn.execute(
        "UPDATE event SET json = replace(json, 'db', 'bd') WHERE seq = 2",
        [],
    )
    .expect("changed");
    drop(conn);
    assert_eq!(story.reopen().await, None);
    let error = story.journal.reader().verify().await.expect_err("told");
    assert!(error.to_string().contains("event 2 "), "{error}");
}
