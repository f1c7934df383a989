//! `belfry completions SHELL`: a completion script on standard output.

use std::io::Write as _;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "belfry", &mut script);
    // Whoever reads only its beginning has what he wants.
    std::io::stdout().write_all(&script).ok();
    ExitCode::SUCCESS
}
