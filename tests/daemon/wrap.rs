//! Jobs under `belfry wrap`: what passes through, what is reported, and what waits while nobody listens.

use std::cell::RefCell;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, until};

const JOB: &str = "[heartbeat.job]\nevery = \"1d\"\n";

/// A job of a shell under wrap, with a spool of the test's own.
fn wrapped(daemon: &Daemon, spool: &Path, script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
    command
        .arg("--config")
        .arg(daemon.config())
        .args(["wrap", "job", "--", "/bin/sh", "-c", script])
        .env("BELFRY_SPOOL", spool);
    command
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn job(daemon: &Daemon) -> Value {
    daemon.json("/api/v1/checks/job")
}

fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), said(&output.stderr))
}

#[test]
fn a_job_passes_through_and_its_start_end_code_and_last_words_are_reported() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    let mut command = wrapped(
        &daemon,
        spool.path(),
        "read x; echo got $x; echo oops >&2; exit 3",
    );
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"seven\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(said(&output.stdout), "got seven\n");
    assert_eq!(ended(&output), (Some(3), "oops\n".to_owned()));
    let job = job(&daemon);
    assert_eq!(
        (&job["pings"], &job["state"]),
        (&2.into(), &"down".into()),
        "{job}"
    );
    assert!(job["last_took_ms"].is_number(), "{job}");
    let message = job["last"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("job failed with exit code 3"),
        "{message}"
    );
    assert!(
        message.contains("got seven") || message.contains("oops"),
        "{message}"
    );

    let good = wrapped(&daemon, spool.path(), "true").output().unwrap();
    assert_eq!(ended(&good), (Some(0), String::new()));
    daemon.until("good again", |d| d.state("job") == "up");
}

#[test]
fn a_job_whose_output_nobody_reads_any_more_ends_as_it_does_without_us() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    let mut command = wrapped(&daemon, spool.path(), "exec yes");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 2];
    let mut out = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut first).unwrap();
    drop(out);
    // 128 and SIGPIPE.
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!((&first, daemon.state("job").as_str()), (b"y\n", "down"));
}

#[test]
fn a_job_whose_output_cannot_be_written_has_failed_as_it_has_without_us() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    // A little, that is in the pipe when the job has ended; and more than that holds.
    for script in ["echo done", "exec yes"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = wrapped(&daemon, spool.path(), script);
        let output = command.stdout(full.unwrap()).output().unwrap();
        let (code, stderr) = ended(&output);
        assert!(matches!(code, Some(1 | 141)), "{script}: {code:?} {stderr}");
        assert!(stderr.contains("No space left"), "{stderr}");
        let job = job(&daemon);
        assert_eq!(job["state"], "down", "{job}");
        let message = job["last"]["message"].as_str().unwrap();
        assert!(message.contains("No space left"), "{message}");
    }
}

