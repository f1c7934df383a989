//! Belfry: parse the command, run it, leave with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    belfry::cli::main(std::env::args_os())
}
