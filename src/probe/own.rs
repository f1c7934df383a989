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
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;

    fn look(part: Part, vitals: Vitals) -> String {
        vitals.progress.engine.bump();
        let env = Env::new(Clock::start(), Arc::new(vitals));
        let all = all();
        let (_, settings) = all
            .iter()
            .find(|(_, settings)| settings.part == part)
            .unwrap();
        let outcome = settings.look(&env);
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    #[test]
    fn what_runs_nowhere_here_is_unknown() {
        let env = Env::new(Clock::start(), Arc::default());
        for (name, settings) in all() {
            let outcome = settings.look(&env);
            assert_eq!(outcome.verdict, Verdict::Unknown, "{name}");
        }
    }

    #[test]
    fn a_journal_that_cannot_commit_fails() {
        let vitals = Vitals::default();
        vitals.commit.set(300);
        vitals.journal_bytes.set(41 << 20);
        assert_eq!(
            look(Part::Journal, vitals),
            "pass: committed in 0.3 ms, 41 MiB"
        );
        for (took, told) in [
            (1, "warn: committed in 1 s (warn at 1 s), 0 MiB"),
            (10, "fail: committed in 10 s (fail at 10 s), 0 MiB"),
        ] {
            let vitals = Vitals::default();
            vitals.commit.set_duration(Duration::from_secs(took));
            assert_eq!(look(Part::Journal, vitals), told);
        }
        let vitals = Vitals::default();
        vitals.commit_failures.set(1);
        assert_eq!(
            look(Part::Journal, vitals),
            "fail: the last commit failed, nothing is durable now: look at the disk and at our log"
        );
        let vitals = Vitals::default();
        vitals.commit_failures.set(3);
        let full = "the journal's disk is full: free some room there".to_owned();
        vitals.commit_error.store(Some(Arc::new(full)));
        let said = look(Part::Journal, vitals);
        assert!(
            said.starts_with("fail: the last 3 commits failed"),
            "{said}"
        );
        assert!(
            said.ends_with(": the journal's disk is full: free some room there"),
            "{said}"
        );
    }

    #[test]
    fn lateness_age_and_lag_have_their_levels() {
        for (part, figure, value_ms, begins) in [
            (Part::Scheduler, 0, 499, "pass: on time"),
            (
                Part::Scheduler,
                0,
                500,
                "warn: looks begin up to 500 ms late (warn at 500 ms); too many",
            ),
            (
                Part::Scheduler,
                0,
                5_000,
                "fail: looks begin up to 5 s late (fail at 5 s); too many",
            ),
            (Part::Outbox, 1, 59_000, "pass: delivering"),
            (
                Part::Outbox,
                1,
                60_000,
                "warn: 2 notifications are not delivered, the oldest for 1 min (warn at 1 min)",
            ),
            (Part::Outbox, 1, 300_000, "fail: 2 notifications"),
            (Part::Archive, 2, 299_000, "pass: not reachable now"),
            (
                Part::Archive,
                2,
                7_200_000,
                "warn: the archive is 2 h behind (warn at 5 min), it cannot be reached",
            ),
        ] {
            let vitals = Vitals::default();
            vitals.outbox_waiting.set(2);
            vitals.archive_state.set(2);
            let gauge = [
                &vitals.lateness_max,
                &vitals.outbox_age,
                &vitals.archive_lag,
            ][figure];
            gauge.set_duration(Duration::from_millis(value_ms));
            let said = look(part, vitals);
            assert!(
                said.starts_with(begins),
                "{said} does not start with {begins}"
            );
        }
    }

    #[test]
    fn where_nothing_waits_and_nothing_lags_all_is_well() {
        assert_eq!(look(Part::Outbox, Vitals::default()), "pass: nothing waits");
        assert_eq!(look(Part::Archive, Vitals::default()), "pass: up to date");
        let vitals = Vitals::default();
        vitals.archive_lag.set_duration(Duration::from_hours(2));
        assert_eq!(
            look(Part::Archive, vitals),
            "warn: the archive is 2 h behind (warn at 5 min)"
        );
    }

    #[test]
    fn somebody_who_cannot_be_told_is_warned_of_beside_what_waits() {
        let vitals = Vitals::default();
        vitals.outbox_refused.set(1);
        assert_eq!(
            look(Part::Outbox, vitals),
            "warn: a recipient cannot be told, the mail was refused; look at the page Mail"
        );
        let vitals = Vitals::default();
        vitals.outbox_refused.set(2);
        vitals.outbox_waiting.set(3);
        vitals.outbox_age.set_duration(Duration::from_mins(5));
        assert_eq!(
            look(Part::Outbox, vitals),
            "fail: 3 notifications are not delivered, the oldest for 5 min (fail at 5 min); \
             2 recipients cannot be told, the mails were refused; look at the page Mail"
        );
    }

    #[test]
    fn memory_and_files_are_those_of_this_process() {
        let said = look(Part::Memory, Vitals::default());
        assert!(said.ends_with(" MiB") && !said.contains(" 0 MiB"), "{said}");
        let said = look(Part::Files, Vitals::default());
        assert!(
            said.starts_with("pass: ") && said.ends_with("open files"),
            "{said}"
        );
        for (outcome, told) in [
            (
                files(80, 100, FILES),
                "warn: 80 % of 100 open files (warn at 80 %); raise LimitNOFILE= of our unit",
            ),
            (
                files(95, 100, FILES),
                "fail: 95 % of 100 open files (fail at 95 %); raise LimitNOFILE= of our unit",
            ),
            (memory(256 << 20, MEMORY), "warn: 256 MiB (warn at 256 MiB)"),
            (
                unreadable(&ProcError::NotFound(None)),
                "unknown: /proc/self cannot be read: File not found",
            ),
        ] {
            let said = format!("{}: {}", outcome.verdict.word(), outcome.message());
            assert_eq!(said, told);
        }
    }
}
