//! Real processes.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use belfry::core::outcome::Verdict;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{assert_fails, env, look, probe, said};

/// Ended when dropped.
struct Running(Child);

impl Running {
    /// `sh` under a name of its own, so that no other test's is meant.
    fn start(folder: &TempDir, name: &str, script: &str) -> Self {
        let path = folder.path().join(name);
        if !path.exists() {
            std::os::unix::fs::symlink("/bin/sh", &path).expect("the folder is ours");
        }
        let mut command = Command::new(path);
        command.args(["-c", script]).stdin(Stdio::null());
        Self(command.spawn().expect("sh starts"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn a_process_is_found_by_number_name_and_command_line() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(
        &folder,
        "belltower-a",
        "read -r x </dev/zero; : unmistakable-a",
    );
    let pidfile = folder.path().join("it.pid");
    fs::write(&pidfile, format!("{}\n", running.0.id())).unwrap();
    let by_file = format!("process = {{ pidfile = {pidfile:?} }}");
    for text in [
        by_file.as_str(),
        "process = { name = \"belltower-a\" }",
        "process = { match = \"belltower-a -c .*unmistakable-[a]\" }",
    ] {
        let outcome = look(text).await;
        assert!(
            said(&outcome).starts_with("pass: 1 process, memory "),
            "{text}: {}",
            said(&outcome)
        );
        let metrics = outcome.metrics.expect("some");
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_ref()).collect();
        assert_eq!(
            names,
            [
                "processes",
                "memory",
                "threads",
                "children",
                "open files",
                "age"
            ]
        );
    }
    drop(running);
    assert_fails(&look(&by_file).await, "does not run any more");
    assert_fails(
        &look("process = { name = \"belltower-a\" }").await,
        "no process of belltower-a, not 1 or more",
    );
}

#[tokio::test]
async fn a_pidfile_that_says_nothing_fails_and_one_that_cannot_be_read_is_unknown() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("it.pid");
    let text = format!("process = {{ pidfile = {path:?} }}");
    assert_fails(&look(&text).await, "there is no ");
    for content in [&b"soon\n"[..], b"", b"-1", b"\xff\xfe", b"99999999999999"] {
        fs::write(&path, content).unwrap();
        assert_fails(&look(&text).await, "holds no number");
    }
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let outcome = look(&text).await;
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert!(
        outcome.message().ends_with("it is no regular file"),
        "{}",
        said(&outcome)
    );
}

#[tokio::test]
async fn what_processes_take_is_warned_of_and_fails_by_its_levels() {
    let folder = TempDir::new().unwrap();
    let script = "sleep 600 & read -r x </dev/zero; : unmistakable";
    let running = Running::start(&folder, "belltower-l", script);
    let child = children(&running).await;
    let second = Running::start(&folder, "belltower-l", "read -r x </dev/zero; :");
    let which = "match = \"belltower-[l] -c\"";
    for (keys, verdict, part) in [
        ("memory_warn = \"1B\"", Verdict::Warn, "memory "),
        ("memory_fail = \"1B\"", Verdict::Fail, "memory "),
        ("threads_warn = 2", Verdict::Warn, "threads 2 (warn at 2)"),
        ("threads_fail = 2", Verdict::Fail, "threads 2 (fail at 2)"),
        ("children_warn = 1", Verdict::Warn, "children 1 (warn at 1)"),
        ("children_fail = 1", Verdict::Fail, "children 1 (fail at 1)"),
        ("files_warn = 1", Verdict::Warn, "open files "),
        ("files_fail = 1", Verdict::Fail, "open files "),
        (
            "most = 1",
            Verdict::Fail,
            "2 processes of /belltower-[l] -c/, not 1 to 1",
        ),
        (
            "least = 3",
            Verdict::Fail,
            "2 processes of /belltower-[l] -c/, not 3 or more",
        ),
        (
            "threads_warn = 2, with_children = true, memory_fail = \"1TiB\"",
            Verdict::Warn,
            "threads 2",
        ),
    ] {
        let outcome = look(&format!("process = {{ {which}, {keys} }}")).await;
        assert_eq!(outcome.verdict, verdict, "{keys}: {}", said(&outcome));
        assert!(
            outcome.message().contains(part),
            "{keys}: {}",
            said(&outcome)
        );
    }
    drop((running, second));
    end(&child);
}

/// The processes that it has started, when there are some.
async fn children(running: &Running) -> String {
    let path = format!("/proc/{0}/task/{0}/children", running.0.id());
    for _ in 0..500 {
        let children = fs::read_to_string(&path).unwrap_or_default();
        if !children.is_empty() {
            return children;
        }
        sleep(Duration::from_millis(10)).await;
    }
    unreachable!("it starts one");
}

fn end(processes: &str) {
    for pid in processes.split_whitespace() {
        let pid = nix::unistd::Pid::from_raw(pid.parse().expect("a number"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).ok();
    }
}

#[tokio::test]
async fn a_zombie_fails() {
    let folder = TempDir::new().unwrap();
    let zombie = Running::start(&folder, "belltower-z", "exit 0");
    let pidfile = folder.path().join("it.pid");
    fs::write(&pidfile, zombie.0.id().to_string()).unwrap();
    let text = format!("process = {{ pidfile = {pidfile:?}, least = 0 }}");
    for _ in 0..500 {
        let outcome = look(&text).await;
        if outcome.verdict == Verdict::Fail {
            return assert_fails(&outcome, "is a zombie: it has ended and its parent");
        }
        sleep(Duration::from_millis(10)).await;
    }
    unreachable!("it never became one");
}

#[tokio::test]
async fn one_that_spins_is_seen_and_so_are_its_children_and_its_restart() {
    let folder = TempDir::new().unwrap();
    let spin = "sleep 600 & while :; do :; done";
    let running = Running::start(&folder, "belltower-s", spin);
    let probe =
        probe("process = { match = \"belltower-[s] -c\", cpu_fail = 1, children_warn = 1 }");
    let env = env();
    let first = probe.run(&env, crate::PATIENT).await;
    assert_ne!(first.verdict, Verdict::Fail, "{}", said(&first));
    sleep(Duration::from_millis(500)).await;
    let second = probe.run(&env, crate::PATIENT).await;
    assert_fails(&second, "cpu ");
    assert!(second.message().contains("children 1"), "{}", said(&second));
    let child = children(&running).await;
    drop(running);
    let again = Running::start(&folder, "belltower-s", "read -r x </dev/zero; :");
    sleep(Duration::from_millis(100)).await;
    let third = probe.run(&env, crate::PATIENT).await;
    assert!(
        third.message().contains("started again within 1 h"),
        "{}",
        said(&third)
    );
    drop(again);
    end(&child);
}
