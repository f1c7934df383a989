//! What Belfry says of itself.

use std::process::Command;

use crate::daemon::Daemon;
use crate::sink::{Act, Sink, Verb};
use crate::{blocking, email, free};

const PARTS: [&str; 6] = [
    "journal",
    "scheduler",
    "outbox",
    "memory",
    "files",
    "unseen",
];

/// All parts, looked at often.
fn hasty() -> String {
    let hasty = |part| {
        format!(
            "[check.\"belfry.{part}\"]\nevery = \"200ms\"\nfail_after = 1\nflapping = \"off\"\n"
        )
    };
    PARTS.map(hasty).concat()
}

fn last(daemon: &Daemon, part: &str) -> String {
    let check = daemon.json(&format!("/api/v1/checks/belfry.{part}"));
    let word = |key: &str| check["last"][key].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", word("verdict"), word("message"))
}

/// Lets the daemon have so many files open.
fn allow(daemon: &Daemon, files: usize) {
    let status = Command::new("prlimit")
        .args(["--pid", &daemon.pid().to_string()])
        .arg(format!("--nofile={files}:"))
        .status();
    assert!(status.expect("prlimit is part of Debian").success());
}

fn open(daemon: &Daemon) -> usize {
    let folder = format!("/proc/{}/fd", daemon.pid());
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn each_part_of_a_healthy_daemon_says_how_it_is() {
    let daemon = Daemon::started(&hasty());
    for (part, begins, ends) in [
        ("journal", "pass: committed in ", " MiB"),
        ("scheduler", "pass: on time", ""),
        ("outbox", "pass: nothing waits", ""),
        ("memory", "pass: ", " MiB"),
        ("files", "pass: ", " open files"),
        ("unseen", "pass: all checks can be looked at", ""),
    ] {
        daemon.until("well", |d| {
            let last = last(d, part);
            last.starts_with(begins) && last.ends_with(ends)
        });
    }
    // Whoever asks without the daemon is told where to ask.
    let asked = daemon.command(&["check", "belfry.memory"]);
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(
        said.contains("only the daemon that runs knows this of itself"),
        "{said}"
    );
}

#[test]
fn files_that_run_out_are_warned_of_and_fail_also_when_none_can_be_opened_any_more() {
    let daemon = Daemon::started(&hasty());
    daemon.until("well", |d| last(d, "files").starts_with("pass: "));
    allow(&daemon, open(&daemon) * 100 / 87);
    daemon.until("warned of", |d| {
        let last = last(d, "files");
        last.starts_with("warn: ")
            && last.ends_with(" open files (warn at 80 %); raise LimitNOFILE= of our unit")
    });
    // Fewer than there are: nobody can ask the daemon now, but its log is open.
    allow(&daemon, open(&daemon) - 3);
    let fails = "every file that this process may have open is; raise LimitNOFILE= of our unit";
    crate::daemon::until("told", || daemon.log().contains(fails), || daemon.log());
    allow(&daemon, 1_000);
    daemon.until("well again", |d| d.state("belfry.files") == "up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_who_is_refused_is_warned_of() {
    let sink = Sink::honest().await;
    sink.follow(|scene| {
        if scene.verb == Verb::Rcpt {
            Act::say("550 5.1.1 no such user")
        } else {
            Act::Ordinary
        }
    });
    let (relay, gone) = (sink.address, free());
    blocking(move || {
        let check = format!(
            "[check.gone]\ntcp = {{ address = \"{gone}\" }}\nevery = \"200ms\"\nfail_after = 1\n"
        );
        let daemon = Daemon::started(&format!("{}{check}{}", email(relay), hasty()));
        let told = "warn: a recipient cannot be told, the mail was refused; look at the page Mail";
        daemon.until("warned of", |d| last(d, "outbox") == told);
    })
    .await;
}
