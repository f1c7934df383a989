//! This machine, with a process that the kernel kills in a control group of its own.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{PATIENT, env, probe, said};

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
