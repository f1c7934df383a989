//! Goes through all that is to be asked, over one connection, one after the other, within the time of the look.
//!
//! Results hold for a while, and what is dear is asked less often: no question may take more than a share of its time.

use std::time::Duration;

use tokio::time::Instant;

use super::found::Found;
use super::link::{Answer, Fault, Limits, Link, Refusal};
use super::past::Past;
use super::server::{Needs, Server};
use super::task::Task;
use crate::core::metric::Unit;
use crate::core::time::human;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;

/// What is left of the time of a look for its end.
const RESERVE: Duration = Duration::from_millis(50);
/// Nothing is asked with less time than this.
const LEAST: Duration = Duration::from_millis(20);
/// How long a question waits for a lock; after one was waited for in vain, how long the rest do.
const LOCK: Duration = Duration::from_millis(100);
const LOCK_AFTER: Duration = Duration::from_millis(20);
/// Over what time our share is told, and from when on.
const SHARE_WINDOW: Duration = Duration::from_hours(1);
const SHARE_SHORTEST: Duration = Duration::from_mins(1);

/// A question that is put off by less than this is not worth a word.
const LATER: Duration = Duration::from_secs(10);

/// SQLSTATEs (PostgreSQL manual, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What looks leave for the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// In the order of the tasks.
    slots: Vec<Slot>,
    /// What all questions have taken since then.
    spent: Option<(Instant, Duration)>,
}

#[derive(Debug, Default)]
struct Slot {
    found: Option<Found>,
    past: Past,
    last: Option<Last>,
    /// Whether it was left out of this look, because it is dear.
    is_held_back: bool,
}

/// When it was asked.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: Instant,
    took: Duration,
    due: Instant,
}

impl Slot {
    /// Whether it is to be asked now.
    fn is_due(&mut self, task: &Task, now: Instant) -> bool {
        let wanted = |last: Last| last.at + task.every() <= now;
        let held = |last: Last| now < last.due;
        self.is_held_back = self.last.is_some_and(|last| wanted(last) && held(last));
        self.last.is_none_or(|last| !held(last))
    }
}

impl Memory {
    /// Asks what is due. `share` is what a question may take of its time, in percent. Says how long it took, and
    /// whether the connection can be used again.
    pub(super) async fn ask(
        &mut self,
        (tasks, share): (&[Task], f64),
        link: &mut Link,
        server: &Server,
        trace: &mut Trace,
    ) -> Result<(Duration, bool), Fault> {
        self.slots.resize_with(tasks.len(), Slot::default);
        let begun = Instant::now();
        let mut due: Vec<(&Task, &mut Slot)> = tasks
            .iter()
            .zip(&mut self.slots)
            .filter_map(|(task, slot)| slot.is_due(task, begun).then_some((task, slot)))
            .collect();
        // Who has waited longest is first, should the time not be enough for all.
        due.sort_by_key(|(_, slot)| slot.last.map(|last| last.due));
        let (mut lock, mut spent) = (LOCK, Duration::ZERO);
        for (task, slot) in due {
            if let Some(grant) = server.lacks(task.needs()) {
                slot.found = Some(hidden(task, grant));
                continue;
            }
            let Some(question) = task.ask(server) else {
                slot.found = None;
                continue;
            };
            let left = trace.left().saturating_sub(RESERVE);
            if left < LEAST {
                let none = || Found::unknown(&task.what(), "no time was left");
                slot.found.get_or_insert_with(none);
                continue;
            }
            let at = Instant::now();
            let limits = Limits {
                statement: left / 2,
                lock,
            };
            let answer = link.ask(&question, limits).await;
            // A long way to the server is no cost of the question.
            let took = at.elapsed().saturating_sub(link.way);
            spent += took;
            let rest = took.mul_f64(100.0 / share);
            let due = at + rest.max(task.every());
            slot.last = Some(Last { at, took, due });
            slot.found = Some(match answer {
                Ok(Answer::Rows(rows)) => task
                    .judge(&rows, &mut slot.past, server, at)
                    .unwrap_or_else(|| Found::unknown(&task.what(), "it answered oddly")),
                Ok(Answer::Refused(refusal)) => {
                    if refusal.code == LOCK_NOT_AVAILABLE {
                        lock = LOCK_AFTER;
                    }
                    refused(task, &refusal, server)
                }
                // What a question of the user's own does to the connection is not the server's fault.
                Err(fault) if matches!(task, Task::Query(_)) => {
                    slot.found = Some(Found::unknown(&task.what(), &fault.reason()));
                    return Ok((spent, false));
                }
                Err(fault) => return Err(fault),
            });
        }
        Ok((spent, true))
    }

