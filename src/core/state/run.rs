//! The states of a heartbeat: its evidence is runs of a job that ended well or not, and pings that are missing.

use super::{Reason, State, Step, Threshold, Window, down};
use crate::core::outcome::Verdict;

impl State {
    /// What the evidence of a heartbeat makes of its state, and `why`. Total, pure, and the only way a ping or its
    /// absence changes a state.
    ///
    /// - A run that succeeded makes it Up, whatever was before.
    /// - One that failed makes it Down where `fail_after` is reached, else Degraded: it is tolerated, and shows.
    /// - Runs count on from Degraded to Up and back, and anew after Down and after a pause.
    /// - A missing ping is no run. It makes it Down ([`Verdict::Fail`]), or Degraded where it is tolerated
    ///   ([`Verdict::Warn`]).
    pub fn heard(self, verdict: Verdict, why: Reason, fail_after: Threshold) -> Step {
        let is_silence = matches!(why, Reason::Overdue | Reason::Missed(_));
        match verdict {
            Verdict::Unknown => Step::Stay(self),
            Verdict::Warn => self.tolerating(why),
            Verdict::Fail if is_silence => match self {
                Self::Down { .. } | Self::Paused => Step::Stay(self),
                Self::New { .. } | Self::Up { .. } | Self::Degraded { .. } => {
                    Step::Turn(Self::DOWN, why)
                }
            },
            Verdict::Pass => self.after_success(why),
            Verdict::Fail => self.after_failure(why, fail_after),
        }
    }

    /// How many of its last runs failed, where it is Degraded and they are why.
    pub fn runs_failed(self, fail_after: Threshold) -> Option<Reason> {
        match self {
            Self::Degraded { recent, .. } if recent.failed & 1 == 1 => {
                Some(failed(recent, fail_after))
            }
            Self::New { .. }
            | Self::Up { .. }
            | Self::Degraded { .. }
            | Self::Down { .. }
            | Self::Paused => None,
        }
    }

    fn tolerating(self, why: Reason) -> Step {
        match self {
            Self::Up { recent } => Step::Turn(Self::Degraded { recent, good: 0 }, why),
            Self::New { .. } | Self::Degraded { .. } | Self::Down { .. } | Self::Paused => {
                Step::Stay(self)
            }
        }
    }

    fn after_success(self, why: Reason) -> Step {
        let recent = self.runs().with(Verdict::Pass);
        let up = Self::Up { recent };
        match self {
            Self::Up { .. } => Step::Stay(up),
            Self::New { .. } | Self::Degraded { .. } | Self::Down { .. } | Self::Paused => {
                Step::Turn(up, why)
            }
        }
    }

    fn after_failure(self, why: Reason, fail_after: Threshold) -> Step {
        if let Self::Down { failed, .. } = self {
            let failed = failed.saturating_add(1);
            return Step::Stay(Self::Down { good: 0, failed });
        }
        let recent = self.runs().with(Verdict::Fail);
        if fail_after.reached(recent.failed) {
            let is_first = fail_after == Threshold::in_a_row(1);
            let why = if is_first {
                why
            } else {
                Reason::RunsFailed(fail_after)
            };
            return Step::Turn(down(recent), why);
        }
        let degraded = Self::Degraded { recent, good: 0 };
        match self {
            Self::Degraded { .. } => Step::Stay(degraded),
            Self::New { .. } | Self::Up { .. } | Self::Down { .. } | Self::Paused => {
                Step::Turn(degraded, failed(recent, fail_after))
            }
        }
    }

    /// The runs that count.
    fn runs(self) -> Window {
        match self {
            Self::New { recent } | Self::Up { recent } | Self::Degraded { recent, .. } => recent,
            Self::Down { .. } | Self::Paused => Window::default(),
        }
    }
}

/// How many failed of those that `fail_after` looks at.
fn failed(recent: Window, fail_after: Threshold) -> Reason {
    let count = |bits: u32| u8::try_from(bits).unwrap_or(u8::MAX);
    Reason::RunsFailed(if fail_after.bad == fail_after.of {
        Threshold::in_a_row(count(recent.failed.trailing_ones()))
    } else {
        Threshold {
            bad: count((recent.failed & fail_after.mask()).count_ones()),
            of: fail_after.of,
        }
    })
}
