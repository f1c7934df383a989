//! What was expected, did not come, and is tolerated: the heartbeat goes on, and expects what comes next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Beat;
use crate::core::schedule::Schedule;
use crate::core::time::Time;

/// What did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lapse {
    /// A ping.
    Ping,
    /// The end of a run.
    End,
}

impl Beat {
    /// When the next ping is expected after a lapse whose time was up at `at`.
    ///
    /// After a missing ping that is the one after it. After a run without an end it is counted from when the run was
    /// given up, as it would be if that had been reported as a failure then.
    pub fn next_after(&self, what: Lapse, at: Time, schedule: &Schedule) -> Option<Time> {
        let from = match what {
            Lapse::Ping => self.expected?,
            Lapse::End => at,
        };
        schedule.next_after(from)
    }

    /// Takes a lapse in; `next` is what [`Beat::next_after`] says.
    pub fn lapse(&mut self, what: Lapse, at: Time, next: Option<Time>) {
        self.expected = next;
        match what {
            Lapse::Ping => self.missed = self.missed.saturating_add(1),
            Lapse::End => {
                self.give_up();
                (self.missed, self.given_up) = (0, Some(at));
                self.deaf = Duration::ZERO;
            }
        }
    }

    /// Expects the next ping by `schedule`, counted from the last one.
    ///
    /// Where that schedule is the one by which pings are missing already, they stay so; by another they are counted
    /// anew.
    pub fn expect_by(&mut self, schedule: &Schedule) {
        let (Some(expected), Some(from)) = (self.expected, self.counted_from()) else {
            return;
        };
        let mut nth = (0..=self.missed).scan(from, |at, _| {
            *at = schedule.next_after(*at)?;
            Some(*at)
        });
        let first = nth.next();
        if self.missed > 0 && nth.last() == Some(expected) {
            return;
        }
        self.missed = 0;
        self.expected = first;
    }

    /// What the expected time counts from: the last ping, or the run that was given up since.
    pub fn counted_from(&self) -> Option<Time> {
        self.given_up.or(self.last_ping)
    }
}