    /// Tells all that is known.
    pub(super) fn tell(
        &mut self,
        (tasks, share): (&[Task], f64),
        spent: Duration,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) {
        let mut unseen: Vec<&str> = Vec::new();
        for (task, slot) in tasks.iter().zip(&self.slots) {
            let Some(found) = &slot.found else { continue };
            found.tell(judgement, trace);
            unseen.extend(found.unseen.as_deref());
            let Some(last) = slot.last.filter(|_| slot.is_held_back) else {
                continue;
            };
            let (what, rest) = (task.what(), last.due - last.at);
            if rest >= LATER {
                let (rest, took) = (human(rest), human(last.took));
                judgement.mention(format!("{what} is dear: {took}, every {rest} only"));
            }
        }
        trace.note(|| {
            let expected = format!("each at most {} of its time", Unit::Percent.show(share));
            Finding::new("cost", expected, self.costs(tasks), true)
        });
        for text in not_seen(&unseen) {
            judgement.mention(text);
        }
        self.cost(tasks, (Instant::now(), spent), judgement);
    }

    /// The numbers of headlines, in the order of the tasks.
    pub(super) fn headline(&self) -> Option<&str> {
        let mut found = self.slots.iter().filter_map(|slot| slot.found.as_ref());
        found.find_map(|found| found.headline.as_deref())
    }

    /// What each question took when it was last asked, the dearest first.
    fn costs(&self, tasks: &[Task]) -> String {
        let slots = tasks.iter().zip(&self.slots);
        let taken = slots.filter_map(|(task, slot)| slot.last.map(|last| (last.took, task.what())));
        let mut taken: Vec<_> = taken.collect();
        taken.sort_by(|(one, _), (other, _)| other.cmp(one));
        let told = taken
            .iter()
            .map(|(took, what)| format!("{what} {}", human(*took)));
        told.collect::<Vec<_>>().join(", ")
    }

    /// What we cost: in this look, in the last hour, and as far as there is room each question by itself.
    fn cost(
        &mut self,
        tasks: &[Task],
        (now, spent): (Instant, Duration),
        judgement: &mut Judgement,
    ) {
        judgement.metric("suite", spent.as_secs_f64(), Unit::Seconds);
        let (since, sum) = self.spent.get_or_insert((now, Duration::ZERO));
        *sum += spent;
        let (time, all) = (now - *since, *sum);
        if time >= SHARE_SHORTEST {
            let share = 100.0 * all.as_secs_f64() / time.as_secs_f64();
            judgement.metric("suite share", share, Unit::Percent);
        }
        if time >= SHARE_WINDOW {
            self.spent = None;
        }
        for (task, slot) in tasks.iter().zip(&self.slots) {
            if let Some(last) = slot.last {
                let name = format!("cost of {}", task.what());
                judgement.metric(&name, last.took.as_secs_f64(), Unit::Seconds);
            }
        }
    }
}

/// How many aspects each of these grants would let us see.
fn not_seen(grants: &[&str]) -> Vec<String> {
    let mut told: Vec<(&str, usize)> = Vec::new();
    for grant in grants {
        match told.iter_mut().find(|(known, _)| known == grant) {
            Some((_, number)) => *number += 1,
            None => told.push((grant, 1)),
        }
    }
    let texts = told.iter().map(|(grant, number)| match number {
        1 => format!("1 aspect not seen: {grant}"),
        more => format!("{more} aspects not seen: {grant}"),
    });
    texts.collect()
}

/// We may not see it.
fn hidden(task: &Task, grant: String) -> Found {
    if task.is_written() {
        Found::unknown(&task.what(), &grant)
    } else {
        Found::unseen(&task.what(), grant)
    }
}

/// What it means that a question was refused.
fn refused(task: &Task, refusal: &Refusal, server: &Server) -> Found {
    let Refusal { code, message } = refusal;
    let reason = match code.as_str() {
        LOCK_NOT_AVAILABLE => "lock_timeout, somebody holds a lock that it needs".to_owned(),
        QUERY_CANCELED => "statement_timeout".to_owned(),
        // A role that has all that is usual meets what somebody has revoked: then only the server says what it is.
        INSUFFICIENT_PRIVILEGE if !matches!(task, Task::Query(_)) => {
            let grant = server.lacks(Needs::Monitor);
            return hidden(task, grant.unwrap_or_else(|| message.clone()));
        }
        _ => format!("{message} (SQLSTATE {code})"),
    };
    Found::unknown(&task.what(), &reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_is_told_with_how_much_it_would_show() {
        assert_eq!(not_seen(&[]), [""; 0]);
        assert_eq!(
            not_seen(&["GRANT a TO b", "GRANT c TO b", "GRANT a TO b"]),
            [
                "2 aspects not seen: GRANT a TO b",
                "1 aspect not seen: GRANT c TO b"
            ]
        );
    }
}
