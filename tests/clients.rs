//! Clients from package registries, as they come, against the real daemon. `scripts/test` installs them into
//! `target/clients`; what each does is in a script beside this.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use serde_json::{Value, json};

#[path = "healthchecks/client.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of this")]
mod client;
#[path = "common/daemon.rs"]
mod daemon;

use client::{KEY, PING_KEY, Site};
use daemon::root;

const GOOD: &str = "0b1e7b1e-0000-4000-8000-00000000600d";
const BAD: &str = "0b1e7b1e-0000-4000-8000-000000000bad";

/// Three jobs: one that goes well, one that fails, and one that is only heard.
fn site() -> Site {
    Site::with(&format!(
        "[heartbeat.good]\nevery = \"1d\"\nuuid = \"{GOOD}\"\n\
         [heartbeat.bad]\nevery = \"1d\"\nuuid = \"{BAD}\"\n\
         [heartbeat.beat]\nevery = \"1d\"\n"
    ))
}

/// Runs a script with an interpreter and the clients that are installed for it. What it printed.
#[track_caller]
fn run(site: &Site, interpreter: &str, script: &str) -> String {
    let clients = root().join("target/clients");
    let base = format!("http://{}", site.daemon.status);
    let output = Command::new(interpreter)
        .arg(root().join("tests/clients").join(script))
        .env("PYTHONPATH", clients.join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", clients.join("node/node_modules"))
        .env("GOOD", format!("{base}/ping/{GOOD}"))
        .env("BAD", format!("{base}/ping/{BAD}"))
        .env("API_KEY", KEY)
        .env("PING_KEY", PING_KEY)
        .env("BELFRY", base)
        .env("NO_PROXY", "*")
        .output()
        .expect(interpreter);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}: {stderr}\nscripts/test installs the clients"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// One went well, one failed, and both were timed.
#[track_caller]
fn both_jobs_are_told_of(site: &Site, pings: u64) {
    let (good, bad) = (heartbeat(site, "good"), heartbeat(site, "bad"));
    assert_eq!(
        (&good["state"], &good["pings"]),
        (&json!("up"), &json!(pings))
    );
    assert!(good["last_took_ms"].is_number(), "{good}");
    assert_eq!(
        (&bad["state"], &bad["pings"]),
        (&json!("down"), &json!(pings))
    );
    assert!(bad["last_took_ms"].is_number(), "{bad}");
}

#[track_caller]
fn the_one_that_failed_says_why(site: &Site) {
    let bad = heartbeat(site, "bad");
    let message = bad["last"]["message"].as_str().unwrap();
    assert!(message.contains("no disk"), "{message}");
}

fn heartbeat(site: &Site, name: &str) -> Value {
    site.daemon.json(&format!("/api/v1/checks/{name}"))
}

#[test]
fn healthchecks_io_from_pypi_makes_pings_reads_changes_and_deletes_a_check() {
    let site = site();
    let said = run(&site, "python3", "healthchecks_io_client.py");
    let said: Value = serde_json::from_str(&said).unwrap();
    let ok = json!([true, "OK"]);
    let expected = json!({
        "made": ["new", 600, 900, true],
        "pings": [ok, ok, ok, ok, ok],
        // The newest first: the trap that broke, the one that did not, and what was sent by hand.
        "listed": ["fail", "start", "success", "start", "success", "fail", "fail", "success", "start"],
        "agent": true,
        "durations": [true, true, false, false, false, true],
        "read": ["down", 9],
        "tagged": [["Client"], []],
        "all": ["Client", "bad", "beat", "good", "nightly-backup"],
        "updated": ["Client", "renamed"],
        "paused": "paused",
        "channels": ["night@example.org", "ops@example.org"],
        "badges": ["*", "a", "b"],
        "deleted": "Client",
        "gone": true,
        "unheard": true,
        "stranger": "refused",
    });
    assert_eq!(said, expected);
}

#[test]
fn healthchecks_decorator_from_pypi_reports_start_end_and_failure_of_a_function() {
    let site = site();
    run(&site, "python3", "decorated.py");
    both_jobs_are_told_of(&site, 2);
}

/// Two jobs, and a heartbeat that says how long it took.
#[track_caller]
fn cronitor_is_understood(interpreter: &str, script: &str, said: &str) {
    let site = site();
    assert_eq!(run(&site, interpreter, script), said);
    both_jobs_are_told_of(&site, 2);
    the_one_that_failed_says_why(&site);
    let beat = heartbeat(&site, "beat");
    assert_eq!(
        (&beat["state"], &beat["last_took_ms"]),
        (&json!("up"), &json!(1_500.0))
    );
}

#[test]
fn cronitor_from_pypi_reports_jobs_and_a_heartbeat_with_its_duration() {
    cronitor_is_understood("python3", "cronitor_client.py", "200\n");
}

#[test]
fn cronitor_from_npm_reports_jobs_and_a_heartbeat_with_its_duration() {
    cronitor_is_understood("node", "cronitor_client.js", "true\n");
}
