//! The state of a check and the one function that changes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::outcome::Verdict;

mod run;

/// How many of the last looks must have failed before it counts: `3` is 3 of 3, `"3 of 5"` is 3 of 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// At least one.
    pub bad: u8,
    /// At least `bad`, at most [`Threshold::MAX`].
    pub of: u8,
}

impl Threshold {
    /// Longest window: as many looks as [`Window`] remembers (and as Monit allows).
    pub const MAX: u8 = 64;

    /// `bad` failures in a row.
    pub const fn in_a_row(bad: u8) -> Self {
        Self { bad, of: bad }
    }

    fn reached(self, recent: u64) -> bool {
        (recent & self.mask()).count_ones() >= u32::from(self.bad)
    }

    /// The looks that count.
    fn mask(self) -> u64 {
        if self.of >= 64 {
            u64::MAX
        } else {
            (1 << self.of) - 1
        }
    }
}

impl Threshold {
    /// In words, of `what`: `3 failures in a row`.
    fn of_what(self, what: &str) -> String {
        match (self.bad, self.of) {
            (1, 1) => format!("1 {what}"),
            (bad, of) if bad == of => format!("{bad} {what}s in a row"),
            (bad, of) => format!("{bad} {what}s in the last {of} looks"),
        }
    }

    /// In words, of the runs of a job: `2 of the last 5 runs`.
    pub fn of_runs(self) -> String {
        match (self.bad, self.of) {
            (1, 1) => "the last run".to_owned(),
            (bad, of) if bad == of => format!("the last {bad} runs"),
            (bad, of) => format!("{bad} of the last {of} runs"),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of_what("failure"))
    }
}

/// When a check turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub fail_after: Threshold,
    /// Good looks in a row that end a Down or Degraded.
    pub recover_after: u8,
}

/// The last 64 looks since the state began, newest in the lowest bit. Unknown leaves no trace here:
/// having not looked is no evidence for either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub failed: u64,
    pub warned: u64,
}

impl Window {
    fn with(self, verdict: Verdict) -> Self {
        let bit = |set: bool| u64::from(set);
        Self {
            failed: self.failed << 1 | bit(verdict == Verdict::Fail),
            warned: self.warned << 1 | bit(verdict == Verdict::Warn),
        }
    }
}

/// The state of a check, each with the streak that can end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum State {
    /// Not one good look yet, and not enough bad ones.
    New {
        recent: Window,
    },
    Up {
        recent: Window,
    },
    /// Works, but a warn level is reached. `good`: passes in a row.
    Degraded {
        recent: Window,
        good: u8,
    },
    /// `good`: looks in a row that were not failures; `failed`: the failures in a row up to now, for people.
    Down {
        good: u8,
        /// A journal of an earlier version does not say; then they are counted from here on.
        #[serde(default)]
        failed: u32,
    },
    /// Not judged: by an operator, or because it is not configured.
    Paused,
}

/// The name of a state, without its streak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    New,
    Up,
    Degraded,
    Down,
    Paused,
}

impl Phase {
    /// The word for it in JSON, metrics, mails and pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Paused => "paused",
        }
    }
}

/// Why a check turned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The first look was good.
    FirstPass,
    /// So many failures.
    Failures(Threshold),
    /// So many looks reached a warn level.
    Warnings(Threshold),
    /// So many good looks in a row.
    Recovered(u8),
    /// A heartbeat said that its job failed.
    JobFailed,
    /// So many of the last runs of a job failed.
    RunsFailed(Threshold),
    /// So many pings that were expected one after the other did not come.
    Missed(u8),
    /// A heartbeat came.
    Heard,
    /// No heartbeat came in time.
    Overdue,
    /// A started job did not finish in time.
    Unfinished,
    /// An operator did it; who.
    Operator(String),
    /// The configuration did it; why.
    Configured(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstPass => f.write_str("first good look"),
            Self::Failures(threshold) => threshold.fmt(f),
            Self::Warnings(threshold) => f.write_str(&threshold.of_what("warning")),
            Self::Recovered(1) => f.write_str("good again"),
            Self::Recovered(n) => write!(f, "{n} good looks in a row"),
            Self::JobFailed => f.write_str("the job reported a failure"),
            Self::RunsFailed(runs) => write!(f, "{} failed", runs.of_runs()),
            Self::Missed(1) => f.write_str("1 expected ping is missing"),
            Self::Missed(n) => write!(f, "{n} expected pings in a row are missing"),
            Self::Heard => f.write_str("ping received"),
            Self::Overdue => f.write_str("no ping in time"),
            Self::Unfinished => f.write_str("started, but not finished in time"),
            Self::Operator(who) => write!(f, "by {who}"),
            Self::Configured(why) => f.write_str(why),
        }
    }
}

/// What a look does to a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The check stays in its state; the streak may have changed.
    Stay(State),
    /// The check turns.
    Turn(State, Reason),
}

