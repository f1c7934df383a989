//! How many days before its end a certificate is told of.

use crate::core::outcome::Verdict;
use crate::settings::Section;

/// A certificate is warned of so late that its renewal, due 30 days before its end, has failed for half a month.
const WARN: u16 = 14;
/// And fails so early that somebody who is told can still get another.
const FAIL: u16 = 3;
/// The longest; an authority takes years to replace in the stores of clients.
const MOST: i64 = 3_650;

/// The keys.
pub(super) const KEYS: [&str; 3] = ["certificate_days", "chain_days", "certificate_fail_days"];

/// From how many days before its end on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Days {
    /// The server's own certificate is warned of; 0: never.
    pub(super) leaf: u16,
    /// Those of its authorities are.
    pub(super) chain: u16,
    /// Either fails.
    fail: u16,
    /// Whether that was said: then also where nothing is warned of.
    is_said: bool,
}

impl Days {
    /// Nothing is told of.
    pub(in crate::probe) const NEVER: Self = Self {
        leaf: 0,
        chain: 0,
        fail: 0,
        is_said: false,
    };

    /// Reads `certificate_days`, `chain_days` and `certificate_fail_days`.
    pub(in crate::probe) fn read(section: &mut Section<'_>) -> Self {
        let [leaf, chain, fail] = KEYS.map(|key| {
            let days = section.integer(key, 0..=MOST)?;
            u16::try_from(days).ok()
        });
        let said = fail;
        let leaf = leaf.unwrap_or(WARN);
        let (chain, fail) = (chain.unwrap_or(leaf), fail.unwrap_or(FAIL));
        let most = leaf.max(chain);
        if most > 0 && said.is_some_and(|fail| fail > most) {
            let message = "\"certificate_fail_days\" is above \"certificate_days\"";
            section.refuse("certificate_fail_days", message, "warn first, fail later");
        }
        Self {
            leaf,
            chain,
            fail,
            is_said: said.is_some(),
        }
    }

    /// Whether any certificate is told of.
    pub(in crate::probe) fn is_never(self) -> bool {
        self.leaf == 0 && self.chain == 0 && !(self.is_said && self.fail > 0)
    }

    /// The levels of the server's own certificate.
    pub(in crate::probe) fn of_leaf(self) -> Level {
        self.of(self.leaf)
    }

    /// Those of its authorities.
    pub(in crate::probe) fn of_chain(self) -> Level {
        self.of(self.chain)
    }

    fn of(self, warn: u16) -> Level {
        let fail = match warn {
            0 if self.is_said => self.fail,
            warn => self.fail.min(warn),
        };
        Level { warn, fail }
    }
}

/// From how many days before its end on one certificate is told of; never from 0 on.
#[derive(Clone, Copy, Debug)]
pub(in crate::probe) struct Level {
    warn: u16,
    fail: u16,
}

impl Level {
    /// What so many whole days are worth.
    pub(in crate::probe) fn judge(self, days: u64) -> Verdict {
        if days < u64::from(self.fail) {
            Verdict::Fail
        } else if days < u64::from(self.warn) {
            Verdict::Warn
        } else {
            Verdict::Pass
        }
    }

    /// The level that is reached, as other messages name theirs.
    pub(super) fn reached(self, verdict: Verdict) -> String {
        let days = if verdict == Verdict::Fail {
            self.fail
        } else {
            self.warn
        };
        let days = match days {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        format!("{} at {days}", verdict.word())
    }

    /// What is expected, for people.
    pub(in crate::probe) fn expected(self) -> String {
        match (self.warn, self.fail) {
            (0, 0) => "any end".to_owned(),
            (0, fail) => format!("valid for {fail} days"),
            (warn, 0) => format!("valid for {warn} days"),
            (warn, fail) => format!("valid for {warn} days, fails at {fail}"),
        }
    }
}
