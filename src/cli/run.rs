//! `belfry run`: the daemon in the foreground, and what it becomes after that.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::Failure;
use crate::config::Source;
use crate::{daemon, watch};

/// Threads for what blocks: journal reads, rendering of large pages, reading files. They end when idle.
const BLOCKING: usize = 8;

pub(super) fn run(source: &Source) -> Result<ExitCode, Failure> {
    let following = watch::follow(source.paths());
    let plan = super::plan(source)?;
    daemon::log_to_stderr_or_journal();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(Duration::from_secs(10))
        .enable_all()
        .build()
        .context("starting")?;
    let heir = runtime.block_on(daemon::run(source.clone(), plan, following))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    match heir {
        None => Ok(ExitCode::SUCCESS),
        Some(heir) => {
            let error = anyhow::Error::new(heir.take_over());
            Err(error.context("restarting in place").into())
        }
    }
}
