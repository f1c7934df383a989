//! What the daemon is told by signals.

use std::path::Path;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Heir, Tasks, refusal};

/// SIGUSR2, which would end a process that does not listen to it.
pub(super) struct Signals {
    restart: Signal,
}

impl Signals {
    /// Listens from now on: what comes before the daemon is ready is heard when it is.
    pub(super) fn taken() -> anyhow::Result<Self> {
        let restart = signal(SignalKind::user_defined2()).context("waiting for SIGUSR2")?;
        Ok(Self { restart })
    }

    /// Returns when a signal says so, with what comes next for a restart, or with an error when a part ended by itself.
    /// Of `heir` nothing is left at an end, so that nobody waits at sockets where nobody listens.
    pub(super) async fn told(
        mut self,
        tasks: &mut Tasks,
        mut heir: Heir,
        data_dir: &Path,
    ) -> anyhow::Result<Option<Heir>> {
        let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
        let restart = async {
            while self.restart.recv().await.is_some() {
                match heir.examine().await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!("no restart, everything stays as it is: {error:#}");
                        refusal::leave(data_dir, &format!("{error:#}"));
                    }
                }
            }
        };
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
            _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
            () = restart => {
                tracing::info!("SIGUSR2: restarting in place");
                return Ok(Some(heir));
            }
            name = tasks.first() => {
                tracing::error!("the {name} ended by itself");
                anyhow::bail!("the {name} ended by itself; this is a bug, please report it with the log");
            }
        }
        Ok(None)
    }
}
