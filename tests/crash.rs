//! `kill -9` at random moments, under ping load and a target that comes and goes, with two ledgers: pings
//! that were acknowledged, and mails that a server took. Nothing may be lost, nothing told twice.
//!
//! `scripts/crash --cycles N` runs it longer; the seed is printed and can be given as `BELFRY_CRASH_SEED`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/sink.rs"]
mod sink;
#[path = "common/target.rs"]
mod target;

use daemon::{Daemon, pause, request};
use sink::Sink;
use target::Target;

/// Clients that ping at the same time.
const CLIENTS: usize = 4;

/// A small generator: the same seed gives the same moments.
struct Dice(u64);

impl Dice {
    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood, 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nobody_is_told_twice_over_many_kills() {
    let cycles = setting("BELFRY_CRASH_CYCLES", 30);
    let seed = setting("BELFRY_CRASH_SEED", u64::from(std::process::id()));
    println!("{cycles} cycles with seed {seed}");
    let sink = Sink::honest().await;
    let relay = sink.address;
    let ledgers = tokio::task::spawn_blocking(move || torment(cycles, seed, &relay.to_string()))
        .await
        .expect("ran");
    let mails = sink.mails();

    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut news: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for mail in &mails {
        *ids.entry(mail.id()).or_default() += 1;
        let about = (
            mail.header("X-Belfry-Incident"),
            mail.header("X-Belfry-State"),
        );
        news.entry(about).or_default().insert(mail.id());
    }
    let told: BTreeSet<&String> = news.keys().map(|(incident, _)| incident).collect();
    // Every incident of this life has closed, so each has an alarm and an all-clear, or one mail of both.
    let all_clear = |incident: &String| news.contains_key(&(incident.clone(), "up".to_owned()));
    let untold = |incident: &&String| !told.contains(incident) || !all_clear(incident);
    let lost: Vec<&String> = ledgers.incidents.iter().filter(untold).collect();
    let logical: Vec<_> = news.iter().filter(|(_, ids)| ids.len() > 1).collect();
    let raw: usize = ids.values().map(|copies| copies - 1).sum();
    println!(
        "{} pings acknowledged, {} lost, {} doubled; {} incidents, {} mails, {} alerts lost, {} logical duplicates, {raw} raw duplicates",
        ledgers.acknowledged,
        ledgers.lost.len(),
        ledgers.doubled,
        ledgers.incidents.len(),
        mails.len(),
        lost.len(),
        logical.len(),
    );
    assert!(ledgers.acknowledged > 0, "no ping was acknowledged at all");
    assert!(
        !ledgers.incidents.is_empty(),
        "no incident was opened at all"
    );
    assert!(
        ledgers.lost.is_empty(),
        "acknowledged and lost: {:?}",
        ledgers.lost
    );
    assert_eq!(ledgers.doubled, 0, "pings recorded twice");
    assert!(lost.is_empty(), "nobody was told of {lost:?}");
    assert!(logical.is_empty(), "told twice: {logical:?}");
    assert!(
        u64::try_from(raw).expect("few") <= cycles,
        "more copies than crashes: {raw}"
    );
}

/// What is left when the last cycle is over.
struct Ledgers {
    acknowledged: usize,
    lost: Vec<Uuid>,
    doubled: usize,
    incidents: BTreeSet<String>,
}

fn torment(cycles: u64, seed: u64, relay: &str) -> Ledgers {
    let mut dice = Dice(seed);
    let target = Target::start();
    let config = format!(
        r#"
[email]
relays = ["smtp://{relay}"]
from = "Belfry <belfry@example.org>"
to = ["ops@example.org"]

[check.shop]
http = {{ url = "http://{}/" }}
every = "100ms"
fail_after = 1
timeout = "1s"
flapping = "off"

[heartbeat.job]
every = "1h"
grace = "1h"
uuid = "0b1e7b1e-0000-4000-8000-00000000beef"
"#,
        target.address
    );
    let mut daemon = Daemon::new(&config);
    let mut ledger: Vec<Uuid> = Vec::new();
    for _ in 0..cycles {
        daemon.start();
        let ended = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| client(daemon.status, Arc::clone(&ended)))
            .collect();
        for round in 0..dice.below(6) {
            target.set(round % 2 == 1);
            wait(dice.below(300));
        }
        wait(dice.below(100));
        daemon.kill();
        ended.store(true, Ordering::SeqCst);
        ledger.extend(
            clients
                .into_iter()
                .flat_map(|client| client.join().expect("a client ends")),
        );
    }
    target.set(true);
    daemon.start();
    daemon.until("up again", |daemon| daemon.state("shop") == "up");
    let waiting =
        |row: &serde_json::Value| !matches!(row["phase"].as_str(), Some("accepted" | "superseded"));
    daemon.until("everything delivered", |daemon| {
        daemon.json("/api/v1/outbox")["notifications"]
            .as_array()
            .is_some_and(|rows| !rows.iter().any(waiting))
    });
    assert!(daemon.terminate().success(), "{}", daemon.log());
    let (recorded, incidents) = journal(&daemon);
    Ledgers {
        acknowledged: ledger.len(),
        lost: ledger
            .iter()
            .filter(|rid| !recorded.contains_key(*rid))
            .copied()
            .collect(),
        doubled: recorded.values().filter(|copies| **copies > 1).count(),
        incidents,
    }
}

/// Pings as fast as it is answered, each with a run id of its own; returns those that got a 200.
fn client(
    address: std::net::SocketAddr,
    ended: Arc<AtomicBool>,
) -> std::thread::JoinHandle<Vec<Uuid>> {
    std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        while !ended.load(Ordering::SeqCst) {
            let rid = Uuid::new_v4();
            let path = format!("/ping/0b1e7b1e-0000-4000-8000-00000000beef?rid={rid}");
            match request(address, "POST", &path, "done") {
                Some((200, body)) => {
                    assert_eq!(body, "OK");
                    acknowledged.push(rid);
                }
                Some(_) | None => pause(),
            }
        }
        acknowledged
    })
}

/// How often each run id is in the journal, and the ids of all incidents.
fn journal(daemon: &Daemon) -> (BTreeMap<Uuid, usize>, BTreeSet<String>) {
    let path = daemon.data().join("journal.sqlite3");
    let journal = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the journal opens");
    let sound: String = journal
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(sound, "ok");
    let mut pings: BTreeMap<Uuid, usize> = BTreeMap::new();
    let mut query = journal
        .prepare("SELECT rid FROM ping WHERE rid IS NOT NULL")
        .expect("a table of pings");
    let rids = query
        .query_map([], |row| row.get::<_, String>(0))
        .expect("rows");
    for rid in rids {
        let rid = Uuid::parse_str(&rid.expect("a row")).expect("a run id");
        *pings.entry(rid).or_default() += 1;
    }
    let mut query = journal
        .prepare("SELECT id FROM incident")
        .expect("a table of incidents");
    let ids = query
        .query_map([], |row| row.get::<_, String>(0))
        .expect("rows");
    (pings, ids.map(|id| id.expect("a row")).collect())
}

/// Lets so many milliseconds pass: the moment of the kill is what is random here.
#[allow(
    clippy::disallowed_methods,
    reason = "a test thread outside of any runtime"
)]
fn wait(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}
