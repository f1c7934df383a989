//! What the events do to one check.

use std::sync::Arc;
use std::time::Duration;

use super::{Record, Watched};
use crate::core::check::Flapping;
use crate::core::heartbeat::{Lapse, Ping};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::remedy;
use crate::core::state::{self, Reason, Step};
use crate::core::time::Time;
use crate::core::uptime::{Tally, WINDOW};

/// How long whoever could not be heard has to try again, once we listen: jobs under `belfry wrap` do every 5 s, `curl
/// --retry` at the latest after 16 s.
const SETTLE: Duration = Duration::from_secs(20);

impl Watched {
    /// What was known of it is old by now: it begins anew, with its number, address and history.
    pub(super) fn come_back(&mut self, at: Time) {
        self.active = true;
        let old = std::mem::replace(&mut self.record, Record::new(at));
        self.record.incidents = old.incidents;
        self.record.tried = old.tried.filter(|tried| tried.running);
        self.record.beat = old.beat.map(|mut beat| {
            beat.rest();
            beat
        });
    }

    pub(super) fn observe(&mut self, at: Time, outcome: &Outcome) {
        let failing_since = self.record.failing_since;
        self.record.look(at, outcome);
        let state = self.record.state;
        let step = match self.check.heartbeat {
            Some(_) => {
                // A missing ping that is tolerated is where the trouble begins.
                if outcome.verdict == Verdict::Warn {
                    self.record.failing_since = failing_since.or(Some(at));
                }
                // Why it is so matters for turns only, and they say it themselves.
                state.heard(outcome.verdict, Reason::Heard, self.check.fail_after)
            }
            None => state.step(outcome.verdict, self.check.thresholds()),
        };
        if let Step::Stay(state) = step {
            self.record.state = state;
        }
    }

    pub(super) fn lapse(&mut self, what: Lapse, at: Time, next: Option<Time>) {
        if let Some(beat) = &mut self.record.beat {
            beat.lapse(what, at, next);
        }
    }

    pub(super) fn hear(&mut self, ping: &Ping) {
        if let Some(beat) = &mut self.record.beat {
            beat.heard(ping, &self.check.schedule);
        }
    }

    pub(super) fn treat(&mut self, at: Time, step: &remedy::Step) {
        self.record.tried.get_or_insert_default().apply(at, step);
    }

    pub(super) fn turn(&mut self, at: Time, from: state::Phase, to: state::State) {
        let known = self.record.is_known();
        self.record.tally.account(at, from, known);
        self.record.state = to;
        self.record.since = at;
        let rests = match to {
            state::State::Paused => true,
            // An operator has resumed it. A ping that ends a pause leads elsewhere.
            state::State::New { .. } => from == state::Phase::Paused,
            state::State::Up { .. } | state::State::Degraded { .. } | state::State::Down { .. } => {
                false
            }
        };
        if let Some(beat) = self.record.beat.as_mut().filter(|_| rests) {
            beat.rest();
        }
        if let (Some(tried), state::Phase::Up) = (&mut self.record.tried, to.phase()) {
            tried.spent = false;
        }
        // The first good look after the start is no turn that anybody saw.
        if from != state::Phase::New {
            self.record.turns.push(at);
            let excess = self
                .record
                .turns
                .len()
                .saturating_sub(Flapping::MAX_TURNS.into());
            self.record.turns.drain(..excess);
        }
    }

    pub(super) fn close_window(&mut self, tally: &Tally) {
        Arc::make_mut(&mut self.history).push(tally);
        self.record.tally = Tally::starting(tally.until.max(tally.end()));
    }

    /// Deadlines are later by the time in which nothing could be heard, and that time is unknown.
    pub(super) fn deafen(&mut self, from: Time, to: Time) {
        let (phase, known) = (self.phase(), self.record.is_known());
        self.record.tally.deafen(from, to, phase, known);
        if let Some(beat) = &mut self.record.beat {
            let after = |start: Time| to.since(from.max(start));
            beat.deaf += beat.counted_from().map(after).unwrap_or_default();
            beat.deafen_runs(after);
            let until = to + SETTLE.min(to.since(from));
            // A short one, as at the beginning of a busy machine, takes nothing from a long one.
            beat.patient_until = beat.patient_until.max(Some(until));
        }
    }

    /// Moves every time that something is measured from along with the clock, so that a clock set right is
    /// neither lateness nor earliness.
    pub(super) fn shift(&mut self, moved: impl Fn(Time) -> Time) {
        let record = &mut self.record;
        record.since = moved(record.since);
        record.failing_since = record.failing_since.map(&moved);
        record.unknown_since = record.unknown_since.map(&moved);
        record
            .turns
            .iter_mut()
            .for_each(|turn| *turn = moved(*turn));
        record.tally.until = moved(record.tally.until);
        record.tally.from = record.tally.until.floor(WINDOW);
        if let Some(tried) = &mut record.tried {
            tried.shift(&moved);
        }
        if let Some(beat) = &mut record.beat {
            beat.expected = beat.expected.map(&moved);
            beat.last_ping = beat.last_ping.map(&moved);
            beat.given_up = beat.given_up.map(&moved);
            beat.patient_until = beat.patient_until.map(&moved);
            for former in &mut beat.former {
                former.until = moved(former.until);
            }
            beat.shift_runs(moved);
        }
    }
}
