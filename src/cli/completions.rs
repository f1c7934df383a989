//! `belfry completions SHELL`: a completion script on standard output.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command) -> ExitCode {
    clap_complete::generate(arguments.shell, command, "belfry", &mut std::io::stdout());
    ExitCode::SUCCESS
}
