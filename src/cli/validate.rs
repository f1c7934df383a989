//! `belfry validate`: everything that is wrong with a configuration, at once.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::config::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file or folder to look at instead.
    path: Option<PathBuf>,
}

pub(super) fn run(source: &Source, arguments: Arguments) -> Result<ExitCode, Failure> {
    let source = arguments.path.map_or_else(|| source.clone(), Source::File);
    let plan = super::plan(&source)?;
    let heartbeats = plan
        .checks
        .iter()
        .filter(|planned| planned.check.heartbeat.is_some())
        .count();
    let checks = plan.checks.len();
    super::say(format_args!(
        "{source} is valid: {checks} checks with Belfry's own, {heartbeats} of them heartbeats"
    ));
    Ok(ExitCode::SUCCESS)
}
