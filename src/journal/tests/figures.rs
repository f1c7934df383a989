//! Sizes, asserted, and speeds, only printed: `cargo test figures -- --nocapture`.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::story::{START, check, open};
use crate::core::check::{CheckId, Roster};
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::input::Input;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::time::Time;
use crate::journal::{Batch, Chore};

const CHECKS: u32 = 100;
const ROUNDS: u32 = 2_000;

/// One look at each check, spread over half a minute as the schedule does, with the jitter of a network.
fn round(n: u32) -> Vec<Event> {
    let look = |check: u32| {
        let noise = u64::from(n.wrapping_mul(2_654_435_761) ^ check.wrapping_mul(40_503)) % 9_973;
        let at = START
            + Duration::from_millis(u64::from(n) * 30_000 + u64::from(check) * 300 + noise % 4);
        let (before, verdict) = match noise % 200 {
            0 => ("500 Internal Server Error", Verdict::Fail),
            1..4 => ("connection refused", Verdict::Fail),
            _ => ("200 OK", Verdict::Pass),
        };
        let latency = Duration::from_micros(900 + u64::from(check) * 400 + noise * 3);
        let outcome = Outcome::timed(verdict, latency, before, "");
        Event::Observed {
            check: CheckId(check),
            at,
            outcome,
        }
    };
    (0..CHECKS).map(look).collect()
}

fn engine() -> (Engine, Vec<Event>) {
    let mut engine = Engine::default();
    let checks = (0..CHECKS)
        .map(|n| Arc::new(check(&format!("site-{n}"))))
        .collect();
    let roster = Roster {
        node: "n".into(),
        checks,
        ..Roster::default()
    };
    let events = engine.decide(START, &Input::Plan(Arc::new(roster)));
    for event in &events {
        engine.apply(event);
    }
    (engine, events)
}

#[tokio::test]
async fn an_outcome_takes_less_than_ten_bytes_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path(), START).journal;
    let (engine, events) = engine();
    journal
        .commit(Batch {
            at: START,
            events,
            ..Batch::default()
        })
        .await
        .expect("written");
    for n in 0..ROUNDS {
        let at = START + Duration::from_secs(u64::from(n) * 30);
        let records = if n % 120 == 119 {
            engine.active().cloned().collect()
        } else {
            Vec::new()
        };
        journal
            .commit(Batch {
                at,
                events: round(n),
                records,
                ..Batch::default()
            })
            .await
            .expect("written");
        if n % 120 == 119 {
            journal.maintain(Chore::Rollup).await.expect("done");
        }
    }
    let reader = journal.reader();
    let looks = reader.outcomes(CheckId(7), START, Time::from_millis(i64::MAX), 9_999);
    assert_eq!(looks.await.expect("read").len(), 2_000);
    journal.close().await;
    let conn = Connection::open(folder.path().join("journal.sqlite3")).expect("opens");
    let query = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('outcome', 'recent', 'text')";
    let bytes: u32 = conn.query_row(query, [], |row| row.get(0)).expect("read");
    let each = f64::from(bytes) / f64::from(CHECKS * ROUNDS);
    println!("{each:.2} bytes per outcome");
    assert!(each <= 10.0, "{each:.2} bytes per outcome");
}

#[tokio::test]
async fn figures_of_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path(), START).journal;
    for (rows, commits) in [(1, 1_000), (100, 300)] {
        let mut took = Vec::new();
        let began = Instant::now();
        for n in 0..commits {
            let events = round(n).into_iter().take(rows).collect();
            let batch = Batch {
                at: START,
                events,
                ..Batch::default()
            };
            took.push(journal.commit(batch).await.expect("written").took);
        }
        let all = began.elapsed();
        took.sort();
        let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
        let rate = f64::from(commits) / all.as_secs_f64();
        println!("{rows} rows a commit: {rate:.0} commits/s, p50 {p50:?}, p99 {p99:?}");
    }
    let began = Instant::now();
    let reader = journal.reader();
    for _ in 0..200 {
        reader
            .outcomes(CheckId(0), START, START, 1)
            .await
            .expect("read");
    }
    println!(
        "the last of 31,000 outcomes not packed yet: {:?}",
        began.elapsed() / 200
    );
    let began = Instant::now();
    for _ in 0..200 {
        reader.ship_state().await.expect("read");
    }
    println!("the least query: {:?}", began.elapsed() / 200);
    journal.close().await;
    let began = Instant::now();
    let opened = open(folder.path(), START);
    println!(
        "opening with {} outcomes: {:?}",
        opened.restored.outcomes.len(),
        began.elapsed()
    );
    opened.journal.close().await;
}
