//! What processes are worth.

use std::time::Duration;

use super::seen::{Row, Seen};
use super::{Before, Settings};
use crate::core::metric::Unit::{self, Bytes, Count, Percent, Seconds};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::time::{Time, human};
use crate::probe::finding::Finding;
use crate::probe::level::{Judgement, Levels, bytes as float};
use crate::probe::trace::Trace;

/// Why processes can be hidden, and what to do.
const HIDDEN: &str = "processes of others are hidden from us; set ProtectProc=default in our unit, or mount /proc \
                      without hidepid=";

impl Settings {
    /// What it is worth, and what to remember of it.
    pub(super) fn judge(
        &self,
        seen: Seen,
        before: Option<Before>,
        now: Time,
        trace: &mut Trace,
    ) -> (Outcome, Before) {
        let mut judgement = Judgement::default();
        if seen.hidden && seen.rows.is_empty() {
            judgement.add(Verdict::Unknown, || HIDDEN.to_owned());
        } else {
            self.number(&seen, &mut judgement, trace);
        }
        zombies(&seen.rows, &mut judgement, trace);
        let (own, children) = (sums(&seen.rows), sums(&seen.children));
        if !seen.rows.is_empty() {
            let counted = |own, children| {
                if self.with_children {
                    own + children
                } else {
                    own
                }
            };
            let memory = counted(own.memory, children.memory);
            let used = before.as_ref().and_then(|before| self.used(&seen, before));
            let values = [
                ("cpu", used, Percent, self.cpu),
                ("memory", Some(float(memory)), Bytes, self.memory),
                ("threads", Some(float(own.threads)), Count, self.threads),
                (
                    "children",
                    Some(float(children.number)),
                    Count,
                    self.children,
                ),
                ("open files", own.files.map(float), Count, self.files),
            ];
            for (what, value, unit, levels) in values {
                level(what, (value, unit), levels, &mut judgement, trace);
            }
        }
        let (eldest, restarted) = self.restarted(&seen, before, now, &mut judgement, trace);
        let good = format!(
            "{}, memory {}",
            processes(own.number),
            Bytes.show(float(own.memory))
        );
        if let Some(age) = age(&seen) {
            judgement.metric("age", age.as_secs_f64(), Seconds);
        }
        let (up, mut rows) = (seen.up, seen.rows);
        rows.extend(seen.children);
        let now = Before {
            up,
            rows,
            eldest,
            restarted,
        };
        (judgement.outcome(&good), now)
    }

    /// How many there are.
    fn number(&self, seen: &Seen, judgement: &mut Judgement, trace: &mut Trace) {
        let number = seen.rows.iter().filter(|row| !row.zombie).count();
        let enough = number >= self.least && self.most.is_none_or(|most| number <= most);
        let expected = match self.most {
            Some(most) => format!("{} to {most}", self.least),
            None => format!("{} or more", self.least),
        };
        let finding = || Finding::new("processes", expected.as_str(), number.to_string(), enough);
        judgement.holds(trace, finding, || match (&seen.nothing, number) {
            (Some(reason), 0) => reason.clone(),
            _ => format!(
                "{} of {}, not {expected}",
                processes(number as u64),
                self.target()
            ),
        });
        judgement.metric("processes", float(number as u64), Count);
    }

    /// How much of a processor they had since the look before, in percent of one; none where no time has passed.
    fn used(&self, seen: &Seen, before: &Before) -> Option<f64> {
        let time = seen.up.checked_sub(before.up)?.as_secs_f64();
        let children = seen.children.iter().filter(|_| self.with_children);
        let ticks = seen.rows.iter().chain(children).map(|row| {
            let same = |old: &&Row| (old.pid, old.start) == (row.pid, row.start);
            match before.rows.iter().find(same) {
                Some(old) => row.ticks.saturating_sub(old.ticks),
                // It is new, and has used all of it since; or it has become one of ours.
                None if row.start >= ticks_at(before.up, seen.second) => row.ticks,
                None => 0,
            }
        });
        let seconds = float(ticks.sum()) / float(seen.second);
        (time > 0.0).then(|| seconds / time * 100.0)
    }

