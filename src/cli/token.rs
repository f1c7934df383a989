//! `belfry token new`: a token for the APIs. It is shown once and stored nowhere; the configuration gets its hash.

use std::process::ExitCode;

use anyhow::anyhow;

use super::Failure;
use crate::config::{self, Rights, Source, new_token, token_name};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token, show it once, and print the lines for the configuration that let it in.
    New(Arguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Who will have it: stands in the history of what is done with it.
    name: String,
    /// One that reads and changes nothing, and is told no ping address.
    #[arg(long)]
    read_only: bool,
}

pub(super) fn run(source: &Source, command: &Command) -> Result<ExitCode, Failure> {
    let Command::New(Arguments { name, read_only }) = command;
    token_name(name).map_err(|hint| anyhow!("a token cannot be called {name:?}; {hint}"))?;
    let rights = if *read_only {
        Rights::Read
    } else {
        Rights::Write
    };
    let (secret, lines) = new_token(name, rights);
    super::say(format_args!(
        "{secret}\n\nKeep it: it is shown only now. It opens the APIs with this in the configuration:\n\n{lines}"
    ));
    let (plan, _) = config::glimpse(source);
    if plan.tokens.iter().any(|token| *token.name == **name) {
        eprintln!(
            "belfry: the configuration has a [token.{name}] already: replace its lines by these, \
             and what is shown with the old one is refused"
        );
    }
    Ok(ExitCode::SUCCESS)
}
