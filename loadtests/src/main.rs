//! `loadtest`: puts the running daemon under load, the way its readers, jobs and watchers would.
//!
//! The load itself, its metrics, reports, thresholds and dashboard are goose's; here are the plans, the
//! scenarios, and the care that a load test is never pointed at strangers by accident.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod args;
mod attack;
mod plan;
mod scenario;
mod target;
mod verdict;

use std::process::ExitCode;

use clap::Parser;
use goose::GooseError;
use goose::config::GooseConfiguration;

use crate::args::Args;
use crate::plan::Plan;
use crate::scenario::Tally;
use crate::target::Target;

/// What was typed is not understood.
const USAGE: u8 = 64;
/// The plan is not valid.
const CONFIGURATION: u8 = 78;

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    let goose = match GooseConfiguration::try_parse_from(args.for_goose()) {
        Ok(goose) => goose,
        Err(error) => return refuse(&error),
    };
    let plan = match Plan::load(&args.plan) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(CONFIGURATION);
        }
    };
    match Box::pin(run(&args, goose, &plan)).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the plan and judges it.
async fn run(args: &Args, goose: GooseConfiguration, plan: &Plan) -> anyhow::Result<ExitCode> {
    let target = Target::parse(args, goose.host.as_deref())?;
    let found = target::ask(&target, args, plan).await?;
    for remark in &found.remarks {
        eprintln!("note: {remark}");
    }
    println!("{}: {}, against {}", args.plan, plan.about, target.status);
    let tally = Tally::default();
    let attack = attack::prepare(args, goose, plan, &target, &found, &tally)?;
    let metrics = match Box::pin(attack.execute()).await {
        Ok(metrics) => metrics,
        Err(GooseError::ThresholdsFailed { metrics, .. }) => *metrics.0,
        Err(error) => return Err(attack::explain(&error)),
    };
    println!("{}", verdict::table(&metrics.thresholds, &tally));
    Ok(verdict::code(&metrics.thresholds))
}

/// Help and versions go to stdout with success; a mistake to stderr.
fn refuse(error: &clap::Error) -> ExitCode {
    if error.print().is_err() || error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}
