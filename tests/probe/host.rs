//! This machine, with a process that the kernel kills in a control group of its own.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use belfry::core::outcome::Verdict;
use tokio::time::sleep;

use crate::{PATIENT, env, probe, said};

/// The numbers of a host, the keys of their levels, and a level that nothing reaches; a busy processor reaches all.
const LEVELS: [(&str, &str, Option<u32>); 8] = [
    ("cpu", "cpu", None),
    ("load per core", "load", Some(1_000)),
    ("memory", "memory", Some(100)),
    ("swap", "swap", Some(100)),
    ("cpu pressure", "cpu_pressure", Some(100)),
    ("memory pressure", "memory_pressure", Some(100)),
    ("io pressure", "io_pressure", Some(100)),
    ("open files", "files", Some(100)),
];

/// Levels that this machine is above, and else such that nothing reaches.
fn levels(warn: bool, fail: bool) -> String {
    let mut keys = Vec::new();
    for (_, key, most) in LEVELS {
        for (level, is_low) in [("warn", warn), ("fail", fail)] {
            let number = if is_low { Some(0) } else { most };
            keys.extend(number.map(|number| format!("{key}_{level} = {number}")));
        }
    }
    format!("host = {{ {} }}", keys.join(", "))
}

#[tokio::test]
async fn every_number_of_this_machine_passes_is_warned_of_and_fails_by_its_levels() {
    for (text, verdict) in [
        (levels(false, false), Verdict::Pass),
        (levels(true, false), Verdict::Warn),
        (levels(true, true), Verdict::Fail),
    ] {
        let (env, probe) = (env(), probe(&text));
        let (_, first) = probe.explain(&env, PATIENT).await;
        assert!(
            first.iter().all(|finding| finding.what != "cpu"),
            "there is nothing to compare with yet: {first:?}"
        );
        // The kernel counts ticks.
        let mut findings = first;
        while findings.iter().all(|finding| finding.what != "cpu") {
            sleep(Duration::from_millis(20)).await;
            findings = probe.explain(&env, PATIENT).await.1;
        }
        let outcome = probe.run(&env, PATIENT).await;
        // Another test, or the machine itself, may have brought the kernel to kill.
        let is_killed = said(&outcome).contains("killed for want of memory");
        let of_all = match verdict {
            Verdict::Pass if is_killed => Verdict::Warn,
            Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Unknown => verdict,
        };
        assert_eq!(outcome.verdict, of_all, "{}", said(&outcome));
        // What this kernel has not (swap, pressure) has no number.
        let judged = |what: &str| findings.iter().find(|finding| finding.what == what);
        for what in ["cpu", "load per core", "memory", "open files"] {
            assert!(judged(what).is_some(), "{what} is not told: {findings:?}");
        }
        for (what, ..) in LEVELS {
            let is_so = judged(what).is_none_or(|finding| finding.verdict == verdict);
            assert!(is_so, "{what}: {findings:?}");
        }
    }
}

/// Where groups of memory are, and the file with their limit: version 1, version 2.
const PLACES: [(&str, &str); 2] = [
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    ("/sys/fs/cgroup", "memory.max"),
];

/// A control group with room for a few megabytes.
struct Group(PathBuf);

impl Group {
    /// None where this machine does not let us make one.
    fn new() -> Option<Self> {
        PLACES.iter().find_map(|(place, limit)| {
            let path = Path::new(place).join(format!("belfry-test-{}", std::process::id()));
            fs::create_dir(&path).ok()?;
            let group = Self(path);
            fs::write(group.0.join(limit), "8388608").ok()?;
            // With swap it would only become slow.
            fs::write(group.0.join("memory.swap.max"), "0").ok();
            Some(group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).ok();
    }
}

#[tokio::test]
async fn a_process_that_was_killed_for_want_of_memory_is_warned_of() {
    let Some(group) = Group::new() else { return };
    let keys = "load_warn = 1000, load_fail = 1000, memory_warn = 100, memory_fail = 100, swap_warn = 100, \
                swap_fail = 100, memory_pressure_warn = 100, memory_pressure_fail = 100, io_pressure_warn = 100, \
                io_pressure_fail = 100";
    let (env, probe) = (env(), probe(&format!("host = {{ {keys} }}")));
    let before = said(&probe.run(&env, PATIENT).await);
    assert!(!before.contains("killed"), "{before}");
    // `tail` keeps the last line, and there is no end of this one.
    let script = "echo $$ > \"$0/cgroup.procs\" && exec tail /dev/zero";
    let killed = Command::new("sh")
        .args(["-c", script])
        .arg(&group.0)
        .output();
    let killed = killed.expect("it can be run");
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    let after = said(&probe.run(&env, PATIENT).await);
    assert!(
        after.starts_with("warn: ")
            && after.contains("killed for want of memory within 1 h (see dmesg)"),
        "{after}"
    );
}
