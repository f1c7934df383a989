//! Judges who waits for whom: the longest wait counts, and is told with everybody between it and its end.

use std::collections::BTreeMap;

use super::worst::about;
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::core::time::human;
use crate::probe::finding::Finding;
use crate::probe::level::told;
use crate::probe::postgres::found::Judging;
use crate::probe::postgres::rows::Row;
use crate::probe::postgres::statement::statement;

/// Longest chain that is told. A deadlock would be a ring.
const LINKS: usize = 4;

/// A session, by its pid.
type Sessions<'a> = BTreeMap<&'a str, Row<'a>>;

pub(super) fn judge(judging: &mut Judging<'_>) -> Option<()> {
    let mut sessions = Sessions::new();
    let mut waits = Vec::new();
    for row in judging.rows.iter() {
        sessions.insert(row.text("pid")?, row);
        let waited = row.number("waited");
        if let Some(waited) = waited
            && !judging.ignores(row.text("name").unwrap_or_default())
        {
            waits.push((waited, row));
        }
    }
    waits.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let (what, levels) = (judging.aspect.what(), judging.levels);
    let (value, about) = waits.first().map_or((0.0, String::new()), |(waited, row)| {
        (*waited, chain(*row, &sessions))
    });
    judging.level(value, &about);
    for (waited, row) in waits.iter().skip(1) {
        let found = format!(
            "{} ({})",
            told(Unit::Seconds, *waited),
            chain(*row, &sessions)
        );
        let verdict = levels.judge(*waited);
        let finding = Finding::new(what.as_str(), levels.expected(Unit::Seconds), found, true);
        if verdict != Verdict::Pass {
            judging.found.note(finding.worth(verdict));
        }
    }
    Some(())
}

/// `A waits for B waits for C`.
fn chain(waiting: Row<'_>, sessions: &Sessions<'_>) -> String {
    let mut told = about(waiting);
    let mut blockers = waiting.text("blockers").unwrap_or_default();
    for _ in 0..LINKS {
        let Some(next) = blocker(blockers, sessions) else {
            break;
        };
        let Some(row) = sessions.get(next) else {
            // The pid of a prepared transaction is 0.
            let end = if next == "0" {
                "a prepared transaction".to_owned()
            } else {
                format!("pid {next}")
            };
            return format!("{told} waits for {end}");
        };
        told = format!("{told} waits for {}", busy(*row));
        blockers = row.text("blockers").unwrap_or_default();
    }
    told
}

/// Of all who are in the way, one who does not wait itself: it is what the others wait for, too.
fn blocker<'a>(blockers: &'a str, sessions: &Sessions<'_>) -> Option<&'a str> {
    let pids = || blockers.split(' ').filter(|pid| !pid.is_empty());
    let waits = |pid: &str| {
        sessions
            .get(pid)
            .is_some_and(|row| row.text("blockers").is_some())
    };
    pids().find(|pid| !waits(pid)).or_else(|| pids().next())
}

/// Who is waited for; where it does nothing, since when, and what it did last.
fn busy(row: Row<'_>) -> String {
    let is_idle = row
        .text("state")
        .is_some_and(|state| state.starts_with("idle"));
    match row.span("since").filter(|_| is_idle) {
        Some(since) => {
            let idle = human(since);
            let (name, runs) = (row.text("name").unwrap_or_default(), row.text("runs"));
            let runs = statement(runs.unwrap_or_default());
            format!("{name}, idle for {idle}: {runs}")
        }
        None => about(row),
    }
}
