//! Looks at Belfry itself: at the figures that its parts keep, and at what the system says of the process.

use std::time::Duration;

use procfs::process::{LimitValue, Process};
use procfs::{ProcError, ProcResult};

use super::env::Env;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::time::human;
use crate::vitals::Vitals;

mod limits;
mod unseen;

pub use limits::Limits;
pub(super) use unseen::Witness;
pub use unseen::{UNSEEN, Unseen};

use limits::{span, spans};

/// A part of Belfry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Journal,
    Scheduler,
    Outbox,
    Archive,
    Memory,
    Files,
    Unseen,
}

/// How long one commit may take: a healthy disk needs some milliseconds.
pub const COMMIT: Limits = spans(Duration::from_secs(1), Some(Duration::from_secs(10)));
/// How late a look may begin.
pub const LATENESS: Limits = spans(Duration::from_millis(500), Some(Duration::from_secs(5)));
/// How old a notification may be that is due and not delivered.
pub const OUTBOX_AGE: Limits = spans(Duration::from_mins(1), Some(Duration::from_mins(5)));
/// How far the archive may be behind. It always catches up, so that this is a warning.
pub const ARCHIVE_LAG: Limits = spans(Duration::from_mins(5), None);
/// How much memory the process may have, in bytes.
pub const MEMORY: Limits = Limits {
    warn: 256 << 20,
    fail: None,
};
/// How many of the files that may be open are, in percent.
pub const FILES: Limits = Limits {
    warn: 80,
    fail: Some(95),
};

/// Linux's number for "too many open files" in the process.
const EMFILE: i32 = 24;
const EXHAUSTED: &str =
    "every file that this process may have open is; raise LimitNOFILE= of our unit";
/// `Vitals::archive_state` of an archive that cannot be reached.
const NOT_REACHABLE: u64 = 2;

/// Which part, and its limits: microseconds, bytes or percent as the part has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub part: Part,
    pub limits: Limits,
}

