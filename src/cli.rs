//! The command line: one file per command.

#![expect(
    clippy::print_stderr,
    reason = "talking to the terminal is what a command line is for"
)]

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{self, Source};
use crate::settings::Problem;

mod ack;
mod address;
mod answer;
mod check;
mod client;
mod completions;
mod heartbeat;
mod mail;
mod ping;
mod restart;
mod rotate;
mod run;
mod status;
mod token;
mod validate;
mod wrap;

/// Exit codes beside those of a single command: `sysexits.h`.
const FAILURE: u8 = 1;
const USAGE: u8 = 64;
const CONFIGURATION: u8 = 78;

/// Not a comment of the field, which would show its marks around what is no word.
const CONFIG: &str = "The configuration: a file or a folder. Else $BELFRY_CONFIG, ./config/belfry.toml, \
    /etc/belfry/belfry.toml, or the built-in one";

/// Watches a Postgres, its own ports, the host, sites and jobs, and tells the right person once.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, about, propagate_version = true)]
struct Arguments {
    #[arg(long, global = true, value_name = "PATH", help = CONFIG)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon in the foreground (what happens without a command, too).
    Run,
    /// Let the running daemon become the program that is installed now; no connection is refused meanwhile.
    Restart,
    /// Say everything that is wrong with the configuration; exit 78 if anything is.
    Validate(validate::Arguments),
    /// Run checks once, now, and print what they found; exit 0 pass, 1 warn, 2 fail, 3 unknown.
    Check(check::Arguments),
    /// Print what the running daemon says.
    Status(status::Arguments),
    /// Send one ping for a heartbeat to the running daemon.
    Ping(ping::Arguments),
    /// Give a heartbeat another address; the old one is heard for a week.
    Rotate(rotate::Arguments),
    /// Run a job, and report its start, its end, its exit code and what it said last.
    Wrap(wrap::Arguments),
    /// Deliver pings that could not be delivered.
    #[command(hide = true)]
    Deliver,
    /// Copy on what a job left behind still writes.
    #[command(hide = true)]
    Relay,
    /// Say that somebody is on an incident.
    Ack(ack::Arguments),
    /// Try the way that alerts take.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Tokens, which open the APIs from wherever.
    #[command(subcommand)]
    Token(token::Command),
    /// Print a completion script for a shell.
    Completions(completions::Arguments),
}

/// Why a command did not do what it was asked to.
enum Failure {
    /// Everything that is wrong with the configuration.
    Configuration(Vec<Problem>),
    /// An error chain.
    Error(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error)
    }
}

/// Parses the arguments, runs the command, prints what went wrong, once.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // --help and --version arrive here, too; only the rest is a mistake.
            drop(error.print());
            return if error.use_stderr() {
                USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match dispatch(arguments) {
        Ok(code) => code,
        Err(Failure::Configuration(problems)) => {
            eprint!("{}", config::render(&problems, colored()));
            CONFIGURATION.into()
        }
        Err(Failure::Error(error)) => {
            eprintln!("belfry: {error:#}");
            FAILURE.into()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    let source = config::locate(arguments.config.as_deref());
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => run::run(&source),
        Command::Restart => restart::run(&source),
        Command::Validate(arguments) => validate::run(&source, arguments),
        Command::Check(arguments) => check::run(&source, &arguments),
        Command::Status(arguments) => status::run(&source, &arguments),
        Command::Ping(arguments) => ping::run(&source, &arguments),
        Command::Rotate(arguments) => rotate::run(&source, &arguments),
        Command::Wrap(arguments) => wrap::run(&source, &arguments),
        Command::Deliver => wrap::deliver(),
        Command::Relay => Ok(wrap::copy_on()),
        Command::Ack(arguments) => ack::run(&source, &arguments),
        Command::Mail(mail::Command::Test) => mail::test(&source),
        Command::Token(command) => token::run(&source, &command),
        Command::Completions(arguments) => {
            Ok(completions::run(&arguments, &mut Arguments::command()))
        }
    }
}

/// The plan, or everything that is wrong with it.
fn plan(source: &Source) -> Result<config::Plan, Failure> {
    config::load(source).map_err(Failure::Configuration)
}

/// A small runtime for a command that waits for the network now and then.
fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(work))
}

/// Prints a line. Where nobody reads it any more, what was asked for is done all the same.
fn say(line: impl Display) {
    writeln!(io::stdout(), "{line}").ok();
}

/// The file `path`, made where there is none, for nobody else to read, and locked; none where another process has it.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether the terminal wants colour (<https://no-color.org>).
fn colored() -> bool {
    use std::io::IsTerminal as _;
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
