//! Sums, packing, forgetting and copies.

use std::time::Duration;

use super::story::{START, Story};
use crate::core::heartbeat::Signal;
use crate::core::outcome::Verdict::{Fail, Pass};
use crate::core::rollup::Resolution;
use crate::core::time::Time;
use crate::journal::{Chore, Retention};

const EVER: Time = Time::from_millis(i64::MAX);

/// Two days of looks, one in ten minutes.
async fn two_days() -> Story {
    let mut story = Story::begin().await;
    for n in 0..288 {
        story.now = story.now + Duration::from_mins(10);
        story.tick().await;
        let verdict = if n % 50 < 3 { Fail } else { Pass };
        story.look("db", verdict).await;
    }
    story
}

/// The second of two nightly runs.
async fn forget(story: &Story, rules: Retention) -> String {
    story.journal.alive(story.now - Duration::from_hours(24));
    let first = story.journal.maintain(Chore::Retain(rules)).await;
    assert!(first.expect("done").starts_with("nothing forgotten"));
    story.journal.alive(story.now);
    let second = story.journal.maintain(Chore::Retain(rules)).await;
    second.expect("done")
}

#[tokio::test]
async fn outcomes_read_the_same_packed_and_unpacked() {
    let story = two_days().await;
    let reader = story.journal.reader();
    let db = story.engine.named("db").expect("planned").id;
    let before = reader.outcomes(db, START, EVER, 1_000).await.expect("read");
    assert_eq!(before.len(), 288);
    let report = story.journal.maintain(Chore::Rollup).await.expect("done");
    assert!(report.contains(" outcomes packed"), "{report}");
    let again = story.journal.maintain(Chore::Rollup).await.expect("done");
    assert_eq!(again, "0 windows summed, 0 outcomes packed");
    let after = reader.outcomes(db, START, EVER, 1_000).await.expect("read");
    assert_eq!(after, before);
    let (from, to) = (before[100].0, before[50].0);
    let part = reader.outcomes(db, from, to, 1_000).await.expect("read");
    assert_eq!(part, before[50..=100]);
    let part = reader.outcomes(db, START, to, 7).await.expect("read");
    assert_eq!(part, before[50..57]);
}