    /// Whether the oldest is another than at the look before: it was started again. One that is not there is not
    /// forgotten, so that its return is a restart.
    fn restarted(
        &self,
        seen: &Seen,
        before: Option<Before>,
        now: Time,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) -> (Option<(i32, u64)>, Option<Time>) {
        let eldest = eldest(seen).map(|row| (row.pid, row.start));
        let (old, at) = before.map_or((None, None), |before| (before.eldest, before.restarted));
        let replaced = eldest.is_some() && old.is_some() && eldest != old;
        let at = at.filter(|at| now.since(*at) < self.signs);
        let at = if replaced { Some(now) } else { at };
        let finding = || {
            let found = at.map_or_else(|| "not".to_owned(), |at| format!("{at}"));
            let verdict = at.map_or(Verdict::Pass, |_| Verdict::Warn);
            Finding::new("started again", "not", found, true).worth(verdict)
        };
        judgement.holds(trace, finding, || {
            let pid = eldest.or(old).map_or(0, |(pid, _)| pid);
            format!("started again within {} (now {pid})", human(self.signs))
        });
        (eldest.or(old), at)
    }
}

/// A number that has levels, or nothing: what has levels must be seen.
fn level(
    what: &str,
    (value, unit): (Option<f64>, Unit),
    levels: Levels,
    judgement: &mut Judgement,
    trace: &mut Trace,
) {
    match value {
        Some(value) => judgement.level(trace, what, (value, unit), levels),
        None if what == "open files" && levels != Levels::default() => {
            let said = "open files of others are seen by root only; run Belfry as their user, or drop their levels";
            trace.note(|| Finding::new(what, "to be seen", "hidden", true).worth(Verdict::Unknown));
            judgement.add(Verdict::Unknown, || said.to_owned());
        }
        None => {}
    }
}

/// Those that have ended and whose parents do not take note of it.
fn zombies(rows: &[Row], judgement: &mut Judgement, trace: &mut Trace) {
    let mut zombies = rows.iter().filter(|row| row.zombie);
    let first = zombies.next();
    let found = first.map_or(0, |_| 1 + zombies.count());
    let finding = || Finding::new("zombies", "none", found.to_string(), found == 0);
    judgement.holds(trace, finding, || {
        let (name, pid, parent) = first.map_or(("", 0, 0), |row| (&*row.comm, row.pid, row.parent));
        format!(
            "{name} ({pid}) is a zombie: it has ended and its parent {parent} does not take note"
        )
    });
}

/// What processes take together.
struct Sums {
    number: u64,
    memory: u64,
    threads: u64,
    /// None where those of one are hidden.
    files: Option<u64>,
}

fn sums(rows: &[Row]) -> Sums {
    Sums {
        number: rows.iter().filter(|row| !row.zombie).count() as u64,
        memory: rows.iter().map(|row| row.memory).sum(),
        threads: rows.iter().map(|row| row.threads).sum(),
        files: rows.iter().map(|row| row.files).sum(),
    }
}

fn eldest(seen: &Seen) -> Option<&Row> {
    let living = seen.rows.iter().filter(|row| !row.zombie);
    living.min_by_key(|row| (row.start, row.pid))
}

/// How long the oldest runs.
fn age(seen: &Seen) -> Option<Duration> {
    let start = Duration::from_millis(eldest(seen)?.start.saturating_mul(1_000) / seen.second);
    Some(seen.up.saturating_sub(start))
}

fn ticks_at(up: Duration, second: u64) -> u64 {
    u64::try_from(up.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_mul(second)
        / 1_000
}

fn processes(number: u64) -> String {
    match number {
        0 => "no process".to_owned(),
        1 => "1 process".to_owned(),
        number => format!("{number} processes"),
    }
}