impl State {
    /// As every check begins.
    pub const NEW: Self = Self::New {
        recent: Window {
            failed: 0,
            warned: 0,
        },
    };
    /// Up, with a clean record.
    pub const UP: Self = Self::Up {
        recent: Window {
            failed: 0,
            warned: 0,
        },
    };
    /// Degraded, with a clean record.
    pub const DEGRADED: Self = Self::Degraded {
        recent: Window {
            failed: 0,
            warned: 0,
        },
        good: 0,
    };
    /// Down since a failure, nothing good seen yet.
    pub const DOWN: Self = Self::Down { good: 0, failed: 1 };

    /// Its name.
    pub fn phase(self) -> Phase {
        match self {
            Self::New { .. } => Phase::New,
            Self::Up { .. } => Phase::Up,
            Self::Degraded { .. } => Phase::Degraded,
            Self::Down { .. } => Phase::Down,
            Self::Paused => Phase::Paused,
        }
    }

    /// Failures in a row up to now that are not confirmed yet (for `retry_every` and for dependents).
    pub fn failing(self) -> u32 {
        match self {
            Self::New { recent } | Self::Up { recent } | Self::Degraded { recent, .. } => {
                recent.failed.trailing_ones()
            }
            Self::Down { .. } | Self::Paused => 0,
        }
    }

    /// Failures in a row up to now, confirmed or not.
    pub fn failures(self) -> u32 {
        match self {
            Self::New { .. } | Self::Up { .. } | Self::Degraded { .. } | Self::Paused => {
                self.failing()
            }
            Self::Down { failed, .. } => failed,
        }
    }

    /// What one more look with this verdict makes of the state. Total, pure, and the only way a look
    /// changes a state.
    ///
    /// - Unknown changes nothing: it is neither evidence for nor against.
    /// - Fewer failures than [`Thresholds::fail_after`] change nothing but the streak.
    /// - A warn counts towards Degraded together with failures, and never towards Down.
    /// - Down ends after `recover_after` looks in a row that are not failures.
    pub fn step(self, verdict: Verdict, thresholds: Thresholds) -> Step {
        let Thresholds {
            fail_after,
            recover_after,
        } = thresholds;
        match (self, verdict) {
            (Self::Paused, _) | (_, Verdict::Unknown) => Step::Stay(self),
            (Self::New { .. }, Verdict::Pass) => Step::Turn(Self::UP, Reason::FirstPass),
            (Self::New { recent }, Verdict::Warn | Verdict::Fail) => {
                let recent = recent.with(verdict);
                worsened(recent, fail_after, Self::New { recent })
            }
            (Self::Up { recent }, Verdict::Pass | Verdict::Warn | Verdict::Fail) => {
                let recent = recent.with(verdict);
                worsened(recent, fail_after, Self::Up { recent })
            }
            (Self::Degraded { recent, good }, Verdict::Pass) => {
                let good = good.saturating_add(1);
                if good >= recover_after {
                    Step::Turn(Self::UP, Reason::Recovered(good))
                } else {
                    Step::Stay(Self::Degraded {
                        recent: recent.with(verdict),
                        good,
                    })
                }
            }
            (Self::Degraded { recent, .. }, Verdict::Warn | Verdict::Fail) => {
                let recent = recent.with(verdict);
                if fail_after.reached(recent.failed) {
                    Step::Turn(down(recent), Reason::Failures(fail_after))
                } else {
                    Step::Stay(Self::Degraded { recent, good: 0 })
                }
            }
            (Self::Down { failed, .. }, Verdict::Fail) => Step::Stay(Self::Down {
                good: 0,
                failed: failed.saturating_add(1),
            }),
            (Self::Down { good, .. }, Verdict::Pass | Verdict::Warn) => {
                let good = good.saturating_add(1);
                match (good >= recover_after, verdict == Verdict::Warn) {
                    (false, _) => Step::Stay(Self::Down { good, failed: 0 }),
                    (true, true) => Step::Turn(Self::DEGRADED, Reason::Recovered(good)),
                    (true, false) => Step::Turn(Self::UP, Reason::Recovered(good)),
                }
            }
        }
    }
}

/// Down, with the failures in a row that led there.
fn down(recent: Window) -> State {
    State::Down {
        good: 0,
        failed: recent.failed.trailing_ones(),
    }
}

/// From New or Up: Down, Degraded, or not yet either.
fn worsened(recent: Window, fail_after: Threshold, stay: State) -> Step {
    if fail_after.reached(recent.failed) {
        Step::Turn(down(recent), Reason::Failures(fail_after))
    } else if recent.warned != 0 && fail_after.reached(recent.failed | recent.warned) {
        // The failures so far stay on record: they still count towards Down.
        Step::Turn(
            State::Degraded { recent, good: 0 },
            Reason::Warnings(fail_after),
        )
    } else {
        Step::Stay(stay)
    }
}

#[cfg(test)]
mod tests;
