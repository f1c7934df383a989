//! What a look asserted, one by one, for whoever asks why: `belfry check NAME --explain`.

use crate::core::outcome::Verdict;

/// One assertion: what it is about, what should be, what is. All of it may come from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    pub expected: String,
    pub found: String,
    pub verdict: Verdict,
}

impl Finding {
    /// An assertion that either holds or fails.
    pub(super) fn new(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        holds: bool,
    ) -> Self {
        let verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        let (what, expected, found) = (what.into(), expected.into(), found.into());
        Self {
            what,
            expected,
            found,
            verdict,
        }
    }

    /// An assertion that holds or is warned of.
    pub(super) fn warned(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        warns: bool,
    ) -> Self {
        let verdict = if warns { Verdict::Warn } else { Verdict::Pass };
        Self::new(what, expected, found, true).worth(verdict)
    }

    /// The same with another verdict.
    #[must_use]
    pub(super) fn worth(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }
}
