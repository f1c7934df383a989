//! The real binary from outside: what an operator does to it, and what the world does to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;
use std::time::Duration;

#[path = "common/daemon.rs"]
mod daemon;
#[path = "daemon/flood.rs"]
mod flood;
#[path = "daemon/https.rs"]
mod https;
#[path = "daemon/isolation.rs"]
mod isolation;
#[path = "daemon/mail.rs"]
mod mail;
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

use daemon::{Daemon, free, request, root};
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

#[test]
fn a_wrong_configuration_changes_nothing_and_is_shown_until_it_is_right() {
    let target = Target::start();
    let daemon = Daemon::started(&shop(&target));
    daemon.until("up", |d| d.state("shop") == "up");
    let hits = target.hits.load(std::sync::atomic::Ordering::SeqCst);
    daemon.configure(&format!("{}\nevry = \"1s\"\n", shop(&target)));
    daemon.until("refused", |d| d.state("belfry.config") == "down");
    daemon.until("shown above the page", |d| {
        d.get("/")
            .is_some_and(|(_, page)| page.contains("did you mean"))
    });
    daemon.until("still looking", |_| {
        target.hits.load(std::sync::atomic::Ordering::SeqCst) > hits + 2
    });
    assert_eq!(daemon.state("shop"), "up");
    daemon.configure(&format!("{}\n{}", shop(&target), job("1h", "1h")));
    daemon.until("in force", |d| {
        d.state("belfry.config") == "up" && d.state("job") == "new"
    });
    assert_eq!(daemon.state("shop"), "up", "a reload begins nothing anew");
}

#[test]
fn a_saved_hello_page_is_there_without_a_restart_and_a_broken_one_is_not() {
    let daemon = Daemon::new("");
    let folder = daemon.dir.path().join("hello");
    std::fs::create_dir(&folder).expect("made");
    for file in ["hello.html", "shrunken.html", "shrunken.css", "logo.svg"] {
        std::fs::copy(root().join("config/hello").join(file), folder.join(file)).expect("copied");
    }
    let mut daemon = daemon;
    daemon.start();
    let page = |daemon: &Daemon| {
        request(daemon.hello, "GET", "/", "")
            .map(|(_, page)| page)
            .unwrap_or_default()
    };
    assert!(page(&daemon).contains("<h1 style='color:orange'>Hello World!</h1>"));
    std::fs::write(folder.join("hello.html"), "<h1>Hello again!</h1>").expect("written");
    daemon.until("the new page", |d| page(d).contains("Hello again!"));
    std::fs::write(folder.join("hello.html"), [0xff, 0xfe, 0x00]).expect("written");
    daemon.until("a note", |d| d.log().contains("hello.html"));
    assert!(
        page(&daemon).contains("Hello again!"),
        "the last good page stays"
    );
}

#[test]
fn a_secret_in_a_file_is_followed_like_the_configuration_that_names_it() {
    let daemon = Daemon::new("");
    let secret = daemon.dir.path().join("password");
    std::fs::write(&secret, "one").expect("written");
    daemon.configure(
        "[email]\nrelays = [\"smtps://belfry@127.0.0.1:9\"]\npassword = { file = \"password\" }\nfrom = \"Belfry <belfry@example.org>\"\nto = [\"ops@example.org\"]\n",
    );
    let mut daemon = daemon;
    daemon.start();
    daemon.until("in force", |d| d.state("belfry.config") == "up");
    let taken = |d: &Daemon| d.log().matches("taken into force").count();
    std::fs::write(&secret, "two").expect("written");
    daemon.until("taken", |d| taken(d) == 1);
    std::fs::remove_file(&secret).expect("removed");
    daemon.until("refused", |d| d.state("belfry.config") == "down");
    std::fs::write(&secret, "three").expect("written");
    daemon.until("in force again", |d| d.state("belfry.config") == "up");
}

