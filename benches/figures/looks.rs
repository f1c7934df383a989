//! Looks: what they cost, how late they begin, and how many there can be.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::belfry_process::{Daemon, Running, bare_at, cpu_seconds, role};
use super::figures::{ROUNDS, median};

/// CPU per look at 2,000 looks a second, against the same done by hand.
pub(crate) fn cpu_per_check() {
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

pub(crate) fn signal(daemon: &Daemon, name: &str) {
    std::process::Command::new("kill")
        .args([format!("-{name}"), daemon.pid().to_string()])
        .status()
        .unwrap();
}

/// How long one spread of looks is watched.
const WATCHED: Duration = Duration::from_secs(30);
/// At how many addresses their targets are: there are at most eight looks at one target at once.
const TARGETS: u8 = 250;

/// How late looks begin, and what they cost, where there is time enough for all.
pub(crate) fn lateness() {
    spread("10,000 http checks every 10 s", 10_000, "10s", "");
}

/// The same with as many as a large house has, at a minute.
pub(crate) fn many() {
    spread(
        "100,000 http checks every 60 s",
        100_000,
        "60s",
        " (aim p99 ≤ 100 ms)",
    );
}

/// How many looks there are a second where more are due than can be: the target is on the same two cores.
pub(crate) fn rate() {
    spread(
        "10,000 http checks every 1 s",
        10_000,
        "1s",
        " (aim ≥ 8,000 looks/s; Monit 1,954, blackbox 1,496)",
    );
}

fn spread(what: &str, count: u32, every: &str, aim: &str) {
    let (_target, target) = targets(TARGETS);
    let text = checks_at(TARGETS, count, target, every);
    // A file of the configuration is at most 1 MiB.
    let parts: Vec<&str> = text.split_inclusive("\n\n").collect();
    let mut files = parts.chunks(5_000).map(<[&str]>::concat);
    let mut daemon = Daemon::new(&files.next().unwrap());
    for (number, more) in files.enumerate() {
        daemon.more(number, &more);
    }
    daemon.start();
    settle(&daemon, count);
    let before = daemon.work();
    std::thread::sleep(WATCHED);
    let after = daemon.work();
    let seconds = WATCHED.as_secs_f64();
    let quantile =
        |name: &str| daemon.metric(&format!("belfry_scheduler_{name}_seconds")) * 1_000.0;
    println!(
        "{what:<44} lateness p50 {:.2} ms  p99 {:.2} ms, at the target p99 {:.2} ms, {:.1} CPU s/min, {:.0} looks/s{aim}",
        quantile("lateness_p50"),
        quantile("lateness_p99"),
        quantile("target_wait_p99"),
        (after.0 - before.0) / seconds * 60.0,
        (after.1 - before.1) / seconds,
    );
}

/// A server that answers at once.
pub(crate) fn target() -> (Running, SocketAddr) {
    targets(1)
}

/// The same at so many addresses.
fn targets(addresses: u8) -> (Running, SocketAddr) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ok");
    std::fs::write(&file, "ok").unwrap();
    bare_at(
        addresses,
        "content-type: text/html; charset=utf-8\r\n",
        &file,
    )
}

pub(crate) fn checks(count: u32, target: SocketAddr, every: &str) -> String {
    checks_at(1, count, target, every)
}

/// So many checks of so many addresses, one after the other from `first` on.
fn checks_at(addresses: u8, count: u32, first: SocketAddr, every: &str) -> String {
    let mut text = format!("[defaults]\nevery = \"{every}\"\ntimeout = \"5s\"\n");
    for check in 0..count {
        let last = check % u32::from(addresses) + 1;
        let port = first.port();
        writeln!(
            text,
            "[check.c{check}]\nhttp = {{ url = \"http://127.0.0.{last}:{port}/\" }}\ngroup = \"Group {}\"\n",
            check / 20
        )
        .unwrap();
    }
    text
}

/// Waits until every check has been looked at.
pub(crate) fn settle(daemon: &Daemon, count: u32) {
    while daemon.metric("belfry_probes_total") < f64::from(count) {
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
}
