//! How many lines came when, for as long as they count.

use std::collections::VecDeque;
use std::time::Duration;

use crate::core::time::Time;

/// Most counts that are remembered, one for a look: of a look each second for two hours. More are added to the last.
const COUNTS: usize = 7_200;

/// The counts of the looks before, oldest first, and the newest line.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    counts: VecDeque<(Time, u64)>,
    pub(super) newest: Option<String>,
}

impl Tally {
    /// Adds what a look at `now` has found, and forgets what is older than `within`.
    pub(super) fn add(
        &mut self,
        now: Time,
        within: Duration,
        (count, newest): (u64, Option<String>),
    ) {
        if newest.is_some() {
            self.newest = newest;
        }
        self.counts.retain(|(at, _)| now.since(*at) < within);
        let full = self.counts.len() >= COUNTS;
        match self.counts.back_mut().filter(|_| full) {
            _ if count == 0 => {}
            Some((_, last)) => *last += count,
            None => self.counts.push_back((now, count)),
        }
    }

    /// All that count.
    pub(super) fn sum(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}
