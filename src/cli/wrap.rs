//! `belfry wrap NAME -- COMMAND`: runs a job and reports its start, its end, its exit code and what it said last.
//!
//! The job comes first: it begins at once, its output and its signals pass through, its exit code is ours, and no
//! ping holds it up. What cannot be delivered is spooled and delivered later, with the time at which it happened.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use super::Failure;
use super::client::Daemon;
use crate::clock;
use crate::config::Source;

mod deliver;
mod job;
mod post;
mod spool;

pub(super) use deliver::deliver;

use post::{Address, Posted};
use spool::{Letter, Spool};

/// How long the end of a job waits for the daemon before it is spooled: who runs jobs by hand waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first pause between two attempts, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// Letters of one run: its start and its end.
const LETTERS: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The heartbeat's name, or its whole ping address (`http://…/ping/UUID`).
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
    let address = Address::of(&arguments.name)?;
    let code = super::block_on(work(source, arguments, &address))?;
    Ok(ExitCode::from(code))
}

/// Runs the job and reports it. Returns the job's exit code, whatever becomes of the report.
async fn work(source: &Source, arguments: &Arguments, address: &Address) -> u8 {
    let daemon = Daemon::of(source);
    let (sender, letters) = mpsc::channel(LETTERS);
    let rid = Uuid::new_v4();
    let letter = |suffix: String, body: Vec<u8>| Letter {
        to: address.text(),
        suffix,
        rid,
        at_ms: now_ms(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let job = async {
        sender
            .try_send(letter("/start".to_owned(), Vec::new()))
            .ok();
        let ended = job::run(&arguments.command, !arguments.no_output).await;
        sender
            .try_send(letter(format!("/{}", ended.code), ended.tail))
            .ok();
        drop(sender);
        ended.code
    };
    let (code, (left, why)) = {
        let (over, told) = oneshot::channel();
        let job = async {
            let code = job.await;
            over.send(()).ok();
            code
        };
        tokio::join!(job, report(&daemon, address, letters, told))
    };
    put_away(source, &left, &why);
    code
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
        let mut pause = FIRST;
        loop {
            let Some(letter) = left.front() else {
                match letters.recv().await {
                    Some(letter) => left.push_back(letter),
                    None => return,
                }
                continue;
            };
            match post::post(daemon, address, letter).await {
                Posted::Taken => {
                    left.pop_front();
                    pause = FIRST;
                }
                Posted::Refused(why) => {
                    eprintln!("belfry wrap: the ping was refused: {why}");
                    left.pop_front();
                }
                Posted::NotNow(reason) => {
                    why = reason;
                    // A letter that comes meanwhile (the job has ended) is reason to try at once.
                    if let Ok(Some(next)) = timeout(pause, letters.recv()).await {
                        left.push_back(next);
                    }
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    };
    let enough = async {
        job_is_over.await.ok();
        tokio::time::sleep(PATIENCE).await;
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

/// Spools what could not be delivered, and has it delivered by a process of its own.
fn put_away(source: &Source, left: &[Letter], why: &str) {
    let spool = match Spool::open() {
        Ok(spool) => spool,
        Err(error) => {
            if !left.is_empty() {
                eprintln!("belfry wrap: {why}, and the ping is lost: {error:#}");
            }
            return;
        }
    };
    for letter in left {
        if let Err(error) = spool.put(letter) {
            eprintln!("belfry wrap: {why}, and the ping is lost: {error:#}");
        }
    }
    if !left.is_empty() {
        eprintln!(
            "belfry wrap: {why}; the ping waits in {} and is delivered when the daemon is back",
            spool.folder().display()
        );
    }
    if !spool.is_empty() {
        deliver::begin(source);
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    u64::try_from(clock::wall_nanos() / 1_000_000).unwrap_or_default()
}
