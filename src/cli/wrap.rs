//! `belfry wrap NAME -- COMMAND`: runs a job and reports its start, its end, its exit code and what it said last.
//!
//! The job comes first: it begins at once, its output and its signals pass through, its exit code is ours, and no
//! ping holds it up. What cannot be delivered is spooled and delivered later, with the time at which it happened.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::future::poll_fn;
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::Failure;
use super::address::Address;
use super::client::Daemon;
use crate::clock;
use crate::config::Source;

mod deliver;
mod job;
mod output;
mod post;
mod spool;

pub(super) use deliver::deliver;
pub(super) use output::copy_on;

use post::Posted;
use spool::{Letter, Spool};

/// How long the end of a job waits for the daemon before it is spooled: who runs jobs by hand waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first pause between two attempts, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// What a start has behind the address.
const START: &str = "/start";
/// Letters of one run: its start and its end.
const LETTERS: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The heartbeat's name, or its ping address: `https://…/ping/UUID`, or `/ping/UUID` at the daemon.
    name: String,
    /// Report no output: only start, end and exit code.
    #[arg(long)]
    no_output: bool,
    /// The job: a program and its arguments.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let code = super::block_on(work(source, arguments))?;
    Ok(ExitCode::from(code))
}

/// Runs the job and reports it. Returns the job's exit code, whatever becomes of the report.
async fn work(source: &Source, arguments: &Arguments) -> u8 {
    let captures = !arguments.no_output;
    let address = match Address::of(&arguments.name) {
        Ok(address) => address,
        Err(error) => {
            // The job comes first, and so does its exit code.
            let code = job::run(&arguments.command, captures, drop).await;
            eprintln!("belfry wrap: nothing is reported: {error:#}");
            return code;
        }
    };
    let daemon = Daemon::of(source);
    let (sender, letters) = mpsc::channel(LETTERS);
    let (rid, config) = (Uuid::new_v4(), spool::config_of(source));
    let letter = |suffix: String, at_ms: u64, body: &[u8]| Letter {
        to: address.text(),
        suffix,
        rid,
        at_ms,
        body: String::from_utf8_lossy(body).into_owned(),
        config: config.clone(),
    };
    let (over, told) = oneshot::channel();
    let job = async {
        sender
            .try_send(letter(START.to_owned(), now_ms(), &[]))
            .ok();
        let code = job::run(&arguments.command, captures, |ended| {
            let end = letter(format!("/{}", ended.code), ended.at_ms, &ended.tail);
            sender.try_send(end).ok();
            over.send(()).ok();
        });
        let code = code.await;
        drop(sender);
        code
    };
    let reported = async {
        let (left, why) = report(&daemon, &address, letters, told).await;
        put_away(&left, &why);
    };
    tokio::join!(job, reported).0
}

/// Delivers letters in order, again and again, until all are delivered or the job is over for [`PATIENCE`].
/// Returns what is left, and why.
async fn report(
    daemon: &Daemon,
    address: &Address,
    mut letters: mpsc::Receiver<Letter>,
    job_is_over: oneshot::Receiver<()>,
) -> (Vec<Letter>, String) {
    let (mut left, mut why) = (VecDeque::new(), String::new());
    let delivering = async {
        deliver::before().await;
        let (mut pause, mut ended) = (FIRST, false);
        loop {
            let Some(letter) = left.front() else {
                if ended {
                    return;
                }
                match letters.recv().await {
                    Some(letter) => left.push_back(letter),
                    None => return,
                }
                continue;
            };
            ended |= letter.suffix != START;
            match post::post(daemon, address, letter).await {
                Posted::Taken => {
                    left.pop_front();
                    pause = FIRST;
                }
                Posted::Refused(reason) => {
                    // What is refused once is refused again: its end would say the same as its start.
                    if why != reason {
                        eprintln!("belfry wrap: the ping was refused: {reason}");
                    }
                    why = reason;
                    left.pop_front();
                }
                Posted::NotNow(reason) => {
                    why = reason;
                    // A letter that comes meanwhile (the job has ended) is reason to try at once.
                    match timeout(pause, letters.recv()).await {
                        Ok(Some(next)) => left.push_back(next),
                        Ok(None) => sleep(pause).await,
                        Err(_) => {}
                    }
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    };
    let enough = async {
        job_is_over.await.ok();
        tokio::select! {
            () = sleep(PATIENCE) => {}
            () = told_to_end() => {}
        }
    };
    tokio::select! {
        () = delivering => {}
        () = enough => {}
    }
    while let Ok(letter) = letters.try_recv() {
        left.push_back(letter);
    }
    (left.into(), why)
}

/// Returns when somebody wants us to end: the job, which such signals are for, is over.
async fn told_to_end() {
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ];
    let mut told: Vec<_> = kinds.into_iter().flat_map(signal).collect();
    poll_fn(|context| {
        let is_told = told
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready());
        if is_told {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Spools what could not be delivered, and has it delivered by a process of its own.
fn put_away(left: &[Letter], why: &str) {
    let spool = match Spool::open() {
        Ok(spool) => spool,
        Err(error) => {
            if !left.is_empty() {
                eprintln!("belfry wrap: {why}, and the ping is lost: {error:#}");
            }
            return;
        }
    };
    let put: anyhow::Result<()> = left.iter().try_for_each(|letter| spool.put(letter));
    match put {
        Ok(()) if left.is_empty() => {}
        Ok(()) => eprintln!(
            "belfry wrap: {why}; the ping waits in {} and is delivered when the daemon is back",
            spool.folder().display()
        ),
        Err(error) => eprintln!("belfry wrap: {why}, and the ping is lost: {error:#}"),
    }
    if !spool.is_empty() {
        deliver::begin();
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    u64::try_from(clock::wall_nanos() / 1_000_000).unwrap_or_default()
}
