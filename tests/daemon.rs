//! The real binary from outside: what an operator does to it, and what the world does to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

#[path = "daemon/beats.rs"]
mod beats;
#[path = "daemon/command_line.rs"]
mod command_line;
#[path = "daemon/configuration.rs"]
mod configuration;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "daemon/disk.rs"]
mod disk;
#[path = "daemon/flood.rs"]
mod flood;
#[path = "daemon/https.rs"]
mod https;
#[path = "daemon/isolation.rs"]
mod isolation;
#[path = "daemon/mail.rs"]
mod mail;
#[path = "daemon/own.rs"]
mod own;
#[path = "daemon/remedy.rs"]
mod remedy;
#[path = "daemon/restart.rs"]
mod restart;
#[path = "common/sink.rs"]
mod sink;
#[path = "common/target.rs"]
mod target;
#[path = "daemon/units.rs"]
mod units;
#[path = "daemon/wrap.rs"]
mod wrap;

use daemon::{Daemon, free};
use sink::Sink;
use target::Target;

const JOB: &str = "0b1e7b1e-0000-4000-8000-00000000beef";

fn job(every: &str, grace: &str) -> String {
    format!("[heartbeat.job]\nevery = \"{every}\"\ngrace = \"{grace}\"\nuuid = \"{JOB}\"\n")
}

fn shop(target: &Target) -> String {
    format!(
        "[check.shop]\nhttp = {{ url = \"http://{}/\" }}\nevery = \"200ms\"\nfail_after = 2\ntimeout = \"1s\"\nflapping = \"off\"\n",
        target.address
    )
}

fn email(relay: impl std::fmt::Display) -> String {
    format!(
        "[email]\nrelays = [\"smtp://{relay}\"]\nfrom = \"Belfry <belfry@example.org>\"\nto = [\"ops@example.org\"]\n"
    )
}

fn ping(daemon: &Daemon) -> Option<(u16, String)> {
    daemon.get(&format!("/ping/{JOB}"))
}

#[test]
fn it_ends_within_five_seconds_of_sigterm_and_says_zero() {
    let mut daemon = Daemon::started("");
    let began = tokio::time::Instant::now();
    assert!(daemon.terminate().success());
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "took {:?}",
        began.elapsed()
    );
}

#[test]
fn the_operators_token_is_kept_for_nobody_else_and_is_in_no_log() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut daemon = Daemon::started("[page]\nurl = \"https://status.example.org\"\n");
    let file = daemon.data().join("operator-token");
    let token = std::fs::read_to_string(&file).unwrap();
    assert!(token.trim().len() >= 32, "{} characters", token.len());
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Published: being here is not enough.
    let path = "/api/v1/checks/belfry.journal/pause";
    let (status, body) = daemon.post(path, "").unwrap();
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("operator-token"), "{body}");
    daemon.terminate();
    daemon.start();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    assert!(!daemon.log().contains(token.trim()));
}

#[test]
fn a_second_daemon_on_the_same_data_is_refused_and_told_which_process_has_it() {
    let first = Daemon::started("");
    let mut second = Daemon::new("");
    let text = format!(
        "[daemon]\ndata_dir = \"{}\"\n[listen]\nstatus = \"{}\"\nhello = \"{}\"\nshrunken = \"{}\"\n",
        first.data().display(),
        second.status,
        second.hello,
        second.shrunken
    );
    second.write_config(&text);
    second.spawn();
    let pid = first.pid().to_string();
    second.until("refused by name", |second| second.log().contains(&pid));
}

