//! A command's process group, and how it comes to its end.
//!
//! The number of the group is that of its first process. It is sure to be ours only while that process has not been
//! reaped: so it is left a zombie (WNOWAIT, see waitid(2)) until the rest of the group is killed.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use super::Ended;

/// How often it is looked whether the process has ended, should its signal not come.
const AT_LEAST: Duration = Duration::from_secs(1);

/// A running command. When dropped, its group is killed; the runtime reaps it.
pub(super) struct Group {
    child: Child,
    /// None when it is reaped.
    leader: Option<Pid>,
}

impl Group {
    pub(super) fn new(child: Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            child,
            leader: id.map(Pid::from_raw),
        }
    }

    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(super) fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits until the first process has ended. It is not reaped.
    pub(super) async fn exited(&self) {
        let Some(leader) = self.leader else { return };
        // Listened for before looking, so that an end in between is not missed.
        let mut children = signal(SignalKind::child()).ok();
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(WaitStatus::StillAlive) = waitid(Id::Pid(leader), flags) {
            match &mut children {
                Some(children) => {
                    timeout(AT_LEAST, children.recv()).await.ok();
                }
                None => sleep(AT_LEAST).await,
            }
        }
    }

    /// Asks all of the group to end, and waits so long for the first.
    pub(super) async fn ask_to_end(&self, patience: Duration) {
        self.send(Signal::SIGTERM);
        timeout(patience, self.exited()).await.ok();
    }

    /// Kills whoever is left, and reaps the first process.
    pub(super) async fn end(&mut self) -> io::Result<Ended> {
        self.send(Signal::SIGKILL);
        let status = self.child.wait().await?;
        self.leader = None;
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Code(code),
            (None, signal) => Ended::Signal(signal.unwrap_or_default()),
        })
    }

    fn send(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // A group that is gone is what we want; of another user (it has called setuid) it stays.
            killpg(leader, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::SIGKILL);
    }
}

/// A signal for people.
pub(super) fn name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |s| s.as_str().to_owned())
}
