//! Delivers what is spooled: a process of its own, which outlives the job that began it.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::post::{Posted, post};
use super::spool::{Letter, Spool};
use super::{FIRST, now_ms};
use crate::cli::Failure;
use crate::cli::address::Address;
use crate::cli::client::Daemon;
use crate::config::Source;

/// The command's name; not for people.
pub(in crate::cli) const NAME: &str = "deliver";
/// The longest pause between two attempts at a daemon of this machine: when it is back, it waits some seconds for whoever
/// could not be heard.
const LONGEST: Duration = Duration::from_secs(5);
/// And at one somewhere else.
const LONGEST_AFAR: Duration = Duration::from_mins(1);
/// How old a ping may become: what happened before says nothing any more.
const OLDEST: Duration = Duration::from_hours(72);

/// Begins a process that delivers. That it cannot be begun is no error: the next run tries again.
pub(super) fn begin() {
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut command = Command::new(program);
    command
        .arg(NAME)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    drop(command.spawn());
}

/// `belfry deliver`: delivers until nothing is left. Another that does so already is let do it.
pub(in crate::cli) fn deliver() -> Result<ExitCode, Failure> {
    let spool = Spool::open()?;
    let Some(_claim) = spool.claim() else {
        return Ok(ExitCode::SUCCESS);
    };
    crate::cli::block_on(async {
        let (began, mut pause) = (Instant::now(), FIRST);
        while !spool.is_empty() && began.elapsed() < OLDEST {
            if round(&spool).await {
                pause = FIRST;
                continue;
            }
            sleep(pause).await;
            let longest = if is_any_near(&spool) {
                LONGEST
            } else {
                LONGEST_AFAR
            };
            pause = (pause * 2).min(longest);
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether one of the letters is for a daemon of this machine.
fn is_any_near(spool: &Spool) -> bool {
    let waiting = spool.waiting();
    let mut letters = waiting.iter().filter_map(|path| Spool::read(path));
    letters.any(|letter| !matches!(Address::of(&letter.to), Ok(Address::Url(_))))
}

/// Tries once to deliver what waits, unless another process does so: what happened before is told before.
pub(super) async fn before() {
    let Ok(spool) = Spool::open() else { return };
    if spool.is_empty() {
        return;
    }
    if let Some(_claim) = spool.claim() {
        round(&spool).await;
    }
}

/// Tries each letter once, in order; those of a heartbeat that one was not taken for wait behind it. Whether
/// everything that was there is settled.
async fn round(spool: &Spool) -> bool {
    let mut waiting: Vec<String> = Vec::new();
    // Read anew each time: the daemon may listen elsewhere by now.
    let mut daemons: BTreeMap<Option<PathBuf>, Daemon> = BTreeMap::new();
    for path in spool.waiting() {
        let Some(letter) = Spool::read(&path) else {
            Spool::refused(&path);
            continue;
        };
        if waiting.contains(&letter.to) {
            continue;
        }
        let daemon = daemons.entry(letter.config.clone()).or_insert_with(|| {
            let source = letter.config.clone().map_or(Source::BuiltIn, Source::File);
            Daemon::of(&source)
        });
        match settled(daemon, &letter).await {
            Some(true) => Spool::done(&path),
            Some(false) => Spool::refused(&path),
            None => waiting.push(letter.to),
        }
    }
    waiting.is_empty()
}

/// Whether the letter was taken; none where nobody answered.
async fn settled(daemon: &Daemon, letter: &Letter) -> Option<bool> {
    let age = Duration::from_millis(now_ms().saturating_sub(letter.at_ms));
    let Some(address) = Address::of(&letter.to).ok().filter(|_| age < OLDEST) else {
        return Some(false);
    };
    match post(daemon, &address, letter).await {
        Posted::Taken => Some(true),
        Posted::Refused(_) => Some(false),
        Posted::NotNow(_) => None,
    }
}