/// The checks on ourselves and their names. `belfry.archive` has a meaning only with a Postgres.
pub fn all() -> [(&'static str, Settings); 7] {
    [
        ("belfry.journal", Part::Journal, COMMIT),
        ("belfry.scheduler", Part::Scheduler, LATENESS),
        ("belfry.outbox", Part::Outbox, OUTBOX_AGE),
        ("belfry.archive", Part::Archive, ARCHIVE_LAG),
        ("belfry.memory", Part::Memory, MEMORY),
        ("belfry.files", Part::Files, FILES),
        ("belfry.unseen", Part::Unseen, UNSEEN),
    ]
    .map(|(name, part, limits)| (name, Settings { part, limits }))
}

impl Settings {
    /// What it looks at, for people.
    pub fn target(&self) -> String {
        let part = match self.part {
            Part::Journal => "the journal",
            Part::Scheduler => "the scheduler",
            Part::Outbox => "the outbox",
            Part::Archive => "the archive",
            Part::Memory => "the memory of this process",
            Part::Files => "the open files of this process",
            Part::Unseen => "checks that cannot be looked at",
        };
        part.to_owned()
    }

    pub(super) fn look(&self, env: &Env) -> Outcome {
        let vitals = &*env.vitals;
        if vitals.progress.engine.value() == 0 {
            return Outcome::unknown(
                "only the daemon that runs knows this of itself; ask it with belfry status",
            );
        }
        match self.part {
            Part::Journal => journal(vitals, self.limits),
            Part::Scheduler => scheduler(vitals, self.limits),
            Part::Outbox => outbox(vitals, self.limits),
            Part::Archive => archive(vitals, self.limits),
            Part::Memory => match resident() {
                Ok(bytes) => memory(bytes, self.limits),
                Err(error) => unreadable(&error),
            },
            Part::Files => match open_files() {
                Ok((open, most)) => files(open, most, self.limits),
                Err(error) if is_exhausted(&error) => Outcome::fail(EXHAUSTED),
                Err(error) => unreadable(&error),
            },
            Part::Unseen => unseen::judge(&env.witness.unseen(), env.clock.now(), self.limits),
        }
    }
}

fn journal(vitals: &Vitals, limits: Limits) -> Outcome {
    let failures = vitals.commit_failures.value();
    if failures > 0 {
        let why = vitals.commit_error.load_full();
        let usual = "look at the disk and at our log";
        let why = why.as_deref().map_or(usual, String::as_str);
        let commits = match failures {
            1 => "commit".to_owned(),
            n => format!("{n} commits"),
        };
        return Outcome::fail(&format!(
            "the last {commits} failed, nothing is durable now: {why}"
        ));
    }
    let verdict = limits.judge(vitals.commit.value());
    let size = mebibytes(vitals.journal_bytes.value());
    Outcome::timed(
        verdict,
        vitals.commit.duration(),
        "committed",
        &format!("{}, {size}", limits.reached(verdict, span)),
    )
}

fn scheduler(vitals: &Vitals, limits: Limits) -> Outcome {
    let worst = vitals.lateness_max.duration();
    let verdict = limits.judge(vitals.lateness_max.value());
    let message = match verdict {
        Verdict::Pass => "on time".to_owned(),
        Verdict::Warn | Verdict::Fail | Verdict::Unknown => format!(
            "looks begin up to {} late{}; too many checks for this machine, or it is busy",
            human(worst),
            limits.reached(verdict, span)
        ),
    };
    Outcome::new(verdict, &message).took(worst)
}

fn outbox(vitals: &Vitals, limits: Limits) -> Outcome {
    let (waiting, refused) = (vitals.outbox_waiting.value(), vitals.outbox_refused.value());
    let age = if waiting == 0 {
        Verdict::Pass
    } else {
        limits.judge(vitals.outbox_age.value())
    };
    let mut found = Vec::new();
    if age != Verdict::Pass {
        let oldest = human(vitals.outbox_age.duration());
        found.push(format!(
            "{waiting} notifications are not delivered, the oldest for {oldest}{}",
            limits.reached(age, span)
        ));
    }
    match refused {
        0 => {}
        1 => found.push("a recipient cannot be told, the mail was refused".to_owned()),
        n => found.push(format!(
            "{n} recipients cannot be told, the mails were refused"
        )),
    }
    if found.is_empty() {
        let all_is_well = if waiting == 0 {
            "nothing waits"
        } else {
            "delivering"
        };
        return Outcome::pass(all_is_well);
    }
    let verdict = if age == Verdict::Pass {
        Verdict::Warn
    } else {
        age
    };
    Outcome::new(
        verdict,
        &format!("{}; look at the page Mail", found.join("; ")),
    )
}

fn archive(vitals: &Vitals, limits: Limits) -> Outcome {
    let lag = vitals.archive_lag.duration();
    let verdict = limits.judge(vitals.archive_lag.value());
    let unreachable = vitals.archive_state.value() == NOT_REACHABLE;
    match verdict {
        Verdict::Pass if unreachable => Outcome::pass("not reachable now, will catch up"),
        Verdict::Pass => Outcome::pass("up to date"),
        Verdict::Warn | Verdict::Fail | Verdict::Unknown => {
            let why = if unreachable {
                ", it cannot be reached"
            } else {
                ""
            };
            Outcome::new(
                verdict,
                &format!(
                    "the archive is {} behind{}{why}",
                    human(lag),
                    limits.reached(verdict, span)
                ),
            )
        }
    }
}

fn memory(bytes: u64, limits: Limits) -> Outcome {
    let verdict = limits.judge(bytes);
    let level = limits.reached(verdict, mebibytes);
    Outcome::new(verdict, &format!("{}{level}", mebibytes(bytes)))
}

fn files(open: u64, most: u64, limits: Limits) -> Outcome {
    let percent = open.saturating_mul(100) / most.max(1);
    let verdict = limits.judge(percent);
    let hint = if verdict == Verdict::Pass {
        ""
    } else {
        "; raise LimitNOFILE= of our unit"
    };
    let level = limits.reached(verdict, |percent| format!("{percent} %"));
    Outcome::new(
        verdict,
        &format!("{percent} % of {most} open files{level}{hint}"),
    )
}

/// Whole mebibytes, so that the text does not change with each page.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// The resident memory of this process, in bytes.
fn resident() -> ProcResult<u64> {
    let kibibytes = Process::myself()?.status()?.vmrss.unwrap_or_default();
    Ok(kibibytes.saturating_mul(1 << 10))
}

/// How many files this process has open, and may have.
fn open_files() -> ProcResult<(u64, u64)> {
    let process = Process::myself()?;
    let open = process.fd_count()?;
    let most = match process.limits()?.max_open_files.soft_limit {
        LimitValue::Unlimited => u64::MAX,
        LimitValue::Value(most) => most,
    };
    Ok((open as u64, most))
}

/// Whether it could not be counted because no file can be opened any more: then all are.
fn is_exhausted(error: &ProcError) -> bool {
    matches!(error, ProcError::Io(error, _) if error.raw_os_error() == Some(EMFILE))
}

fn unreadable(error: &ProcError) -> Outcome {
    Outcome::unknown(&format!("/proc/self cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
