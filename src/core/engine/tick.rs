//! Decisions that only the passing of time calls for.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Engine, Watched};
use crate::core::event::Event;
use crate::core::heartbeat::{Beat, Lapse};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::remedy;
use crate::core::state::{Phase, Reason, Step};
use crate::core::time::{Time, human};
use crate::core::uptime::WINDOW;

/// Most checks that one tick decides upon, so that a boundary that all checks share does not hold up a
/// ping; what is left over is due at once again.
const PER_TICK: usize = 512;

impl Engine {
    /// Everything that is due at `now`; nothing before the first plan, since only that has the rules to decide by.
    pub(super) fn tick(&self, now: Time) -> Vec<Event> {
        if self.roster.checks.is_empty() {
            return Vec::new();
        }
        let due = self
            .wakes
            .iter()
            .take_while(|&&(at, _)| at <= now)
            .take(PER_TICK);
        let woken = due
            .filter_map(|&(_, check)| self.watched(check))
            .flat_map(|watched| self.wake(now, watched));
        woken.chain(self.released(now)).collect()
    }

    /// Whoever is in trouble while its parent is well again, or its remedy had the time to help: nobody was told
    /// of it, and a heartbeat that stays silent would give no other occasion.
    fn released(&self, now: Time) -> Vec<Event> {
        let held = self.held.iter().filter_map(|&check| self.watched(check));
        held.filter(|watched| watched.hopes_until().is_none_or(|until| until <= now))
            .filter(|watched| self.held_by(watched).is_none())
            .take(PER_TICK)
            .flat_map(|watched| self.release(now, watched))
            .collect()
    }

    fn wake(&self, now: Time, watched: &Watched) -> Vec<Event> {
        let mut events = Vec::new();
        if watched.record.tally.end() <= now {
            let mut tally = watched.record.tally.clone();
            tally.account(tally.end(), watched.phase(), watched.record.is_known());
            if now.since(tally.end()) > WINDOW {
                // Nobody kept the account for longer than a window: that time is in no state, and the next
                // window is the one of now.
                tally.until = now;
            }
            events.push(Event::Tallied {
                check: watched.id,
                tally,
            });
        }
        let former = watched.record.beat.as_ref().and_then(Beat::former_until);
        if former.is_some_and(|until| until <= now) {
            events.push(Event::BeatUnheard {
                check: watched.id,
                at: now,
            });
        }
        let hope = watched.hopes_until().filter(|_| watched.is_held());
        if hope.is_some_and(|until| until <= now) {
            events.push(Event::Remedy {
                check: watched.id,
                at: now,
                step: remedy::Step::InVain,
            });
        }
        let overdue = watched.overdue_at().filter(|&(at, _)| at <= now);
        if let Some((at, reason)) = overdue.filter(|_| !self.is_deaf_to(watched)) {
            events.extend(self.lapsed(now, watched, at, reason));
            // It has just turned, so that whatever was steady is not any more.
        } else if watched.calm_at().is_some_and(|at| at <= now) {
            events.push(Event::FlappingEnded {
                check: watched.id,
                at: now,
            });
            events.extend(self.settle(now, watched));
        }
        events
    }

    /// Something was expected of a heartbeat until `at` and did not come: it is down, or that is tolerated.
    fn lapsed(&self, now: Time, watched: &Watched, at: Time, reason: Reason) -> Vec<Event> {
        let (Some(rule), Some(beat)) = (&watched.check.heartbeat, &watched.record.beat) else {
            return Vec::new();
        };
        let said = silence(watched, &reason, &self.roster.zone);
        let (missing, most) = (beat.missed.saturating_add(1), rule.missed_after);
        let what = if reason == Reason::Unfinished {
            Lapse::End
        } else {
            Lapse::Ping
        };
        let (outcome, reason) = match what {
            Lapse::Ping if missing < most => {
                let said = format!("{said} ({missing} missing, down at {most})");
                let outcome = Outcome::new(Verdict::Warn, &said);
                (outcome, Reason::Missed(missing))
            }
            Lapse::Ping if most > 1 => (Outcome::fail(&said), Reason::Missed(missing)),
            Lapse::Ping | Lapse::End => (Outcome::fail(&said), reason),
        };
        let state = watched.record.state;
        let after = state.heard(outcome.verdict, reason.clone(), watched.check.fail_after);
        let (Step::Stay(after) | Step::Turn(after, _)) = after;
        let mut events = self.judge(now, watched, at, &outcome, Some(reason));
        // One that is down has nothing to expect.
        events.extend((after.phase() != Phase::Down).then(|| Event::Lapsed {
            check: watched.id,
            at,
            what,
            next: beat.next_after(what, at, &watched.check.schedule),
        }));
        events
    }

    /// When flapping ends, what was told last is compared with the truth and put right.
    fn settle(&self, now: Time, watched: &Watched) -> Vec<Event> {
        let open = watched
            .record
            .incident
            .as_ref()
            .and_then(|id| self.incidents.get(id));
        let good = !watched.is_trouble(watched.phase()) && watched.phase() != Phase::Paused;
        match open.filter(|_| good) {
            Some(incident) => {
                let steady = watched.check.flapping.map_or_else(
                    || "no longer looked at for flapping".to_owned(),
                    |f| format!("steady for {}", human(f.calm())),
                );
                let why = format!("{} and {steady}", watched.phase().word());
                self.close(now, incident, &why)
            }
            None => Vec::new(),
        }
    }
}

/// What is said of a heartbeat that was not heard, by the clocks of `zone`.
fn silence(watched: &Watched, reason: &Reason, zone: &TimeZone) -> String {
    let shown = |at: Time| at.shown(zone);
    let beat = watched.record.beat.as_ref();
    let started = beat.and_then(Beat::first_to_end).map(|run| run.at);
    let last = beat.and_then(|beat| beat.last_ping);
    let expected = beat.and_then(|beat| beat.expected);
    match (reason, started, last, expected) {
        (Reason::Unfinished, Some(started), ..) => {
            format!("started {} and not finished since", shown(started))
        }
        (_, _, Some(last), Some(expected)) => {
            let deaf = beat.map(|beat| beat.deaf).unwrap_or_default();
            // Whoever says when it happened is always some milliseconds late.
            let waited = if deaf < Duration::from_secs(1) {
                String::new()
            } else {
                format!(", and {} longer because it could not be heard", human(deaf))
            };
            format!(
                "no ping since {}, expected by {}{waited}",
                shown(last),
                shown(expected)
            )
        }
        _ => "no ping yet".to_owned(),
    }
}
