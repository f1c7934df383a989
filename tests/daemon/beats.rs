//! Heartbeats from outside: nothing acknowledged is lost, and what we did not hear is nobody's fault.

use std::time::Duration;

use crate::daemon::Daemon;
use crate::{job, ping, sleep};

#[test]
fn a_ping_is_recorded_before_it_is_answered_and_survives_a_kill() {
    let mut daemon = Daemon::started(&job("1h", "1h"));
    for _ in 0..20 {
        assert_eq!(ping(&daemon), Some((200, "OK".to_owned())));
    }
    daemon.kill();
    daemon.start();
    let check = daemon.json("/api/v1/checks/job");
    assert_eq!(check["pings"], 20, "{check}");
    assert_eq!(check["state"], "up");
}

#[test]
fn time_in_which_it_was_stopped_counts_against_no_job() {
    let daemon = Daemon::started(&job("2s", "10s"));
    assert_eq!(ping(&daemon).map(|(status, _)| status), Some(200));
    daemon.signal("STOP");
    sleep(Duration::from_secs(14));
    daemon.signal("CONT");
    daemon.until("known to have been deaf", |d| {
        d.log().contains("could not hear")
    });
    assert_eq!(daemon.state("job"), "up");
    assert_deaf(&daemon, "stopped or overloaded for 1");
    // Nor are looks late that were due meanwhile.
    let (_, metrics) = daemon.get("/metrics").unwrap();
    let worst = metrics
        .lines()
        .find_map(|line| line.strip_prefix("belfry_scheduler_lateness_max_seconds "))
        .unwrap();
    assert!(worst.parse::<f64>().unwrap() < 11.0, "{worst}");
    daemon.until("down for real", |d| d.state("job") == "down");
}

/// Both pages of heartbeats tell when nothing could be heard, and why.
#[track_caller]
fn assert_deaf(daemon: &Daemon, why: &str) {
    for (page, says) in [
        ("/heartbeats", "Could not hear"),
        ("/checks/job", "Could not hear from"),
    ] {
        let (status, html) = daemon.get(page).expect("it answers");
        assert!(
            status == 200 && html.contains(says) && html.contains(why),
            "{html}"
        );
    }
}

#[test]
fn a_deadline_that_passed_while_it_did_not_run_is_no_alarm() {
    let mut daemon = Daemon::started(&job("2s", "10s"));
    assert_eq!(ping(&daemon).map(|(status, _)| status), Some(200));
    daemon.kill();
    sleep(Duration::from_secs(14));
    daemon.start();
    assert_eq!(daemon.state("job"), "up");
    assert!(!daemon.log().contains("job is down"), "{}", daemon.log());
    assert_deaf(&daemon, "not running");
    daemon.until("down for real", |d| d.state("job") == "down");
}

#[test]
fn a_rotated_heartbeat_is_heard_at_both_addresses_over_a_kill() {
    let mut daemon = Daemon::started("[heartbeat.job]\nevery = \"1h\"\n");
    let address = |daemon: &Daemon| {
        let check = daemon.json("/api/v1/checks/job");
        check["ping_url"].as_str().unwrap().to_owned()
    };
    let old = address(&daemon);
    let rotate = |daemon: &Daemon, arguments: &[&str]| {
        let output = daemon.command(&[&["rotate", "job"], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = rotate(&daemon, &[]);
    let new = address(&daemon);
    assert!(
        said.starts_with(&format!("{new}\nthe old one is heard until ")),
        "{said}"
    );
    daemon.kill();
    daemon.start();
    assert_ne!(old, new);
    for url in [&old, &new] {
        assert_eq!(daemon.get(url).map(|reply| reply.0), Some(200), "{url}");
    }
    let said = rotate(&daemon, &["--now"]);
    assert!(
        said.ends_with("no former one is heard any more\n"),
        "{said}"
    );
    for url in [&old, &new] {
        assert_eq!(daemon.get(url).map(|reply| reply.0), Some(404), "{url}");
    }
    assert!(!daemon.log().contains(&old) && !daemon.log().contains(&new));
}
