//! What Belfry weighs: in memory, on the disk, and at its start.

use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::CheckId;
use belfry::core::event::Event;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::core::time::Time;
use belfry::core::uptime::Tally;
use belfry::journal::{Batch, Journal};

use super::belfry_process::{Daemon, resident_mb};
use super::figures::median;
use super::looks::{checks, settle, signal, target};

pub(crate) fn memory() {
    let (_target, target) = target();
    for (count, aim) in [
        (0, ""),
        (100, " (aim ≤ 10)"),
        (1_000, " (aim ≤ 16)"),
        (10_000, ""),
    ] {
        let mut daemon = Daemon::new(&checks(count, target, "10s"));
        // Once, so that the checks have their numbers; then 90 days of history; then for good.
        daemon.start();
        settle(&daemon, count);
        signal(&daemon, "TERM");
        drop(daemon.process.as_mut().unwrap().child.wait());
        history(&daemon, count);
        daemon.start();
        settle(&daemon, count);
        std::thread::sleep(Duration::from_secs(15));
        println!(
            "{:<44} {:.1} MB{aim}",
            format!("resident, {count} checks and 90 days"),
            resident_mb(daemon.pid())
        );
    }
}

/// Ninety days of windows for every check, as the journal would have rolled them up.
fn history(daemon: &Daemon, count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let now = Time::from_millis(
            i64::try_from(
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
                    .as_millis(),
            )
            .unwrap(),
        );
        let opened = Journal::open(&daemon.dir.path().join("data"), now, Arc::default()).unwrap();
        for day in (1..90).rev() {
            let at = now - Duration::from_hours(24) * day;
            let tally = |check| {
                let mut tally = Tally::starting(at);
                tally.spans.up_ms = 86_000_000;
                tally.spans.down_ms = 400_000;
                tally.count(&Outcome::pass("200 OK").took(Duration::from_micros(412)));
                Event::Tallied {
                    check: CheckId(check),
                    tally,
                }
            };
            let events = (0..count + 10).map(tally).collect();
            let batch = Batch {
                at,
                events,
                records: vec![],
                incidents: vec![],
                notifications: vec![],
                archived: false,
                whole: false,
            };
            opened.journal.commit(batch).await.unwrap();
        }
        opened.journal.close().await;
    });
}

pub(crate) fn start() {
    let times = (0..5)
        .map(|_| Daemon::new("").start().as_secs_f64() * 1_000.0)
        .collect();
    println!(
        "{:<44} {:.0} ms (aim ≤ 100)",
        "start to first page, new journal",
        median(times)
    );
}

/// Bytes on disk per outcome: 100 checks, 20,000 looks each.
pub(crate) fn journal() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bytes = runtime.block_on(async {
        let opened = Journal::open(
            dir.path(),
            Time::from_millis(1_795_435_200_000),
            Arc::default(),
        )
        .unwrap();
        let mut at = Time::from_millis(1_795_435_200_000);
        let mut last = 0;
        let mut first = None;
        for _ in 0..20_000u64 {
            at = at + Duration::from_secs(30);
            let look = |check: u32| {
                let latency = Duration::from_micros(400 + u64::from(check) * 7 % 300);
                Event::Observed {
                    check: CheckId(check),
                    at: at + Duration::from_millis(u64::from(check) * 300),
                    outcome: Outcome::timed(Verdict::Pass, latency, "200 OK", ""),
                }
            };
            let events = (0..100).map(look).collect();
            let batch = Batch {
                at,
                events,
                records: vec![],
                incidents: vec![],
                notifications: vec![],
                archived: false,
                whole: false,
            };
            last = opened.journal.commit(batch).await.unwrap().bytes;
            first.get_or_insert(last);
        }
        // Its end moves what is in the WAL into the file.
        opened.journal.close().await;
        let size = std::fs::metadata(dir.path().join("journal.sqlite3"))
            .unwrap()
            .len();
        size.max(last) - first.unwrap_or(0)
    });
    #[allow(clippy::cast_precision_loss, reason = "a few megabytes")]
    let each = bytes as f64 / 2_000_000.0;
    println!(
        "{:<44} {each:.1} bytes (aim ≤ 24; Uptime Kuma 139)",
        "journal, per outcome"
    );
}