#[tokio::test]
async fn hours_and_days_are_the_sums_of_their_windows_however_often_it_is_done() {
    let story = two_days().await;
    let reader = story.journal.reader();
    let db = story.engine.named("db").expect("planned").id;
    for _ in 0..3 {
        story.journal.maintain(Chore::Rollup).await.expect("done");
    }
    let sum = async |res| {
        let rows = reader
            .rollups(db, res, Time::default(), EVER)
            .await
            .expect("read");
        let looks: u32 = rows.iter().flat_map(|row| row.looks).sum();
        let up: u64 = rows.iter().map(|row| u64::from(row.spans.up_ms)).sum();
        let down: u64 = rows.iter().map(|row| u64::from(row.spans.down_ms)).sum();
        let latencies: u64 = rows.iter().map(|row| row.sketch.count()).sum();
        (looks, up, down, latencies)
    };
    let windows = sum(Resolution::Window).await;
    assert!(
        windows.0 > 250 && windows.1 > 0 && windows.2 > 0 && windows.3 > 200,
        "{windows:?}"
    );
    assert_eq!(sum(Resolution::Hour).await, windows);
    assert_eq!(sum(Resolution::Day).await, windows);
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_and_what_is_needed_stays() {
    let mut story = two_days().await;
    story.ping(Signal::Success).await;
    story.now = story.now + Duration::from_hours(2);
    story.tick().await;
    story.journal.maintain(Chore::Rollup).await.expect("done");
    let reader = story.journal.reader();
    let db = story.engine.named("db").expect("planned").id;
    let job = story.engine.named("job").expect("planned").id;
    let hours = 10;
    let rules = Retention {
        outcomes: Duration::from_hours(hours),
        windows: Duration::from_hours(hours),
        pings: Duration::from_hours(1),
        events: Duration::from_hours(hours),
        max_bytes: u64::MAX,
    };
    let all = reader.events(10_000, None).await.expect("read").len();
    let report = forget(&story, rules).await;
    assert!(report.ends_with("rows forgotten"), "{report}");
    assert!(reader.pings(job, 10).await.expect("read").is_empty());
    let windows = reader
        .rollups(db, Resolution::Window, START, EVER)
        .await
        .expect("read");
    let limit = story.now - Duration::from_hours(hours);
    let oldest = windows.first().expect("the last hours are there").from;
    assert!(oldest >= limit, "{oldest} is before {limit}");
    let days = reader
        .rollups(db, Resolution::Day, Time::default(), EVER)
        .await
        .expect("read");
    assert!(days.len() >= 2, "days stay");
    let events = reader.events(10_000, None).await.expect("read");
    assert!(!events.is_empty() && events.len() < all);
    assert!(events.iter().skip(1).all(|e| e.at >= limit));
    reader
        .verify()
        .await
        .expect("the rest of the ledger is whole");
    for incident in reader.incidents(1_000, None).await.expect("read") {
        assert!(incident.closed.is_none_or(|at| at >= limit));
    }
    let written = story.engine.clone();
    assert_eq!(story.reopen().await, None);
    assert_eq!(story.engine.incidents, written.incidents);
}

#[tokio::test]
async fn a_clock_that_shows_another_year_for_a_while_forgets_nothing() {
    let story = two_days().await;
    let db = story.engine.named("db").expect("planned").id;
    let short = Duration::from_hours(24 * 14);
    let rules = Retention {
        outcomes: short,
        windows: short,
        pings: short,
        events: short,
        max_bytes: 1,
    };
    let (day, years) = (Duration::from_hours(24), Duration::from_hours(24 * 1_461));
    let all = async || {
        let reader = story.journal.reader();
        let outcomes = reader.outcomes(db, START, EVER, 1_000).await.expect("read");
        (outcomes.len(), reader.verify().await.expect("whole"))
    };
    let before = all().await;
    story.journal.maintain(Chore::Rollup).await.expect("done");
    let glitch = story.now + years;
    for (now, why) in [
        (story.now, "the first run"),
        (glitch, "ago"),
        (glitch + Duration::from_mins(1), "1 min ago"),
        (story.now + day, "still to come"),
    ] {
        story.journal.alive(now);
        let report = story.journal.maintain(Chore::Retain(rules)).await;
        let report = report.expect("done");
        assert!(
            report.contains("nothing forgotten") && report.contains(why),
            "{report}"
        );
        assert_eq!(all().await, before);
    }
    story.journal.alive(story.now + day * 2);
    let report = story.journal.maintain(Chore::Retain(rules)).await;
    assert!(
        report.expect("done").contains("rows forgotten"),
        "two nights agree"
    );
}

#[tokio::test]
async fn a_journal_that_is_too_large_forgets_outcomes_down_to_the_last_day() {
    let mut story = two_days().await;
    story.now = story.now + Duration::from_hours(2);
    story.tick().await;
    let long = Duration::from_hours(24 * 365);
    // Packed in parts, so that there are old blocks and young ones.
    story.journal.maintain(Chore::Rollup).await.expect("done");
    for _ in 0..100 {
        story.now = story.now + Duration::from_mins(30);
        story.look("db", Pass).await;
        story.tick().await;
        story.journal.maintain(Chore::Rollup).await.expect("done");
    }
    let (windows, pings, events) = (long, long, long);
    let rules = Retention {
        outcomes: long,
        windows,
        pings,
        events,
        max_bytes: 1,
    };
    let report = forget(&story, rules).await;
    assert!(report.contains("too large"), "{report}");
    let db = story.engine.named("db").expect("planned").id;
    let left = story
        .journal
        .reader()
        .outcomes(db, START, EVER, 1_000)
        .await
        .expect("read");
    let oldest = left.last().expect("the last day is there").0;
    let age = story.now.since(oldest);
    assert!(
        left.len() >= 45 && age <= Duration::from_hours(27),
        "{} left, {age:?}",
        left.len()
    );
}

#[tokio::test]
async fn a_backup_is_a_whole_journal_and_only_the_newest_are_kept() {
    let mut story = two_days().await;
    for _ in 0..9 {
        story.now = story.now + Duration::from_hours(24);
        story.journal.alive(story.now);
        story.look("db", Pass).await;
        let report = story.journal.maintain(Chore::Backup).await.expect("done");
        assert!(report.contains("read through"), "{report}");
        assert!(report.contains(" events as they were written"), "{report}");
    }
    let folder = story.folder.path().join("backup");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("there")
        .map(|e| e.expect("read").path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 7, "{names:?}");
    let other = tempfile::tempdir().expect("a folder");
    std::fs::copy(&names[6], other.path().join("journal.sqlite3")).expect("copied");
    let opened = super::story::open(other.path(), story.now);
    assert_eq!(opened.quarantined, None);
    assert_eq!(opened.restored.definitions.len(), 3);
    opened.journal.reader().verify().await.expect("whole");
    opened.journal.close().await;
}

#[tokio::test]
async fn a_backup_of_a_ledger_that_was_changed_is_refused_and_says_where() {
    let mut story = two_days().await;
    story.journal.close().await;
    let conn = rusqlite::Connection::open(story.file()).expect("opens");
    let change = "UPDATE event SET json = replace(json, 'db', 'bd') WHERE seq = 2";
    conn.execute(change, []).expect("changed");
    drop(conn);
    assert_eq!(story.reopen().await, None);
    let refused = story.journal.maintain(Chore::Backup).await;
    let error = refused.expect_err("it is no good copy").to_string();
    assert!(error.contains("event 2 "), "{error}");
}

#[tokio::test]
async fn the_writer_shows_progress_while_nothing_happens() {
    let story = Story::begin().await;
    let before = story.vitals.progress.journal.value();
    let moved = async {
        while story.vitals.progress.journal.value() < before + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), moved)
        .await
        .expect("it moves");
    assert!(story.vitals.journal_bytes.value() > 0);
}