#[test]
fn what_is_said_above_the_pages_stays_as_long_as_it_is_true_and_no_longer() {
    let daemon = Daemon::new("");
    let folder = daemon.dir.path().join("hello");
    std::fs::create_dir(&folder).expect("made");
    for file in ["hello.html", "shrunken.html", "shrunken.css", "logo.svg"] {
        std::fs::copy(root().join("config/hello").join(file), folder.join(file)).expect("copied");
    }
    let hello = folder.join("hello.html");
    std::fs::write(&hello, [0xff, 0xfe, 0x00]).expect("written");
    let mut daemon = daemon;
    daemon.start();
    let page = |daemon: &Daemon| daemon.get("/").map(|(_, page)| page).unwrap_or_default();
    let broken = |daemon: &Daemon| page(daemon).contains("hello.html");
    daemon.until("said at the start", broken);
    daemon.configure(&job("1h", "1h"));
    daemon.until("reloaded", |d| d.state("job") == "new");
    assert!(broken(&daemon), "an unrelated change mends nothing");
    let moved = std::fs::read_to_string(daemon.config()).expect("read");
    let moved = moved.replace("/data\"", "/elsewhere\"");
    daemon.write_config(&moved);
    daemon.until("a restart is wanted", |d| {
        page(d).contains("restart Belfry")
    });
    daemon.write_config(&format!(
        "{moved}\n{}",
        job("1h", "1h")
            .replace("job", "other")
            .replace("beef", "cafe")
    ));
    daemon.until("reloaded again", |d| d.state("other") == "new");
    assert!(
        page(&daemon).contains("restart Belfry"),
        "it is still wanted"
    );
    std::fs::write(&hello, "<h1>Hello again!</h1>").expect("written");
    daemon.until("mended", |d| !broken(d));
    assert!(page(&daemon).contains("restart Belfry"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_at_the_start_keeps_no_alert_from_leaving_and_is_left_behind() {
    let sink = Sink::honest().await;
    let relay = sink.address;
    let disk = SmallDisk::mount(4);
    let target = Target::start();
    let daemon = blocking(move || {
        let mut daemon = Daemon::new("");
        let text = format!(
            "[daemon]\nname = \"web-1\"\ndata_dir = \"{}/data\"\n[listen]\nstatus = \"{}\"\nhello = \"{}\"\nshrunken = \"{}\"\n{}{}{}",
            disk.path.path().display(),
            daemon.status,
            daemon.hello,
            daemon.shrunken,
            email(relay),
            shop(&target),
            job("1h", "1h")
        );
        daemon.write_config(&text);
        disk.fill();
        daemon.spawn();
        daemon.until("up", |d| d.state("shop") == "up");
        assert_eq!(ping(&daemon).map(|(status, _)| status), Some(503));
        target.set(false);
        (daemon, disk, target)
    });
    let (daemon, disk, target) = daemon.await;
    sink.wait(1).await;
    blocking(move || {
        disk.free();
        daemon.until("durable again", |d| {
            ping(d).is_some_and(|(status, _)| status == 200)
        });
        target.set(true);
        daemon.until("up again", |d| d.state("shop") == "up");
        let mut daemon = daemon;
        daemon.kill();
        daemon.start();
        let check = daemon.json("/api/v1/checks/job");
        assert!(check["pings"].as_u64() >= Some(1), "{check}");
        assert_eq!(daemon.state("shop"), "up");
        drop(daemon);
        drop((disk, target));
    })
    .await;
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_pings_lets_alerts_leave_and_ends_without_a_restart() {
    let sink = Sink::honest().await;
    let relay = sink.address;
    let disk = SmallDisk::mount(4);
    let target = Target::start();
    let daemon = blocking(move || {
        let mut daemon = Daemon::new("");
        let text = format!(
            "[daemon]\nname = \"web-1\"\ndata_dir = \"{}/data\"\n[listen]\nstatus = \"{}\"\nhello = \"{}\"\nshrunken = \"{}\"\n{}{}{}",
            disk.path.path().display(),
            daemon.status,
            daemon.hello,
            daemon.shrunken,
            email(relay),
            shop(&target),
            job("1h", "1h")
        );
        daemon.write_config(&text);
        daemon.start();
        daemon.until("up", |d| d.state("shop") == "up");
        assert_eq!(ping(&daemon).map(|(status, _)| status), Some(200));
        disk.fill();
        daemon.until("refusing pings", |d| {
            ping(d).is_some_and(|(status, _)| status == 503)
        });
        target.set(false);
        (daemon, disk, target)
    });
    let (daemon, disk, target) = daemon.await;
    sink.wait(1).await;
    assert!(
        sink.mails()
            .iter()
            .any(|mail| mail.header("X-Belfry-Check") == "shop"
                || mail.header("X-Belfry-Check") == "belfry.journal")
    );
    blocking(move || {
        disk.free();
        daemon.until("taking pings again", |d| {
            ping(d).is_some_and(|(status, _)| status == 200)
        });
        drop((daemon, target));
        drop(disk);
    })
    .await;
}

#[test]
fn a_damaged_journal_is_put_aside_loudly_and_monitoring_starts() {
    let mut daemon = Daemon::started(&job("1h", "1h"));
    assert!(daemon.terminate().success());
    let journal = daemon.data().join("journal.sqlite3");
    std::fs::write(&journal, vec![0x5a; 64 << 10]).expect("damaged");
    daemon.start();
    assert_eq!(ping(&daemon).map(|(status, _)| status), Some(200));
    let kept = std::fs::read_dir(daemon.data())
        .expect("a folder")
        .flatten();
    assert!(
        kept.into_iter()
            .any(|file| file.file_name().to_string_lossy().contains("quarantine"))
    );
    let page = daemon.get("/").map(|(_, page)| page).unwrap_or_default();
    assert!(page.contains("quarantine"), "the page says nothing of it");
}

#[test]
fn the_command_line_has_the_exit_codes_it_promises() {
    let daemon = Daemon::new("");
    let code = |arguments: &[&str]| daemon.command(arguments).status.code();
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["frobnicate"]), Some(64));
    assert_eq!(code(&["validate"]), Some(0));
    assert_eq!(code(&["status"]), Some(1), "nothing runs");
    assert!(String::from_utf8_lossy(&daemon.command(&["status"]).stderr).contains("belfry run"));
    daemon.write_config("");
    assert_eq!(code(&["validate"]), Some(78));
    let target = Target::start();
    for (check, expected) in [
        (
            format!("http = {{ url = \"http://{}/\" }}", target.address),
            0,
        ),
        (
            format!(
                "http = {{ url = \"http://{}/\", status = [201] }}",
                target.address
            ),
            2,
        ),
        (format!("tcp = {{ address = \"{}\" }}", free()), 2),
    ] {
        daemon.write_config(&format!("[check.it]\n{check}\n"));
        assert_eq!(code(&["check"]), Some(expected), "{check}");
    }
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

#[test]
fn status_and_ping_work_from_the_command_line() {
    let daemon = Daemon::started(&job("1h", "1h"));
    let said = |arguments: &[&str]| {
        String::from_utf8_lossy(&daemon.command(arguments).stdout).into_owned()
    };
    assert!(said(&["status"]).contains(JOB), "{}", said(&["status"]));
    assert_eq!(said(&["ping", "job"]), "OK\n");
    assert_eq!(said(&["ping", "job", "--exit", "3"]), "OK\n");
    assert_eq!(daemon.state("job"), "down");
    for (name, told) in [
        (
            "jop",
            "there is no heartbeat \"jop\"; did you mean \"job\"? `belfry status` lists them",
        ),
        (
            "belfry.hello",
            "belfry.hello is not a heartbeat; `belfry status` lists them",
        ),
    ] {
        let refused = daemon.command(&["ping", name]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(said, format!("belfry: {told}\n"));
    }
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

#[test]
fn an_incident_is_acknowledged_as_its_mail_says() {
    let daemon = Daemon::started(&format!(
        "[email]\nto = [\"ops@example.org\"]\n[check.it]\ntcp = {{ address = \"{}\" }}\nevery = \"200ms\"\n",
        free()
    ));
    let mails = daemon.data().join("mail");
    let mail = || {
        let file = std::fs::read_dir(&mails).ok()?.flatten().next()?.path();
        let is_whole = file.extension().is_some_and(|kind| kind == "eml");
        std::fs::read_to_string(file).ok().filter(|_| is_whole)
    };
    daemon.until("mailed", |_| mail().is_some());
    let mail = mail().expect("it is there");
    let unfolded = mail.replace("=\r\n", "");
    let (_, rest) = unfolded.split_once("`belfry ack ").expect("it says how");
    let id = rest.split('`').next().expect("an id");
    let page = format!("http://{}/incidents/{id}", daemon.status);
    assert!(unfolded.contains(&page), "{mail}");
    let output = daemon.command(&["ack", id, "--by", "erika", "--note", "on it"]);
    assert!(output.status.success(), "{output:?}");
    let incident = daemon.json(&format!("/api/v1/incidents/{id}"));
    assert!(incident.to_string().contains("erika"), "{incident}");
    let unknown = daemon.command(&["ack", "0000"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        said.contains("`belfry status` lists those that are open"),
        "{said}"
    );
}

#[test]
fn while_the_file_is_wrong_or_ahead_the_command_line_shows_the_daemon_that_runs() {
    let daemon = Daemon::started(&job("1h", "1h"));
    let status = || {
        let output = daemon.command(&["status"]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(status().1, "");
    daemon.configure(&format!("{}grase = \"1h\"\n", job("1h", "1h")));
    let (shown, note) = status();
    assert!(shown.contains(JOB), "{shown}");
    assert!(note.contains("did you mean \"grace\"?"), "{note}");
    let ping = daemon.command(&["ping", "job"]);
    assert!(ping.status.success(), "{:?}", ping.stderr);
    // A daemon that has not heard of the file that we read.
    let other = Daemon::new("");
    let text = format!(
        "[listen]\nstatus = \"{}\"\n[heartbeat.other]\nevery = \"1h\"\ngrace = \"1h\"\n",
        daemon.status
    );
    other.write_config(&text);
    let output = other.command(&["status"]);
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(said(&output.stdout).contains(JOB), "{output:?}");
    let note = "other is in the configuration, but not in the daemon that runs";
    assert!(said(&output.stderr).contains(note), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_mail_goes_all_the_way_to_the_relays_answer_and_so_does_the_next() {
    let sink = Sink::honest().await;
    let relay = sink.address;
    blocking(move || {
        let daemon = Daemon::started(&email(relay));
        for _ in 0..2 {
            let output = daemon.command(&["mail", "test"]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success(),
                "{said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            // The mails of earlier tests are no news.
            let lines: Vec<&str> = said.lines().collect();
            assert!(
                matches!(*lines, [line] if line.starts_with("ops@example.org: accepted")),
                "{said}"
            );
        }
    })
    .await;
    assert_eq!(sink.mails().len(), 2);
}

#[test]
fn secrets_of_the_configuration_are_nowhere_to_be_seen() {
    let canary = "c4n4ry-pa55word";
    let daemon = Daemon::started(&format!(
        "[check.db]\npostgres = {{ url = \"postgres://belfry:{canary}@{}/x\" }}\nevery = \"200ms\"\n[check.web]\nhttp = {{ url = \"http://{}/\", headers = {{ Authorization = \"Bearer {canary}\" }} }}\nevery = \"200ms\"\n",
        free(),
        free()
    ));
    daemon.until("both down", |d| {
        d.state("db") == "down" && d.state("web") == "down"
    });
    for path in [
        "/",
        "/checks/db",
        "/checks/web",
        "/incidents",
        "/about",
        "/mail",
        "/metrics",
        "/api/v1/status",
        "/api/v1/checks/db",
        "/api/v1/checks/web",
    ] {
        let (status, page) = daemon.get(path).expect("an answer");
        assert_eq!(status, 200, "{path}");
        assert!(!page.contains(canary), "{path} shows it");
    }
    assert!(!daemon.log().contains(canary), "the log shows it");
    let mails = std::fs::read_dir(daemon.data().join("mail"))
        .expect("a folder")
        .flatten();
    for mail in mails {
        assert!(
            !String::from_utf8_lossy(&std::fs::read(mail.path()).expect("read")).contains(canary)
        );
    }
}

/// A disk of a few megabytes, to be filled.
struct SmallDisk {
    path: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Self {
        let path = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(path.path())
            .status()
            .expect("mount runs");
        assert!(
            mounted.success(),
            "this test needs to mount a small tmpfs: run it as root"
        );
        Self { path }
    }

    fn fill(&self) {
        let filled = Command::new("dd")
            .args(["if=/dev/zero", "bs=4k", "status=none"])
            .arg(format!("of={}", self.path.path().join("ballast").display()))
            .stderr(std::process::Stdio::null())
            .status();
        assert!(
            !filled.expect("dd runs").success(),
            "the disk is full when dd fails"
        );
    }

    fn free(&self) {
        std::fs::remove_file(self.path.path().join("ballast")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(
            Command::new("umount")
                .arg("-l")
                .arg(self.path.path())
                .status(),
        );
    }
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
