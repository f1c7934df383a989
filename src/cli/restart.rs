//! `belfry restart`: the running daemon becomes the program that is installed now, without refusing a connection.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{Daemon, STATE_DIR};
use super::{Failure, answer::Answer};
use crate::config::Source;
use crate::{daemon, journal};

/// How long the daemon may take to end what is under way, and to come back.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two questions whether it is back.
const AGAIN: Duration = Duration::from_millis(50);

pub(super) fn run(source: &Source) -> Result<ExitCode, Failure> {
    // What the daemon would refuse is said here, line by line.
    super::plan(source)?;
    let daemon = Daemon::of(source);
    let (pid, folder) = super::block_on(running(&daemon))??;
    // A second one would find the process where it cannot listen.
    let _one = claim(&folder)?;
    let said = super::block_on(async {
        let before = started(&daemon).await;
        // Of a refusal that nobody waited for.
        daemon::refused_to_restart(&folder);
        kill(Pid::from_raw(pid), Signal::SIGUSR2)
            .with_context(|| format!("telling process {pid} to restart"))?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            sleep(AGAIN).await;
            if let Some(why) = daemon::refused_to_restart(&folder) {
                anyhow::bail!("process {pid} does not restart and goes on as it is: {why}");
            }
            let now = started(&daemon).await;
            if now.is_some() && now != before {
                let took = began.elapsed().as_millis();
                return Ok(format!("restarted: process {pid}, after {took} ms"));
            }
        }
        anyhow::bail!(
            "process {pid} was told, and has not restarted within {} s; its log says why",
            PATIENCE.as_secs()
        )
    })??;
    super::say(said);
    Ok(ExitCode::SUCCESS)
}

/// The process that has the data folder, and which folder that is: that of the configuration, that of our unit, or, where
/// another has been written into the configuration since, what the daemon says. Whoever says so must hold it.
async fn running(daemon: &Daemon) -> anyhow::Result<(i32, PathBuf)> {
    let held = |folder: &Path| Some((journal::holder(folder)?, folder.to_owned()));
    let folders = [daemon.plan.data_dir.as_path(), Path::new(STATE_DIR)];
    let found = match folders.into_iter().find_map(held) {
        Some(found) => Some(found),
        None => told(daemon, "data_dir")
            .await
            .and_then(|folder| held(Path::new(&folder))),
    };
    found.with_context(|| {
        format!(
            "no daemon that this user may restart has the data folder {}; where one runs with another, \
             send SIGUSR2 to its process",
            daemon.plan.data_dir.display()
        )
    })
}

/// The right to restart, which one process has at a time.
fn claim(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("restart.lock");
    let locked = super::locked(&path).with_context(|| format!("opening {}", path.display()))?;
    locked.context("another `belfry restart` is under way")
}

/// Since when the daemon runs, as it says; none where nobody answers.
async fn started(daemon: &Daemon) -> Option<String> {
    told(daemon, "started_at").await
}

/// What the status of the daemon says of itself.
async fn told(daemon: &Daemon, what: &str) -> Option<String> {
    let asked = daemon
        .ask(Method::GET, "/api/v1/status", Bytes::new())
        .await;
    let status = asked.and_then(Answer::json).ok()?;
    status.get(what).and_then(Value::as_str).map(str::to_owned)
}
