//! The values that one part of a date or time can have.

use super::{FIRST_YEAR, LAST_YEAR};

/// Largest number of values: those of the year.
const MOST: usize = 230;
const WORDS: usize = MOST.div_ceil(64);

/// A set of values between a least and a greatest one.
#[derive(Clone, Debug)]
pub(super) struct Field {
    least: u16,
    most: u16,
    bits: [u64; WORDS],
}

impl Field {
    /// None of those from `least` to `most`, which are no more than years.
    pub(super) fn none(least: u16, most: u16) -> Self {
        debug_assert!(usize::from(most - least) < MOST);
        Self {
            least,
            most,
            bits: [0; WORDS],
        }
    }

    /// All of them.
    pub(super) fn all(least: u16, most: u16) -> Self {
        let mut all = Self::none(least, most);
        all.add(least, most, 1);
        all
    }

    /// All years.
    pub(super) fn years() -> Self {
        Self::all(FIRST_YEAR, LAST_YEAR)
    }

    pub(super) fn least(&self) -> u16 {
        self.least
    }

    pub(super) fn most(&self) -> u16 {
        self.most
    }

    /// Adds every `step`th value from `first` to `last`.
    pub(super) fn add(&mut self, first: u16, last: u16, step: u16) {
        for value in (first..=last.min(self.most)).step_by(step.max(1).into()) {
            if let Some((word, bit)) = self.place(value) {
                self.bits[word] |= bit;
            }
        }
    }

    /// Whether `value` is one of them.
    pub(super) fn has(&self, value: u16) -> bool {
        self.place(value)
            .is_some_and(|(word, bit)| self.bits[word] & bit != 0)
    }

    /// The first from `value` on.
    pub(super) fn from(&self, value: u16) -> Option<u16> {
        (value.max(self.least)..=self.most).find(|&value| self.has(value))
    }

    fn place(&self, value: u16) -> Option<(usize, u64)> {
        let place = usize::from(value.checked_sub(self.least)?);
        (value <= self.most).then_some((place / 64, 1 << (place % 64)))
    }
}
