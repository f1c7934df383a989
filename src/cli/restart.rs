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
use crate::journal;

/// How long the daemon may take to end what is under way, and to come back.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two questions whether it is back.
const AGAIN: Duration = Duration::from_millis(50);

pub(super) fn run(source: &Source) -> Result<ExitCode, Failure> {
    // What the daemon would refuse is said here, line by line.
    super::plan(source)?;
    let daemon = Daemon::of(source);
    let (pid, folder) = running(&daemon)?;
    // A second one would find the process where it cannot listen.
    let _one = claim(&folder)?;
    let said = super::block_on(async {
        let before = started(&daemon).await;
        kill(Pid::from_raw(pid), Signal::SIGUSR2)
            .with_context(|| format!("telling process {pid} to restart"))?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            sleep(AGAIN).await;
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

/// The process that has the data folder, and which folder that is.
fn running(daemon: &Daemon) -> anyhow::Result<(i32, PathBuf)> {
    let folders = [daemon.plan.data_dir.as_path(), Path::new(STATE_DIR)];
    let found = folders
        .into_iter()
        .find_map(|folder| Some((journal::holder(folder)?, folder.to_owned())));
    found.with_context(|| {
        format!(
            "no daemon that this user may restart has the data folder {}",
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
    let asked = daemon
        .ask(Method::GET, "/api/v1/status", Bytes::new())
        .await;
    let status = asked.and_then(Answer::json).ok()?;
    let started = status.get("started_at").and_then(Value::as_str);
    started.map(str::to_owned)
}
