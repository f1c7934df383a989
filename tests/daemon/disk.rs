//! Disks that are full, and files that are damaged.

use std::process::Command;

use crate::daemon::Daemon;
use crate::sink::Sink;
use crate::target::Target;
use crate::{blocking, email, job, ping, shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_at_the_start_keeps_no_alert_from_leaving_and_is_left_behind() {
    let sink = Sink::honest().await;
    let relay = sink.address;
    let disk = SmallDisk::mount(4);
    let target = Target::start();
    let daemon = blocking(move || {
        let mut daemon = Daemon::new("");
        keep_on(
            &daemon,
            &disk,
            &format!("{}{}", email(relay), shop(&target)),
        );
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_pings_lets_alerts_leave_and_ends_without_a_restart() {
    let sink = Sink::honest().await;
    let relay = sink.address;
    let disk = SmallDisk::mount(4);
    let target = Target::start();
    let daemon = blocking(move || {
        let mut daemon = Daemon::new("");
        keep_on(
            &daemon,
            &disk,
            &format!("{}{}", email(relay), shop(&target)),
        );
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

/// Configures it with its data on this disk, a heartbeat, and what else is given.
fn keep_on(daemon: &Daemon, disk: &SmallDisk, extra: &str) {
    let text = format!(
        "[daemon]\nname = \"web-1\"\ndata_dir = \"{}/data\"\n[listen]\nstatus = \"{}\"\nhello = \"{}\"\nshrunken = \"{}\"\n{extra}{}",
        disk.path.path().display(),
        daemon.status,
        daemon.hello,
        daemon.shrunken,
        job("1h", "1h")
    );
    daemon.write_config(&text);
}

/// A disk of a few megabytes, to be filled.
pub(crate) struct SmallDisk {
    pub(crate) path: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(megabytes: u32) -> Self {
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

    pub(crate) fn fill(&self) {
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

    pub(crate) fn free(&self) {
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
