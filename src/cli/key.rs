//! `belfry key new`: a key for the management API. It is shown once and stored nowhere; the configuration gets its
//! hash.

use std::process::ExitCode;

use crate::config::{Rights, new_api_key};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key, show it once, and print the line for the configuration that lets it in.
    New(Arguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A key that reads and changes nothing, and is told no ping address.
    #[arg(long)]
    read_only: bool,
}

pub(super) fn run(command: &Command) -> ExitCode {
    let Command::New(arguments) = command;
    let rights = if arguments.read_only {
        Rights::Read
    } else {
        Rights::Write
    };
    let (key, line) = new_api_key(rights);
    super::say(format_args!(
        "{key}\n\nKeep it: it is shown only now. It opens the API with this in the configuration:\n\n[api]\n{line}"
    ));
    ExitCode::SUCCESS
}