#[test]
fn a_taken_port_is_an_error_that_names_who_has_it() {
    let first = Daemon::started("");
    let second = Daemon::new("");
    let text = format!(
        "[daemon]\ndata_dir = \"{}\"\n[listen]\nstatus = \"{}\"\nhello = \"{}\"\nshrunken = \"{}\"\n",
        second.data().display(),
        first.status,
        second.hello,
        second.shrunken
    );
    second.write_config(&text);
    let output = second.command(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains(&format!("belfry (pid {})", first.pid())),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_cannot_leave_waits_and_leaves_once() {
    let sink_address = free();
    let target = Target::start();
    let daemon = Daemon::started(&format!("{}{}", email(sink_address), shop(&target)));
    let daemon = blocking(move || {
        daemon.until("up", |d| d.state("shop") == "up");
        target.set(false);
        daemon.until("deferred", |d| {
            let rows = d.json("/api/v1/outbox")["notifications"].clone();
            rows.as_array()
                .is_some_and(|rows| rows.iter().any(|row| row["phase"] == "deferred"))
        });
        (daemon, target)
    });
    let (daemon, _target) = daemon.await;
    let sink = Sink::at(sink_address).await;
    sink.wait(1).await;
    drop(daemon);
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("X-Belfry-Check"), "shop");
    assert_eq!(mails[0].header("Auto-Submitted"), "auto-generated");
}

#[test]
fn a_composite_follows_its_members_and_says_who_is_bad() {
    let target = Target::start();
    let cluster = "[check.cluster]\ncomposite = { quorum = 2, of = [\"shop\", \"job\", \"gone\"] }\nevery = \"200ms\"\nto = []\n\
         [check.whole]\ncomposite = { all = \"cluster\" }\nevery = \"200ms\"\n";
    let gone = free();
    let daemon = Daemon::started(&format!(
        "[email]\nto = [\"ops@example.org\"]\n{}to = []\n{}to = []\n{cluster}[check.gone]\nto = []\ntcp = {{ address = \"{gone}\" }}\nevery = \"200ms\"\nfail_after = 1\n",
        shop(&target),
        job("1h", "1h")
    ));
    let says = |daemon: &Daemon, parts: &[&str]| {
        let message = daemon.check("cluster")["last"]["message"].clone();
        let message = message.as_str().unwrap_or_default();
        parts.iter().all(|part| message.contains(part))
    };
    let refused = format!("gone is down (nothing listens on {gone} (connection refused))");
    daemon.until("undecided", |d| {
        says(d, &["1 of 3 up, 2 needed: ", &refused, "job is new"])
    });
    assert_eq!(
        daemon.state("cluster"),
        "new",
        "what is not known is not bad"
    );
    assert_eq!(ping(&daemon).map(|(status, _)| status), Some(200));
    daemon.until("up", |d| {
        d.state("cluster") == "up" && d.state("whole") == "up"
    });
    target.set(false);
    daemon.until("down", |d| d.state("whole") == "down");
    assert!(says(
        &daemon,
        &["1 of 3 up, 2 needed: shop is down (503", &refused]
    ));
    // Of the members nobody is to be told.
    let mails = || -> Vec<String> {
        let files = std::fs::read_dir(daemon.data().join("mail")).into_iter();
        let files = files.flatten().flatten().map(|file| file.path());
        let files = files.filter(|file| file.extension().is_some_and(|kind| kind == "eml"));
        files
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .collect()
    };
    daemon.until("mailed", |_| !mails().is_empty());
    for mail in mails() {
        assert!(mail.contains("X-Belfry-Check: whole"), "{mail}");
    }
    // Without the daemon nothing is known of the job; the others are looked at.
    let asked = daemon.command(&["check", "whole"]);
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(
        said.contains("whole  0 of 1 up: cluster is down (0 of 3 up, 2 needed"),
        "{said}"
    );
    assert_eq!((said.lines().count(), asked.status.code()), (1, Some(2)));
    target.set(true);
    daemon.until("up again", |d| d.state("whole") == "up");
    let asked = daemon.command(&["check", "whole"]);
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(
        said.contains("cluster is unknown (1 of 3 up, 2 needed: gone is down"),
        "{said}"
    );
    assert_eq!(asked.status.code(), Some(3));
}

/// Runs what blocks beside the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("ran")
}

/// Lets time pass in which the daemon is stopped: nothing can be awaited then.
#[allow(
    clippy::disallowed_methods,
    reason = "a test thread outside of any runtime"
)]
fn sleep(span: Duration) {
    std::thread::sleep(span);
}
