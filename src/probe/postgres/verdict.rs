//! What the state of a PostgreSQL is worth. Pure.

use std::time::Duration;

use crate::core::outcome::{Outcome, Verdict};

/// What a PostgreSQL says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) version: String,
    /// Connections taken, ours among them.
    pub(super) used: u64,
    pub(super) most: u64,
    pub(super) is_standby: bool,
}

/// The outcome of a look that took so long; `warn` and `fail` are percent of the connections.
pub(super) fn judge(health: &Health, warn: u8, fail: u8, took: Duration) -> Outcome {
    let role = if health.is_standby {
        "standby"
    } else {
        "primary"
    };
    let Health {
        version,
        used,
        most,
        ..
    } = health;
    let percent = used.saturating_mul(100) / (*most).max(1);
    let verdict = if percent >= u64::from(fail) {
        Verdict::Fail
    } else if percent >= u64::from(warn) {
        Verdict::Warn
    } else {
        Verdict::Pass
    };
    let after = if verdict == Verdict::Pass {
        ""
    } else {
        ", connections are running out"
    };
    let before = format!("PostgreSQL {version}, {used} of {most} connections, {role}");
    Outcome::timed(verdict, took, &before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_run_out_are_told_before_they_have() {
        let judged = |used| {
            let health = Health {
                version: "15.18".to_owned(),
                used,
                most: 100,
                is_standby: false,
            };
            let outcome = judge(&health, 90, 95, Duration::from_micros(1_200));
            format!("{}: {}", outcome.verdict.word(), outcome.message())
        };
        assert_eq!(
            judged(7),
            "pass: PostgreSQL 15.18, 7 of 100 connections, primary in 1.2 ms"
        );
        assert_eq!(
            judged(90),
            "warn: PostgreSQL 15.18, 90 of 100 connections, primary in 1.2 ms, connections are running out"
        );
        assert!(judged(95).starts_with("fail: "));
    }
}
