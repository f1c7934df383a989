//! Too much at once, and clients that are slow on purpose: everybody else is served, and nothing grows without an end.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::daemon::{Daemon, PATIENCE, request};
use crate::{JOB, job, ping};

/// Clients that are slow on purpose: as many as places for this machine, less those that honest clients take.
const SLOW: usize = 1_000;
/// Memory that a daemon may have with all of them, in KiB: twice what was seen.
const MEMORY_KIB: usize = 128 << 10;
/// A heartbeat beside the one that is flooded.
const OTHER: &str = "0b1e7b1e-0000-4000-8000-00000000cafe";

fn both() -> String {
    let other = format!("[heartbeat.other]\nevery = \"1d\"\nuuid = \"{OTHER}\"\n");
    job("1d", "1h") + &other
}

/// Status and head of an answer.
fn answer(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    (status.unwrap_or_default(), head.to_ascii_lowercase())
}

/// One of our own figures, which is there.
fn figure(daemon: &Daemon, name: &str) -> f64 {
    let (_, text) = daemon.get("/metrics").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect(name).parse().unwrap()
}

/// Memory in use, in KiB.
fn resident(daemon: &Daemon) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn pings_beyond_a_limit_are_told_when_to_come_again_and_counted_and_others_are_heard() {
    let limit = "[heartbeats]\nper_heartbeat = \"6/min\"\n";
    let daemon = Daemon::started(&format!("{limit}{}", both()));
    let status = daemon.status;
    let flood: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut found: BTreeMap<u16, usize> = BTreeMap::new();
                for _ in 0..50 {
                    let (code, head) = answer(status, &format!("/ping/{JOB}"));
                    let wait = head
                        .lines()
                        .find_map(|line| line.strip_prefix("retry-after: "));
                    let wait = wait.map(|seconds| seconds.parse::<u64>().unwrap());
                    assert_eq!(
                        wait.is_some_and(|wait| (1..=10).contains(&wait)),
                        code == 429,
                        "{head}"
                    );
                    *found.entry(code).or_default() += 1;
                }
                found
            })
        })
        .collect();
    let (code, _) = answer(status, &format!("/ping/{OTHER}"));
    assert_eq!(code, 200);
    assert_eq!(daemon.get("/").unwrap().0, 200);
    let mut found: BTreeMap<u16, usize> = BTreeMap::new();
    for thread in flood {
        for (code, times) in thread.join().unwrap() {
            *found.entry(code).or_default() += times;
        }
    }
    let times = |code| found.get(&code).copied().unwrap_or_default();
    assert_eq!(times(200) + times(429), 400, "{found:?}");
    assert!(times(429) > times(200), "{found:?}");
    assert_eq!(daemon.json("/api/v1/checks/job")["pings"], times(200));
    assert_eq!(daemon.json("/api/v1/checks/other")["pings"], 1);
    let counted = figure(&daemon, "belfry_pings_limited_total");
    assert_eq!(format!("{counted}"), times(429).to_string());
}

/// Ways to be slow.
#[derive(Clone, Copy, Debug)]
enum Slow {
    /// Says nothing at all.
    Silent,
    /// A head of one byte after the other, which does not end.
    Head,
    /// A body of one byte after the other, which does not end.
    Body,
    /// Asks for much, and reads nothing of it.
    Deaf,
}

impl Slow {
    /// What is said at once.
    fn begins(self) -> Vec<u8> {
        match self {
            Self::Silent => Vec::new(),
            Self::Head => b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_vec(),
            Self::Body => {
                let head = "Host: localhost\r\nContent-Length: 100000";
                format!("POST /ping/{JOB} HTTP/1.1\r\n{head}\r\n\r\n").into_bytes()
            }
            Self::Deaf => "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                .repeat(20)
                .into_bytes(),
        }
    }
}

/// Comes again and again; `begun` counts.
async fn slow(address: SocketAddr, way: Slow, begun: Arc<AtomicUsize>) {
    loop {
        let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else {
            continue;
        };
        if stream.write_all(&way.begins()).await.is_ok() {
            begun.fetch_add(1, Ordering::SeqCst);
        }
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            let goes_on = match way {
                Slow::Head | Slow::Body => stream.write_all(b"x").await.is_ok(),
                // Notices its end, and reads nothing else.
                Slow::Silent => stream
                    .try_read(&mut [0; 1])
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
                Slow::Deaf => stream.write_all(b"\r\n").await.is_ok(),
            };
            if !goes_on {
                break;
            }
        }
    }
}

