//! Real file systems on a loop device, full, out of inodes, and remounted.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use belfry::core::outcome::Outcome;
use belfry::probe::{Env, Probe};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{PATIENT, env, probe, said};

/// The files that it has room for, with those that are always there.
const INODES: u32 = 64;

/// A file system on a loop device.
struct Disk {
    folder: TempDir,
    env: Env,
}

fn run(command: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(command).args(arguments).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(told)
}

impl Disk {
    /// An ext4 of 16 MiB; none where this machine does not let us mount (no root, no loop device).
    fn mount() -> Option<Self> {
        let inodes = INODES.to_string();
        Self::made("mkfs.ext4", &["-q", "-m", "0", "-N", &inodes], 16)
    }

    /// Of so many MiB.
    fn made(maker: &str, arguments: &[&str], size: u64) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let image = folder.path().join("image");
        let file = fs::File::create(&image).expect("there is room");
        file.set_len(size << 20).expect("there is room");
        fs::create_dir(folder.path().join("disk")).expect("there is room");
        let disk = Self { folder, env: env() };
        let image = image.to_str().expect("a plain path");
        run(maker, &[arguments, &[image]].concat()).expect("scripts/test installs it");
        match run("mount", &["-o", "loop", image, disk.path().to_str()?]) {
            Ok(()) => Some(disk),
            Err(why) => {
                let reasons = ["loop", "unknown filesystem type"];
                let may_not = reasons.iter().any(|reason| why.contains(reason));
                let is_root = nix::unistd::geteuid().is_root();
                assert!(may_not || !is_root, "root can mount: {why}");
                None
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn probe(&self, keys: &str) -> Probe {
        let path = self.path();
        probe(&format!("disk = {{ path = \"{}\"{keys} }}", path.display()))
    }

    async fn look(&self, probe: &Probe) -> Outcome {
        probe.run(&self.env, PATIENT).await
    }

    async fn said(&self, keys: &str) -> String {
        said(&self.look(&self.probe(keys)).await)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(why) = run("umount", &[self.path().to_str().unwrap_or_default()]) {
            // What was never mounted cannot be.
            assert!(
                why.contains("not mounted") || std::thread::panicking(),
                "{why}"
            );
        }
    }
}

#[tokio::test]
async fn a_disk_that_fills_is_warned_of_and_then_fails_until_there_is_room() {
    let Some(disk) = Disk::mount() else { return };
    let good = disk.said(", mounted = true").await;
    assert!(
        good.starts_with("pass: 1") && good.contains(" MiB free of 1"),
        "{good}"
    );
    let fill = |megabytes: usize| fs::write(disk.path().join("big"), vec![7; megabytes << 20]);
    fill(13).expect("there is room");
    let told = disk.said("").await;
    assert!(
        told.starts_with("warn: space used 8") || told.starts_with("warn: space used 9"),
        "{told}"
    );
    assert!(fill(20).is_err(), "it is full");
    let told = disk.said("").await;
    assert!(
        told.starts_with("fail: space used 9") || told.starts_with("fail: space used 10"),
        "{told}"
    );
    fs::remove_file(disk.path().join("big")).expect("it is there");
    assert!(disk.said("").await.starts_with("pass: "));
}

#[tokio::test]
async fn a_disk_without_room_for_another_file_fails_though_it_has_space() {
    let Some(disk) = Disk::mount() else { return };
    let full = (0..INODES).find(|n| fs::write(disk.path().join(n.to_string()), "").is_err());
    assert!(full.is_some(), "there was room for {INODES} files");
    assert_eq!(
        disk.said("").await,
        "fail: inodes used 100 % (fail at 95 %)"
    );
    fs::remove_file(disk.path().join("0")).expect("it is there");
    let told = disk.said(", inodes_fail = 99").await;
    assert_eq!(told, "warn: inodes used 98.4 % (warn at 85 %)");
}

#[tokio::test]
async fn a_disk_that_was_remounted_or_taken_away_fails() {
    let Some(disk) = Disk::mount() else { return };
    let path = disk.path();
    let path = path.to_str().expect("a plain path");
    run("mount", &["-o", "remount,ro", path]).expect("it is mounted");
    assert_eq!(disk.said("").await, "fail: it is read-only");
    assert!(disk.said(", read_only = true").await.starts_with("pass: "));
    run("mount", &["-o", "remount,rw", path]).expect("it is mounted");
    assert_eq!(
        disk.said(", read_only = true").await,
        "fail: it is writable"
    );
    assert!(disk.said(", mounted = true").await.starts_with("pass: "));
    run("umount", &[path]).expect("it is mounted");
    let told = disk
        .said(", mounted = true, space_warn = 100, space_fail = 100")
        .await;
    assert_eq!(told, "fail: it is not mounted");
}

/// Writes, and looks whether the device has told of it.
async fn tells_its_latency(disk: &Disk) {
    let keys = ", write_latency_fail = \"10m\", read_latency_fail = \"10m\", busy_fail = 100";
    let probe = disk.probe(keys);
    let first = disk.look(&probe).await;
    assert!(said(&first).starts_with("pass: "), "{}", said(&first));
    let file = fs::File::create(disk.path().join("file")).expect("there is room");
    (&file).write_all(&vec![7; 1 << 20]).expect("there is room");
    file.sync_all().expect("it is written");
    let second = disk.look(&probe).await;
    let metrics = second.metrics.as_deref().expect("it has numbers");
    let latency = metrics
        .iter()
        .find(|metric| &*metric.name == "write latency");
    let latency = latency.expect("it has written").value;
    assert!((0.0..600.0).contains(&latency), "{latency} s");
}

#[tokio::test]
async fn the_device_of_a_real_disk_tells_its_latency() {
    let Some(disk) = Disk::mount() else { return };
    tells_its_latency(&disk).await;
}

#[tokio::test]
async fn how_busy_a_real_disk_is_has_levels() {
    let Some(disk) = Disk::mount() else { return };
    for (keys, level) in [
        ("busy_warn = 0, busy_fail = 100", "warn at 0 %"),
        ("busy_fail = 0", "fail at 0 %"),
    ] {
        let probe = disk.probe(&format!(", space_fail = 100, {keys}"));
        let first = said(&disk.look(&probe).await);
        assert!(first.starts_with("pass: "), "{first}");
        // A share of no time is none.
        let mut told = first;
        while told.starts_with("pass: ") {
            sleep(Duration::from_millis(120)).await;
            told = said(&disk.look(&probe).await);
        }
        assert!(
            told.contains(": device busy ") && told.contains(level),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_fails_and_says_why() {
    let folder = TempDir::new().expect("a folder");
    let ring = folder.path().join("ring");
    std::os::unix::fs::symlink(&ring, &ring).expect("there is room");
    let look = async |path: &std::path::Path| {
        let text = format!("disk = {{ path = \"{}\" }}", path.display());
        said(&probe(&text).run(&env(), PATIENT).await)
    };
    let told = look(&ring).await;
    assert!(
        told.starts_with("fail: ") && told.contains("/ring: ") && told.contains("symbolic links"),
        "{told}"
    );
    let none = look(&folder.path().join("none")).await;
    assert!(
        none.starts_with("fail: ") && none.ends_with("/none does not exist"),
        "{none}"
    );
}

#[tokio::test]
async fn the_device_of_a_file_system_with_subvolumes_tells_its_latency() {
    let Some(disk) = Disk::made("mkfs.btrfs", &["-q"], 120) else {
        return;
    };
    tells_its_latency(&disk).await;
}

#[tokio::test]
async fn what_is_in_memory_has_no_latency_to_tell() {
    let text = "disk = { path = \"/proc\", space_fail = 100, busy_warn = 90 }";
    let told = said(&probe(text).run(&env(), PATIENT).await);
    assert!(
        told.starts_with(
            "unknown: nothing is known of latency: the file system is on no device of its own"
        ),
        "{told}"
    );
}
