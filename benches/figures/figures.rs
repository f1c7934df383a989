//! What is measured, and the pages and pings among it.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::belfry_process::{Daemon, bare, get_bytes, role};
use super::looks::{checks, settle, target};
use super::{beats, database, looks, weight};

/// Seconds of one measurement, and how many of each are taken, in turn.
const SECONDS: u64 = 4;
pub(crate) const ROUNDS: usize = 3;

/// Takes them all, or those whose names are given as arguments.
pub(crate) fn all() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let figures: [(&str, fn()); 12] = [
        ("hello", hello),
        ("pages", pages),
        ("pings", pings),
        ("beats", beats::beats),
        ("cpu", looks::cpu_per_check),
        ("lateness", looks::lateness),
        ("many", looks::many),
        ("rate", looks::rate),
        ("postgres", database::suite),
        ("memory", weight::memory),
        ("start", weight::start),
        ("journal", weight::journal),
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

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
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
        "[heartbeat.job]\nevery = \"1h\"\ngrace = \"1h\"\nuuid = \"{uuid}\"\n\
         [heartbeats]\nper_heartbeat = \"off\"\ntotal = \"off\"\n"
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
