//! A disk without room.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::story::{START, Story, ping};
use crate::core::check::CheckId;
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::heartbeat::Signal;
use crate::journal::{Batch, Error, Journal};

/// A file system of its own, gone with it.
struct Disk(tempfile::TempDir);

impl Disk {
    fn of(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"],
            folder.path(),
        );
        Self(folder)
    }

    /// Leaves no room for another byte.
    fn fill(&self) {
        let ballast = std::fs::File::create(self.0.path().join("ballast"));
        let mut ballast = ballast.expect("made");
        while std::io::Write::write(&mut ballast, &[0; 4_096]).is_ok_and(|n| n > 0) {}
    }

    fn grow(&self, size: &str) {
        mount(&["-o", &format!("remount,size={size}")], self.0.path());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let done = Command::new("umount")
            // What is still open there (a reader on its way out) is let go by itself.
            .arg("--lazy")
            .arg(self.0.path())
            .status();
        assert!(done.is_ok_and(|status| status.success()), "umount");
    }
}

fn mount(arguments: &[&str], at: &Path) {
    let done = Command::new("mount")
        .args(arguments)
        .arg(at)
        .output()
        .expect("mount runs");
    let why = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "this test mounts a small disk and has to run as root: {why}"
    );
}

fn pinged(n: i64) -> Batch {
    let mut ping = ping(crate::core::time::Time::from_millis(n), Signal::Success);
    ping.body = vec![b'x'; 50_000].into();
    let check = CheckId(0);
    Batch {
        at: START,
        events: vec![Event::Pinged { check, n: 1, ping }],
        ..Batch::default()
    }
}

#[tokio::test]
async fn a_full_disk_refuses_whole_batches_loses_none_and_is_left_behind_without_a_restart() {
    let disk = Disk::of("2m");
    let vitals = Arc::default();
    let opened = Journal::open(disk.0.path(), START, Arc::clone(&vitals)).expect("opens");
    let journal = opened.journal;
    let mut written = Vec::new();
    let mut refused = 0;
    for n in 0..100 {
        match journal.commit(pinged(n)).await {
            Ok(_) => written.push(n),
            Err(error) => {
                assert_eq!(error, Error::Full);
                refused += 1;
            }
        }
    }
    assert!(
        written.len() > 5 && refused > 5,
        "{} written, {refused} refused",
        written.len()
    );
    assert!(vitals.commit_failures.value() > 0);
    assert_eq!(
        pings(&journal).await,
        written,
        "what was acknowledged, and nothing else"
    );

    disk.grow("16m");
    for n in 100..120 {
        journal
            .commit(pinged(n))
            .await
            .expect("there is room again");
        written.push(n);
    }
    assert_eq!(vitals.commit_failures.value(), 0);
    assert_eq!(pings(&journal).await, written);
    journal
        .reader()
        .verify()
        .await
        .expect("the ledger is whole");
    journal.close().await;
    let again = Journal::open(disk.0.path(), START, vitals).expect("opens");
    assert_eq!(again.quarantined, None);
    assert_eq!(pings(&again.journal).await, written);
    again.journal.close().await;
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_start_keeps_nobody_from_watching_and_is_left_behind() {
    let disk = Disk::of("1m");
    disk.fill();
    let opened = Journal::open(disk.0.path(), START, Arc::default()).expect("it starts");
    assert!(opened.restored.definitions.is_empty());
    let refused = opened.journal.commit(pinged(0)).await;
    assert_eq!(refused, Err(Error::Full));
    disk.grow("16m");
    let refused = opened.journal.commit(pinged(0)).await;
    assert_eq!(refused, Err(Error::Anew), "a new one needs everything");
    let whole = Batch {
        whole: true,
        ..pinged(1)
    };
    opened.journal.commit(whole).await.expect("written");
    opened.journal.commit(pinged(2)).await.expect("written");
    assert_eq!(pings(&opened.journal).await, [1, 2]);
    opened.journal.close().await;
}

#[tokio::test]
async fn a_journal_on_a_disk_that_is_full_at_the_start_is_remembered_and_goes_on() {
    for crashed in [false, true] {
        let disk = Disk::of("2m");
        let mut story = Story::begin().await;
        story.ping(Signal::Success).await;
        let left = story.crashed();
        if !crashed {
            story.journal.close().await;
        }
        let from = if crashed {
            left.path()
        } else {
            story.folder.path()
        };
        for file in std::fs::read_dir(from).expect("readable").flatten() {
            std::fs::copy(file.path(), disk.0.path().join(file.file_name())).expect("copied");
        }
        disk.fill();
        let opened = Journal::open(disk.0.path(), START, Arc::default()).expect("it starts");
        assert_eq!(opened.quarantined, None);
        let engine = Engine::restore(opened.restored);
        let job = engine.watched(CheckId(2)).expect("known");
        assert_eq!(job.record.beat.as_ref().map(|beat| beat.pings), Some(1));
        assert_eq!(opened.journal.commit(pinged(0)).await, Err(Error::Full));
        disk.grow("16m");
        opened.journal.commit(pinged(1)).await.expect("written");
        opened.journal.close().await;
        let again = Journal::open(disk.0.path(), START, Arc::default()).expect("opens");
        assert_eq!(again.quarantined, None);
        assert_eq!(again.restored.definitions.len(), 3);
        again.journal.close().await;
    }
}

async fn pings(journal: &Journal) -> Vec<i64> {
    let pings = journal
        .reader()
        .pings(CheckId(0), 1_000)
        .await
        .expect("read");
    pings.iter().rev().map(|(at, _)| at.millis()).collect()
}
