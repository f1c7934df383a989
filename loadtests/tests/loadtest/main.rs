//! The program as it is typed, against a small server that answers as the daemon does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod daemon;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::daemon::{Daemon, Manners};

/// Everybody comes, for two seconds.
const PLAN: &str = "
about = 'a test'
users = 5
hatch_rate = 50
run_time = '2s'
thresholds = ['error-rate<=0%']
[scenario.hello]
weight = 1
wait = ['5ms', '10ms']
thresholds = ['p95<10s']
[scenario.status]
weight = 1
wait = ['5ms', '10ms']
thresholds = ['error-rate<=0%', 'p99<10s']
[scenario.api]
weight = 1
wait = ['5ms', '10ms']
thresholds = ['error-rate<=0%']
[scenario.jobs]
weight = 1
wait = ['5ms', '10ms']
thresholds = ['error-rate<=0%']
[scenario.live]
weight = 1
wait = ['5ms', '10ms']
hold = '500ms'
thresholds = ['error-rate<=0%']
";

/// Types it, in a folder of its own.
fn type_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(args)
        .current_dir(folder)
        .env_remove("BELFRY_PING_UUIDS")
        .output()
        .unwrap()
}

/// Plays the plan against the daemon. What it printed, and its exit code.
async fn play(daemon: &Daemon, folder: &Path, more: &[&str]) -> (String, i32) {
    std::fs::write(folder.join("plan.toml"), PLAN).unwrap();
    let url = daemon.url.as_str();
    let mut args = vec![
        "plan.toml",
        "--host",
        url,
        "--hello",
        url,
        "--shrunken",
        url,
    ];
    args.extend(more);
    let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    let folder = folder.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        type_in(&folder, &args)
    });
    let output = output.await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (said, output.status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_daemon_is_visited_by_everybody_and_passes() {
    let daemon = Daemon::start(Manners::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let reports = ["--report", "report.html", "--json", "report.json"];
    let (said, code) = play(&daemon, folder.path(), &reports).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("All 18 thresholds held."), "{said}");
    for visited in [
        "GET / 200",
        "GET / 304",
        "GET /checks/shop 200",
        "GET /incidents 200",
        "GET /api/v1/status 200",
        "GET /metrics 200",
        "GET /ping/0b7a0c6e-4a63-4f1e-9d2c-6a1f0e2d3c4b/start 200",
        "POST /ping/0b7a0c6e-4a63-4f1e-9d2c-6a1f0e2d3c4b 200",
    ] {
        assert!(daemon.count(visited) > 1, "{visited} was not visited");
    }
    assert!(said.contains("live streams brought"), "{said}");
    assert!(!said.contains("brought 0 events"), "{said}");
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(html.contains("GET overview again"));
    let json = std::fs::read(folder.path().join("report.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&json).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_page_fails_the_run_and_stands_in_the_table() {
    let manners = Manners {
        broken: Some("/metrics"),
        ..Manners::default()
    };
    let daemon = Daemon::start(manners).await;
    let folder = tempfile::tempdir().unwrap();
    let (said, code) = play(&daemon, folder.path(), &[]).await;
    assert_eq!(code, 1, "{said}");
    let failed: Vec<&str> = said
        .lines()
        .filter(|line| line.ends_with("FAILED"))
        .collect();
    assert_eq!(failed.len(), 2, "{said}");
    assert!(failed[0].contains("error-rate<=0% "), "{said}");
    assert!(
        failed[1].contains("error-rate<=0% for GET metrics"),
        "{said}"
    );
    assert!(failed[1].contains("100%"), "{said}");
    assert!(said.contains("2 of 18 thresholds failed."), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_that_ends_by_itself_is_a_failure() {
    let manners = Manners {
        short_streams: true,
        ..Manners::default()
    };
    let daemon = Daemon::start(manners).await;
    let folder = tempfile::tempdir().unwrap();
    let (said, code) = play(&daemon, folder.path(), &[]).await;
    assert_eq!(code, 1, "{said}");
    let failed = |line: &str| line.contains("for GET live stream") && line.ends_with("FAILED");
    assert!(said.lines().any(failed), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_heartbeat_the_jobs_stay_at_home_and_that_is_said() {
    let manners = Manners {
        no_heartbeats: true,
        ..Manners::default()
    };
    let daemon = Daemon::start(manners).await;
    let folder = tempfile::tempdir().unwrap();
    let (said, code) = play(&daemon, folder.path(), &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("`jobs` is left out"), "{said}");
    assert!(said.contains("All 16 thresholds held."), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_to_goose_wins_over_the_plan() {
    let daemon = Daemon::start(Manners::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let uuid = "0b7a0c6e-4a63-4f1e-9d2c-6a1f0e2d3c4b";
    let more = [
        "--ping-uuid",
        uuid,
        "--",
        "--scenarios",
        "jobs",
        "--iterations",
        "3",
        "--users",
        "2",
        "--threshold",
        "error-rate<=0%",
    ];
    let (said, code) = play(&daemon, folder.path(), &more).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(daemon.count(&format!("POST /ping/{uuid} 200")), 6, "{said}");
    assert_eq!(daemon.count("GET /incidents 200"), 0);
    assert!(said.contains("All 1 thresholds held."), "{said}");
}

#[test]
fn a_daemon_that_does_not_run_is_told_at_once_with_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let output = type_in(folder.path(), &["--host", &free]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "error: nothing answers at {free} — start it with `cargo run` in another terminal\n"
    );
    assert_eq!(said, expected);
}

#[test]
fn mistakes_have_the_exit_codes_that_the_help_names() {
    let folder = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| type_in(folder.path(), args).status.code().unwrap();
    assert_eq!(code(&["--help"]), 0);
    assert_eq!(code(&["--", "--help"]), 0);
    assert_eq!(code(&["--hots", "http://127.0.0.1:1"]), 64);
    assert_eq!(code(&["--", "--usres", "3"]), 64);
    assert_eq!(code(&["no-such-plan"]), 78);
    assert_eq!(code(&["--host", "http://192.0.2.1"]), 1);
    assert_eq!(code(&["--", "--host", "http://192.0.2.1"]), 1);
}
