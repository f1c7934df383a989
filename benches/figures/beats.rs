//! A hundred thousand heartbeats: what they weigh, and how late a silence is noticed among them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::belfry_process::{Daemon, resident_mb};
use super::load::whole;

/// All of them, and those that fall silent.
const ALL: usize = 100_000;
const SILENT: usize = 1_000;
/// In one file: it stays below what is read of one.
const PER_FILE: usize = 5_000;
/// When those are down that fall silent, after their last ping.
const DUE: Duration = Duration::from_secs(11);
const CONNECTIONS: usize = 64;

pub(crate) fn beats() {
    let mut empty = Daemon::new("");
    empty.start();
    let before = resident_mb(empty.pid());
    drop(empty);

    let mut daemon = Daemon::new("[heartbeats]\nper_heartbeat = \"off\"\ntotal = \"off\"\n");
    for (number, from) in (0..ALL).step_by(PER_FILE).enumerate() {
        daemon.more(number, &file(from..from + PER_FILE));
    }
    let took = daemon.start();
    println!(
        "{:<44} {:.1} s",
        format!("start to first page, {ALL} heartbeats"),
        took.as_secs_f64()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // The silent ones last, so that their time begins when all is there.
    let began = Instant::now();
    runtime.block_on(ping_all(daemon.status, (0..ALL).rev().collect()));
    #[allow(clippy::cast_precision_loss, reason = "a hundred thousand")]
    let all = ALL as f64;
    println!(
        "{:<44} {:.0}/s",
        "durable pings, each of another heartbeat",
        all / began.elapsed().as_secs_f64()
    );
    let after = resident_mb(daemon.pid());
    println!(
        "{:<44} {after:.0} MB, {:.0} bytes each",
        format!("resident, {ALL} heartbeats, all heard"),
        (after - before) * 1e6 / all
    );
    let lates = lateness(&daemon);
    let at = |share: usize| lates[(lates.len() - 1) * share / 100];
    println!(
        "{:<44} p50 {} ms  p99 {} ms  most {} ms (aim p99 ≤ 50)",
        format!("lateness of {SILENT} silences among them"),
        at(50),
        at(99),
        at(100)
    );
}

/// A file of the configuration.
fn file(numbers: std::ops::Range<usize>) -> String {
    numbers.fold(String::new(), |mut text, number| {
        let (every, grace) = if number < SILENT {
            ("10s", "1s")
        } else {
            ("1h", "1h")
        };
        let uuid = uuid(number);
        writeln!(
            text,
            "[heartbeat.job-{number}]\nevery = \"{every}\"\ngrace = \"{grace}\"\nuuid = \"{uuid}\"\nto = []"
        )
        .unwrap();
        text
    })
}

fn uuid(number: usize) -> String {
    format!("0b1e7b1e-0000-4000-8000-{number:012x}")
}

/// Pings each of them once.
async fn ping_all(address: SocketAddr, numbers: Vec<usize>) {
    let mut tasks = JoinSet::new();
    for lane in 0..CONNECTIONS {
        let own: Vec<usize> = numbers
            .iter()
            .skip(lane)
            .step_by(CONNECTIONS)
            .copied()
            .collect();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 4_096];
            for number in own {
                let request = format!(
                    "GET /ping/{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    uuid(number)
                );
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut have = 0;
                while !whole(&buffer[..have]) {
                    let more = stream.read(&mut buffer[have..]).await.unwrap();
                    assert!(more > 0, "the server closed the connection");
                    have += more;
                }
                assert!(buffer.starts_with(b"HTTP/1.1 200"), "job-{number}");
            }
        });
    }
    tasks.join_all().await;
}

/// By how many milliseconds each silence was noticed after it was due, sorted.
fn lateness(daemon: &Daemon) -> Vec<i64> {
    let path = daemon.dir.path().join("data/journal.sqlite3");
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let until = Instant::now() + DUE + Duration::from_mins(1);
    loop {
        let mut lates: Vec<i64> = conn
            .prepare(
                "SELECT event.at - ping.at - ?1 FROM event JOIN ping USING (check_id) \
                 WHERE json ->> 'event' = 'turned' AND json ->> '$.state.is' = 'down' ORDER BY 1",
            )
            .unwrap()
            .query_map([i64::try_from(DUE.as_millis()).unwrap()], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        if lates.len() == SILENT {
            lates.sort_unstable();
            return lates;
        }
        assert!(Instant::now() < until, "only {} are down", lates.len());
        std::thread::sleep(Duration::from_millis(200));
    }
}
