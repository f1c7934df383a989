//! Whose the journal is: one daemon's, and the one at its place.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use rusqlite::Connection;

use super::story::{START, Story};
use crate::core::engine::Engine;
use crate::core::outcome::Verdict::Pass;
use crate::journal::{Batch, Error, Journal};

#[tokio::test]
async fn a_second_daemon_is_refused_with_the_pid_of_the_first() {
    let story = Story::begin().await;
    let lock = story.folder.path().join("journal.lock");
    let other = Command::new("flock")
        .arg("-n")
        .arg(&lock)
        .arg("true")
        .status()
        .expect("runs");
    assert!(!other.success(), "another process cannot take the lock");
    let error = Journal::open(story.folder.path(), START, Arc::default()).expect_err("refused");
    let pid = std::process::id().to_string();
    assert!(error.to_string().contains(&pid), "{error}");
    story.journal.close().await;
    let other = Command::new("flock")
        .arg("-n")
        .arg(&lock)
        .arg("true")
        .status()
        .expect("runs");
    assert!(other.success(), "a closed journal gives the folder free");
}

#[tokio::test]
async fn while_somebody_else_holds_the_journal_commits_fail_in_time_and_then_go_on() {
    let mut story = Story::begin().await;
    let greedy = Connection::open(story.file()).expect("opens");
    greedy.execute_batch("BEGIN IMMEDIATE").expect("held");
    let batch = Batch {
        at: story.now,
        ..Batch::default()
    };
    let refused = story.journal.commit(batch).await;
    assert!(
        matches!(&refused, Err(Error::Broken(why)) if why.contains("locked")),
        "{refused:?}"
    );
    assert_eq!(story.vitals.commit_failures.value(), 1);
    greedy.execute_batch("ROLLBACK").expect("let go");
    story.look("db", Pass).await;
    assert_eq!(story.vitals.commit_failures.value(), 0);
}

#[tokio::test]
async fn a_journal_that_was_moved_away_is_missed_and_found_again() {
    let mut story = Story::begin().await;
    let elsewhere = story.folder.path().join("elsewhere");
    fs::rename(story.file(), &elsewhere).expect("moved");
    let batch = Batch {
        at: story.now,
        ..Batch::default()
    };
    let refused = story.journal.commit(batch).await;
    assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
    fs::rename(&elsewhere, story.file()).expect("moved back");
    story.look("db", Pass).await;
    let written = story.engine.clone();
    assert_eq!(story.reopen().await, None);
    let record = |engine: &Engine| {
        engine
            .watched(crate::core::check::CheckId(0))
            .map(|w| w.record.clone())
    };
    assert_eq!(record(&story.engine), record(&written));
}
