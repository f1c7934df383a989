//! How much at once, and how long to wait after a failure. No SQL here.

use std::time::Duration;

/// Most batches in one transaction.
const MOST: usize = 500;
/// As many bytes in one transaction: enough that a commit's latency is nothing beside it, little enough
/// that two copies of it are not seen in the memory of the process.
const BYTES: usize = 1 << 20;

/// How many batches to take next. Batches are as large as the engine's, a few hundred bytes or a megabyte:
/// the number follows what came, so that neither a lone big one nor a heap of small ones is a burden.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount(usize);

impl Default for Amount {
    fn default() -> Self {
        Self(8)
    }
}

impl Amount {
    /// The number.
    pub(super) fn batches(self) -> usize {
        self.0
    }

    /// So many bytes were taken.
    pub(super) fn took(&mut self, bytes: usize) {
        if bytes > BYTES {
            self.halve();
        } else if bytes < BYTES / 2 {
            self.0 = (self.0 * 2).min(MOST);
        }
    }

    /// Something in there is not taken: narrow it down.
    pub(super) fn halve(&mut self) {
        self.0 = (self.0 / 2).max(1);
    }
}

/// Longest wait between two attempts.
const LONGEST: Duration = Duration::from_mins(1);

/// How long to wait after the failures so far: a second, then twice as long each time, at most a minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience(u32);

impl Patience {
    /// The wait after one more failure.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = Duration::from_secs(1 << self.0.min(6)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_amount_follows_the_size_of_what_comes() {
        let mut amount = Amount::default();
        for _ in 0..20 {
            amount.took(amount.batches() * 300);
        }
        assert_eq!(amount.batches(), MOST);
        for _ in 0..20 {
            amount.took(amount.batches() * 3_000_000);
        }
        assert_eq!(amount.batches(), 1);
    }

    #[test]
    fn waits_grow_to_a_minute() {
        let mut patience = Patience::default();
        let waits: Vec<u64> = (0..9).map(|_| patience.wait().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
