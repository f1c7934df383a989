//! What is measured, one function each.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::CheckId;
use belfry::core::event::Event;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::core::time::Time;
use belfry::core::uptime::Tally;
use belfry::journal::{Batch, Journal};

use super::belfry_process::{Daemon, bare, cpu_seconds, get_bytes, resident_mb, role};

/// Seconds of one measurement, and how many of each are taken, in turn.
const SECONDS: u64 = 4;
const ROUNDS: usize = 3;

/// Takes them all, or those whose names are given as arguments.
pub(crate) fn all() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let figures: [(&str, fn()); 8] = [
        ("hello", hello),
        ("pages", pages),
        ("pings", pings),
        ("cpu", cpu_per_check),
        ("lateness", lateness),
        ("memory", memory),
        ("start", start),
        ("journal", journal),
    ];
    for (name, figure) in figures {
        if wanted.is_empty() || wanted.iter().any(|want| want == name) {
            figure();
        }
    }
}

/// Requests per second, and the percentiles.
fn load(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    connections: usize,
) -> [f64; 3] {
    let settings = [
        ("ADDRESS", address.to_string()),
        ("METHOD", method.to_owned()),
        ("TARGET", target.to_owned()),
        ("HEADERS", headers.to_owned()),
        ("CONNECTIONS", connections.to_string()),
        ("SECONDS", SECONDS.to_string()),
    ];
    let output = role("load", &settings).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    numbers
        .try_into()
        .unwrap_or_else(|_| panic!("the load generator failed"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ours and the limit in turn; prints the medians and the median of the ratios pair by pair.
fn against(what: &str, aim: f64, ours: impl Fn() -> [f64; 3], limit: impl Fn() -> [f64; 3]) {
    let pairs: Vec<([f64; 3], [f64; 3])> = (0..ROUNDS).map(|_| (ours(), limit())).collect();
    let ratio = median(pairs.iter().map(|(a, b)| a[0] / b[0]).collect());
    let mid = |pick: fn(&([f64; 3], [f64; 3])) -> f64| median(pairs.iter().map(pick).collect());
    println!(
        "{what:<44} {:>9.0}/s  p50 {:.2} ms  p99 {:.2} ms   limit {:>9.0}/s   ratio {ratio:.2} (aim ≥ {aim})",
        mid(|(a, _)| a[0]),
        mid(|(a, _)| a[1]),
        mid(|(a, _)| a[2]),
        mid(|(_, b)| b[0]),
    );
}

/// An answer for the bare server: its head, and its body in a file of its own.
struct Answer {
    head: String,
    body: PathBuf,
    bytes: usize,
    _dir: tempfile::TempDir,
}

impl Answer {
    fn of(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.unwrap() + 4);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("body");
        std::fs::write(&file, body).unwrap();
        Self {
            head: String::from_utf8(head.to_vec()).unwrap(),
            body: file,
            bytes: body.len(),
            _dir: dir,
        }
    }
}

fn hello() {
    let mut daemon = Daemon::new("");
    daemon.start();
    let answer = Answer::of(&get_bytes(daemon.hello, "/", "").unwrap());
    // Once with nothing in the head but what a page needs, once with all that ours says there.
    let plain = "content-type: text/html; charset=utf-8\r\n";
    for (what, head) in [
        ("hello page (bare head)", plain),
        ("hello page (same bytes)", &answer.head),
    ] {
        let (_bare, limit) = bare(head, &answer.body);
        against(
            what,
            0.95,
            || load(daemon.hello, "GET", "/", "", 32),
            || load(limit, "GET", "/", "", 32),
        );
    }
}

fn pages() {
    for count in [100, 1_000] {
        let (_target, target) = target();
        let mut daemon = Daemon::new(&checks(count, target, "30s"));
        daemon.start();
        settle(&daemon, count);
        let zip = "Accept-Encoding: gzip\r\n";
        let answer = Answer::of(&get_bytes(daemon.status, "/", zip).unwrap());
        let (_bare, limit) = bare(&answer.head, &answer.body);
        let what = format!("status page, {count} checks, {} bytes gzip", answer.bytes);
        against(
            &what,
            0.8,
            || load(daemon.status, "GET", "/", zip, 32),
            || load(limit, "GET", "/", zip, 32),
        );
    }
}

fn pings() {
    let uuid = "0b1e7b1e-0000-4000-8000-00000000beef";
    let mut daemon = Daemon::new(&format!(
        "[heartbeat.job]\nevery = \"1h\"\ngrace = \"1h\"\nuuid = \"{uuid}\"\n"
    ));
    daemon.start();
    let path = format!("/ping/{uuid}");
    let answer = Answer::of(&get_bytes(daemon.status, &path, "").unwrap());
    let (_bare, limit) = bare(&answer.head, &answer.body);
    against(
        "durable pings, 64 connections (no journal)",
        0.4,
        || load(daemon.status, "GET", &path, "", 64),
        || load(limit, "GET", &path, "", 64),
    );
    println!(
        "{:<44} {:.0} times healthchecks (128/s, measured elsewhere)",
        "",
        load(daemon.status, "GET", &path, "", 64)[0] / 128.0
    );
}

/// CPU per look at 2,000 looks a second, against the same done by hand.
fn cpu_per_check() {
    let (_target, target) = target();
    let mut daemon = Daemon::new(&checks(1_000, target, "500ms"));
    daemon.start();
    settle(&daemon, 1_000);
    let ours = |_| {
        let (cpu, looks) = (
            cpu_seconds(daemon.pid()),
            daemon.metric("belfry_probes_total"),
        );
        std::thread::sleep(Duration::from_secs(8));
        (cpu_seconds(daemon.pid()) - cpu) / (daemon.metric("belfry_probes_total") - looks) * 1_000.0
    };
    let raw = |_| {
        let settings = [
            ("ADDRESS", target.to_string()),
            ("RATE", "2000".to_owned()),
            ("SECONDS", "8".to_owned()),
        ];
        let output = String::from_utf8(role("raw", &settings).output().unwrap().stdout).unwrap();
        let numbers: Vec<f64> = output
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        numbers[1] / numbers[0] * 1_000.0
    };
    // Not at the same time: the raw client would disturb the daemon, so the daemon is frozen meanwhile.
    let pairs: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|round| {
            let ours = ours(round);
            signal(&daemon, "STOP");
            let raw = raw(round);
            signal(&daemon, "CONT");
            std::thread::sleep(Duration::from_secs(2));
            (ours, raw)
        })
        .collect();
    let (ours, raw) = (
        median(pairs.iter().map(|p| p.0).collect()),
        median(pairs.iter().map(|p| p.1).collect()),
    );
    println!(
        "{:<44} {ours:.3} ms, raw client {raw:.3} ms   ratio {:.2} (aim ≤ 1.45)",
        "CPU per http check, journal included",
        ours / raw
    );
}

fn signal(daemon: &Daemon, name: &str) {
    std::process::Command::new("kill")
        .args([format!("-{name}"), daemon.pid().to_string()])
        .status()
        .unwrap();
}

fn lateness() {
    let (_target, target) = target();
    let mut daemon = Daemon::new(&checks(10_000, target, "10s"));
    daemon.start();
    settle(&daemon, 10_000);
    let (cpu, looks) = (
        cpu_seconds(daemon.pid()),
        daemon.metric("belfry_probes_total"),
    );
    std::thread::sleep(Duration::from_secs(30));
    let cpu = cpu_seconds(daemon.pid()) - cpu;
    let looks = daemon.metric("belfry_probes_total") - looks;
    let quantile =
        |name: &str| daemon.metric(&format!("belfry_scheduler_lateness_{name}_seconds")) * 1_000.0;
    println!(
        "{:<44} p50 {:.2} ms  p99 {:.2} ms, {:.1} CPU s/min, {:.0} looks/s",
        "10,000 http checks every 10 s, lateness",
        quantile("p50"),
        quantile("p99"),
        cpu * 2.0,
        looks / 30.0,
    );
}

fn memory() {
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

fn start() {
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
fn journal() {
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

/// A server that answers at once.
fn target() -> (super::belfry_process::Running, SocketAddr) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ok");
    std::fs::write(&file, "ok").unwrap();
    bare("content-type: text/html; charset=utf-8\r\n", &file)
}

fn checks(count: u32, target: SocketAddr, every: &str) -> String {
    let mut text = format!("[defaults]\nevery = \"{every}\"\ntimeout = \"5s\"\n");
    for check in 0..count {
        writeln!(
            text,
            "[check.c{check}]\nhttp = {{ url = \"http://{target}/\" }}\ngroup = \"Group {}\"\n",
            check / 20
        )
        .unwrap();
    }
    text
}

/// Waits until every check has been looked at.
fn settle(daemon: &Daemon, count: u32) {
    while daemon.metric("belfry_probes_total") < f64::from(count) {
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
}