#[test]
fn what_stands_behind_the_host_of_an_address_is_enough_for_ping_and_wrap() {
    let uuid = "0b1e7b1e-0000-4000-8000-00000000c0de";
    let daemon = Daemon::started(&format!("{JOB}uuid = \"{uuid}\"\n"));
    for (pings, to) in [(3, uuid.to_owned()), (6, format!("/ping/{uuid}"))] {
        let wrapped = daemon.command(&["wrap", &to, "--", "/bin/sh", "-c", "exit 7"]);
        assert_eq!(ended(&wrapped), (Some(7), String::new()));
        assert_eq!(daemon.state("job"), "down");
        let pinged = daemon.command(&["ping", &to]);
        assert_eq!(ended(&pinged), (Some(0), String::new()));
        assert_eq!(
            (&job(&daemon)["pings"], daemon.state("job").as_str()),
            (&pings.into(), "up")
        );
    }
    let nobody = daemon.command(&["ping", "/ping/00000000-0000-4000-8000-00000000c0de"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(ended(&nobody).1.contains("404"), "{}", ended(&nobody).1);
}

#[test]
fn a_job_runs_though_nobody_listens_and_is_reported_with_its_time_when_somebody_does() {
    let mut daemon = Daemon::started(JOB);
    daemon.terminate();
    let spool = tempfile::tempdir().unwrap();
    let before = job_time();
    let output = wrapped(&daemon, spool.path(), "echo done")
        .output()
        .unwrap();
    let after = job_time();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(said(&output.stdout), "done\n");
    let stderr = said(&output.stderr);
    assert!(stderr.contains("the ping waits in"), "{stderr}");
    daemon.start();
    daemon.until("delivered", |d| d.state("job") == "up");
    let job = job(&daemon);
    let last = job["last_ping"].as_str().unwrap();
    let last: jiff::Timestamp = last.parse().unwrap();
    assert!(
        (before..=after).contains(&last),
        "{last} is not between {before} and {after}"
    );
    let waiting = || {
        let files = std::fs::read_dir(spool.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.rsplit('.').next() == Some("json"))
            .collect::<Vec<_>>()
    };
    until(
        "nothing waits",
        || waiting().is_empty(),
        || waiting().join(", "),
    );
}

fn job_time() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[test]
fn a_signal_reaches_the_job_and_its_end_is_the_shells() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    let script = "trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut command = wrapped(&daemon, spool.path(), script);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    std::io::Read::read_exact(stdout, &mut line).unwrap();
    assert_eq!(&line, b"ready\n");
    let status = Command::new("kill").arg(child.id().to_string()).status();
    assert!(status.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(said(&output.stdout), "told\n");
    daemon.until("reported", |d| d.state("job") == "down");

    let killed = wrapped(&daemon, spool.path(), "kill -9 $$")
        .output()
        .unwrap();
    assert_eq!(killed.status.code(), Some(137));
}

#[test]
fn what_cannot_be_run_is_reported_as_a_shell_would() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
    command
        .arg("--config")
        .arg(daemon.config())
        .args(["wrap", "job", "/no/such/program", "--flag"])
        .env("BELFRY_SPOOL", spool.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(said(&output.stderr).contains("/no/such/program"));
    daemon.until("reported", |d| d.state("job") == "down");
    let message = job(&daemon)["last"]["message"].to_string();
    assert!(message.contains("exit code 127"), "{message}");
}

#[test]
fn an_address_that_cannot_be_reported_to_does_not_keep_the_job_from_running() {
    let output = Command::new(env!("CARGO_BIN_EXE_belfry"))
        .args(["wrap", "https://me:secret@status.example.org/ping/x", "--"])
        .args(["/bin/sh", "-c", "echo run; exit 6"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(said(&output.stdout), "run\n");
    assert!(said(&output.stderr).contains("nothing is reported"));
}

#[test]
fn what_a_job_leaves_behind_can_go_on_writing() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    let script = "(sleep 1.5; echo late) & echo hi";
    let output = wrapped(&daemon, spool.path(), script).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(said(&output.stdout), "hi\nlate\n");
    daemon.until("reported", |d| d.state("job") == "up");
}

#[test]
fn a_job_that_leaves_somebody_behind_ends_when_it_ends() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    // Whoever is left behind waits for a line that comes only when the job has ended.
    let script = "exec 3<&0; (read x <&3; echo late) & echo hi; exit 3";
    let mut child = wrapped(&daemon, spool.path(), script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // wait() would close its input, had it not been taken.
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let took = job(&daemon)["last_took_ms"].as_f64().unwrap();
    assert!(
        took < 1_000.0,
        "the job took {took} ms, and not what it left behind"
    );
    std::io::Write::write_all(&mut stdin, b"go\n").unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
    assert_eq!(text, "hi\nlate\n");
}

#[test]
fn who_wants_a_report_to_end_when_the_job_is_over_finds_it_in_the_spool() {
    let mut daemon = Daemon::started(JOB);
    daemon.kill();
    let spool = tempfile::tempdir().unwrap();
    let mut child = wrapped(&daemon, spool.path(), "echo over >&2")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    assert_eq!(line, "over\n");
    let (pid, child) = (child.id().to_string(), RefCell::new(child));
    // Until the job has ended the signal is for the job, which may just have.
    until(
        "ended",
        || {
            Command::new("kill").args(["-TERM", &pid]).status().ok();
            child.borrow_mut().try_wait().unwrap().is_some()
        },
        String::new,
    );
    let waiting = std::fs::read_dir(spool.path()).unwrap().flatten();
    let whole = waiting.filter(|file| file.path().extension().is_some_and(|kind| kind == "json"));
    assert_eq!(whole.count(), 2);
}

#[test]
fn an_unknown_heartbeat_is_said_and_the_job_has_run_all_the_same() {
    let daemon = Daemon::started("");
    let spool = tempfile::tempdir().unwrap();
    let output = wrapped(&daemon, spool.path(), "exit 4").output().unwrap();
    let (code, stderr) = ended(&output);
    assert_eq!(code, Some(4));
    assert!(stderr.contains("the ping was refused"), "{stderr}");
}

#[test]
fn a_long_job_does_not_wait_for_a_daemon_that_does_not_answer() {
    let daemon = Daemon::started(JOB);
    daemon.signal("STOP");
    let spool = tempfile::tempdir().unwrap();
    let began = tokio::time::Instant::now();
    let mut child = wrapped(&daemon, spool.path(), "echo begun; sleep 0.2; echo ended")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = [0; 12];
    let stdout = child.stdout.as_mut().unwrap();
    std::io::Read::read_exact(stdout, &mut text).unwrap();
    assert_eq!(&text, b"begun\nended\n");
    // The job is over while the ping still waits; that it took less than one attempt shows it did not queue behind it.
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    daemon.signal("CONT");
    assert!(child.wait().unwrap().success());
    daemon.until("reported", |d| d.state("job") == "up");
}

#[test]
fn what_a_wrong_name_or_address_gets_is_one_line() {
    let daemon = Daemon::started(JOB);
    let spool = tempfile::tempdir().unwrap();
    let page = format!("http://{}/nothing/here", daemon.status);
    let shown = "did you mean \"job\"? `belfry status` lists them";
    for (to, told) in [(page.as_str(), "the ping was refused: 40"), ("jop", shown)] {
        let output = Command::new(env!("CARGO_BIN_EXE_belfry"))
            .arg("--config")
            .arg(daemon.config())
            .args(["wrap", to, "--", "true"])
            .env("BELFRY_SPOOL", spool.path())
            .output()
            .unwrap();
        let (code, said) = ended(&output);
        assert_eq!(code, Some(0));
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(told) && !said.contains('<'), "{said}");
    }
}