#[test]
fn a_thousand_slow_clients_of_every_kind_stop_nobody_and_take_no_memory_without_an_end() {
    let unlimited = "[heartbeats]\nper_heartbeat = \"off\"\n";
    let daemon = Daemon::started(&format!("{unlimited}{}", both()));
    let runtime = Runtime::new().unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let mut crowd = JoinSet::new();
    for number in 0..SLOW {
        let way = [Slow::Silent, Slow::Head, Slow::Body, Slow::Deaf][number % 4];
        crowd.spawn_on(
            slow(daemon.status, way, Arc::clone(&begun)),
            runtime.handle(),
        );
    }
    // All are there, and some have come again.
    let mut most = 0;
    let mut taken = 0;
    while begun.load(Ordering::SeqCst) < SLOW * 3 / 2 || taken < 50 {
        let (code, head) = answer(daemon.status, &format!("/ping/{OTHER}"));
        assert_eq!(code, 200, "{head}");
        taken += 1;
        let (code, head) = answer(daemon.status, "/");
        assert_eq!(code, 200, "{head}");
        most = most.max(resident(&daemon));
    }
    crowd.abort_all();
    drop(runtime);
    println!(
        "{taken} pings and pages, {} slow ones, {most} KiB",
        begun.load(Ordering::SeqCst)
    );
    assert!(most < MEMORY_KIB, "{most} KiB");
    assert_eq!(daemon.json("/api/v1/checks/other")["pings"], taken);
    // Of the bodies that never ended nothing was taken for a ping.
    assert_eq!(daemon.json("/api/v1/checks/job")["pings"], 0);
    daemon.until("their places are free", |d| {
        figure(d, "belfry_http_connections") < 10.0
    });
}

/// What is in the journal beside what Belfry finds out about itself: pings, heartbeats and checks, events.
fn recorded(daemon: &Daemon) -> [i64; 3] {
    let path = daemon.data().join("journal.sqlite3");
    let journal = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    [
        "SELECT COALESCE(MAX(id), 0) FROM ping",
        "SELECT COUNT(*) FROM check_def",
        "SELECT COUNT(*) FROM event LEFT JOIN check_def ON check_def.id = event.check_id
             WHERE check_def.name IS NULL OR check_def.name NOT LIKE 'belfry.%'",
    ]
    .map(|question| journal.query_row(question, [], |row| row.get(0)).unwrap())
}

#[test]
fn a_flood_of_addresses_that_there_are_not_leaves_nothing_in_the_journal() {
    let daemon = Daemon::started(&both());
    assert_eq!(ping(&daemon).unwrap().0, 200);
    daemon.until("quiet", |d| d.state("job") == "up");
    let before = recorded(&daemon);
    let status = daemon.status;
    let is_over = Arc::new(AtomicBool::new(false));
    let honest = {
        let is_over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            let mut served = 0;
            while !is_over.load(Ordering::SeqCst) || served == 0 {
                let (code, _) = request(status, "GET", "/", "").unwrap();
                assert_eq!(code, 200);
                served += 1;
            }
        })
    };
    let flood: Vec<_> = (0..8_u32)
        .map(|thread| {
            std::thread::spawn(move || {
                for number in 0..250_u32 {
                    let stranger = format!("{thread:08x}-{number:04x}-4000-8000-000000000000");
                    let path = match number % 6 {
                        0 => format!("/ping/{stranger}"),
                        1 => format!("/{stranger}/fail"),
                        2 => {
                            format!("/ping/no-key-of-ours-{thread}-{number}/job-{number}?create=1")
                        }
                        3 => format!("/api/push/{stranger}?status=up"),
                        4 => format!("/snitch/{stranger}"),
                        _ => format!("/p/{stranger}/job?state=complete"),
                    };
                    let (code, body) = request(status, "GET", &path, "").unwrap();
                    assert!(matches!(code, 403 | 404), "{path}: {code} {body}");
                }
            })
        })
        .collect();
    for thread in flood {
        thread.join().unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    honest.join().unwrap();
    assert_eq!(recorded(&daemon), before);
    // It would have been seen.
    assert_eq!(ping(&daemon).unwrap().0, 200);
    let [pings, ..] = recorded(&daemon);
    assert_eq!(pings, before[0] + 1);
}
