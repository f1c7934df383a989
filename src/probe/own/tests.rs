//! Figures of ourselves as they could be.

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
