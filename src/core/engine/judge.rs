//! Decisions about one check: what a look or a ping means, and what follows from a turn.

use std::sync::Arc;

use super::{Engine, Watched};
use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::heartbeat::{Ping, Signal};
use crate::core::incident::{Entry, Incident, IncidentId};
use crate::core::outbox::Kind;
use crate::core::outcome::{LATENCY, Outcome, Verdict, micros};
use crate::core::state::{Phase, Reason, State, Step};
use crate::core::time::Time;

impl Engine {
    /// A probe has looked.
    pub(super) fn observe(
        &self,
        now: Time,
        check: CheckId,
        at: Time,
        outcome: &Outcome,
    ) -> Vec<Event> {
        match self.watched(check).filter(|watched| watched.active) {
            Some(watched) => {
                let outcome = self.believed(watched, at, outcome);
                let mut events = self.judge(now, watched, at, &outcome, None);
                events.extend(self.deaf_until(now, watched, &outcome));
                events
            }
            // The check was removed while the probe was under way.
            None => Vec::new(),
        }
    }

    /// A job has reported in.
    pub(super) fn hear(&self, now: Time, check: CheckId, ping: &Ping) -> Vec<Event> {
        let Some(watched) = self
            .watched(check)
            .filter(|watched| watched.active && watched.record.beat.is_some())
        else {
            return Vec::new();
        };
        let rule = watched.check.heartbeat.as_ref();
        let signal = rule.map_or(ping.signal, |rule| rule.meaning(watched.phase(), ping));
        let ping = Ping {
            signal,
            ..ping.clone()
        };
        let before = watched.record.beat.as_ref().map_or(0, |beat| beat.pings);
        let (at, heard) = (ping.at, heard(watched, &ping));
        let n = before + 1;
        let mut events = vec![Event::Pinged { check, n, ping }];
        if let Some((outcome, why)) = heard {
            events.extend(self.judge(now, watched, at, &outcome, Some(why)));
        }
        events
    }

    /// What one look does: the look itself, a turn, and what the turn means for the incident. `why` is said of
    /// the evidence of a heartbeat.
    pub(super) fn judge(
        &self,
        now: Time,
        watched: &Watched,
        at: Time,
        outcome: &Outcome,
        why: Option<Reason>,
    ) -> Vec<Event> {
        let mut events = vec![Event::Observed {
            check: watched.id,
            at,
            outcome: outcome.clone(),
        }];
        let state = watched.record.state;
        let step = match why {
            Some(why) => state.heard(outcome.verdict, why, watched.check.fail_after),
            None => state.step(outcome.verdict, watched.check.thresholds()),
        };
        let (state, reason) = match step {
            Step::Stay(state) => (state, watched.record.reason.clone()),
            Step::Turn(state, reason) => {
                events.extend(turned(now, watched, state, &reason));
                (state, reason)
            }
        };
        let (phase, failures) = (state.phase(), state.failures());
        let attempt = self.attempt(now, watched, (at, outcome), (phase, failures));
        let quiet = watched.check.remedy.as_ref().is_some_and(|rule| rule.quiet);
        let hopes = quiet && attempt.is_some() || watched.hopes(at);
        events.extend(attempt);
        let began = events
            .iter()
            .any(|event| matches!(event, Event::FlappingBegan { .. }));
        let flapping = watched.record.flapping || began;
        events.extend(self.follow(
            now,
            watched,
            &After {
                phase,
                reason,
                outcome,
                flapping,
                hopes,
            },
        ));
        events
    }

    /// Opens, worsens or closes the incident, as the phase after a look asks for.
    fn follow(&self, now: Time, watched: &Watched, after: &After<'_>) -> Vec<Event> {
        let open = watched
            .record
            .incident
            .as_ref()
            .and_then(|id| self.incidents.get(id));
        let trouble = watched.is_trouble(after.phase);
        match open {
            // One of them is released by [`Engine::tick`] when nothing holds it any more.
            None if trouble && !after.hopes && self.held_by(watched).is_none() => {
                self.open(now, watched, after)
            }
            Some(incident) if after.phase == Phase::Down && incident.worst == Phase::Degraded => {
                self.worsen(now, watched, incident, after)
            }
            Some(incident) if !trouble && !after.flapping && after.phase != Phase::Paused => {
                let why = format!("{}: {}", after.phase.word(), after.outcome.message());
                self.close(now, incident, &why)
            }
            Some(incident) if after.phase != watched.phase() => {
                vec![Event::IncidentNoted {
                    incident: incident.id.clone(),
                    at: now,
                    text: format!("{}: {}", after.phase.word(), after.outcome.message()).into(),
                }]
            }
            _ => Vec::new(),
        }
    }

    /// Opens the incident of a check whose alert was held until now.
    pub(super) fn release(&self, now: Time, watched: &Watched) -> Vec<Event> {
        let outcome = watched.record.last.as_ref().map(|last| &last.outcome);
        outcome.map_or_else(Vec::new, |outcome| {
            let after = After {
                phase: watched.phase(),
                reason: watched.record.reason.clone(),
                outcome,
                flapping: watched.record.flapping,
                hopes: false,
            };
            self.open(now, watched, &after)
        })
    }

    fn open(&self, now: Time, watched: &Watched, after: &After<'_>) -> Vec<Event> {
        let name = Arc::clone(&watched.check.name);
        let first_failure = watched.record.failing_since.unwrap_or(now);
        let (reason, evidence) = (&after.reason, after.outcome.message());
        let entry = |at, text: String| Entry {
            at,
            text: text.into(),
        };
        let mut timeline = vec![entry(first_failure, format!("first failure: {evidence}"))];
        let tried = watched.record.tried.iter();
        let tried = tried.flat_map(|tried| tried.since(first_failure));
        timeline.extend(tried.map(|tried| entry(tried.at, format!("remedy: {}", tried.text))));
        timeline.push(entry(now, format!("{reason}: {}", after.phase.word())));
        // Another may have had this name a moment ago, and be called otherwise by now.
        let id_of = |count| IncidentId::new(&self.roster.node, &name, now, count);
        let mut count = watched.record.incidents;
        while self.incident(&id_of(count)).is_some() {
            count += 1;
        }
        let id = id_of(count);
        let incident = Incident {
            id,
            check: watched.id,
            name,
            opened: now,
            closed: None,
            worst: after.phase,
            reason: reason.to_string().into(),
            evidence: evidence.as_str().into(),
            first_failure,
            acknowledged: None,
            timeline,
        };
        let alarms = self.alarm(now, &watched.check, &incident, Kind::Opened);
        std::iter::once(Event::IncidentOpened { incident })
            .chain(alarms)
            .collect()
    }

    fn worsen(
        &self,
        now: Time,
        watched: &Watched,
        incident: &Incident,
        after: &After<'_>,
    ) -> Vec<Event> {
        let worse = Event::IncidentWorsened {
            incident: incident.id.clone(),
            at: now,
            reason: after.reason.to_string().into(),
            evidence: after.outcome.message().into(),
        };
        let alarms = self.alarm(now, &watched.check, incident, Kind::Worsened);
        std::iter::once(worse).chain(alarms).collect()
    }

    /// Closes an incident and tells whoever was told of it.
    pub(super) fn close(&self, now: Time, incident: &Incident, why: &str) -> Vec<Event> {
        let closed = Event::IncidentClosed {
            incident: incident.id.clone(),
            at: now,
            why: why.into(),
        };
        std::iter::once(closed)
            .chain(self.all_clear(now, incident))
            .collect()
    }
}

/// A check after a look.
struct After<'a> {
    phase: Phase,
    reason: Reason,
    outcome: &'a Outcome,
    flapping: bool,
    /// Whether a remedy may have helped already: this look does not say.
    hopes: bool,
}

/// The turn into `state`, and the beginning of flapping when there were too many.
pub(super) fn turned(now: Time, watched: &Watched, state: State, reason: &Reason) -> Vec<Event> {
    let turn = Event::Turned {
        check: watched.id,
        at: now,
        from: watched.phase(),
        state,
        reason: reason.clone(),
    };
    let began = watched
        .check
        .flapping
        .filter(|_| !watched.record.flapping)
        .is_some_and(|flapping| {
            let lately = watched
                .record
                .turns
                .iter()
                .filter(|&&turn| turn + flapping.within > now)
                .count();
            // The first good look after the start is no turn that anybody saw.
            watched.phase() != Phase::New && lately + 1 >= usize::from(flapping.turns)
        });
    let began = began.then_some(Event::FlappingBegan {
        check: watched.id,
        at: now,
    });
    std::iter::once(turn).chain(began).collect()
}

/// A ping as a look: none for one that says neither good nor bad.
fn heard(watched: &Watched, ping: &Ping) -> Option<(Outcome, Reason)> {
    let mut beat = watched.record.beat.clone()?;
    if beat.is_over(ping) {
        return None;
    }
    beat.heard(ping, &watched.check.schedule);
    let (verdict, what, why) = match ping.signal {
        Signal::Start | Signal::Log | Signal::Ignored => return None,
        Signal::Success | Signal::Exit(0) => {
            (Verdict::Pass, "job succeeded".to_owned(), Reason::Heard)
        }
        Signal::Fail => (
            Verdict::Fail,
            "job reported a failure".to_owned(),
            Reason::JobFailed,
        ),
        Signal::Exit(code) => (
            Verdict::Fail,
            format!("job failed with exit code {code}"),
            Reason::JobFailed,
        ),
    };
    let said = if verdict == Verdict::Pass {
        String::new()
    } else {
        beat.said(&ping.body)
    };
    let outcome = match beat.last_took {
        Some(took) => Outcome {
            latency_us: Some(micros(took)),
            text: format!("{what} after {LATENCY}{said}").into(),
            ..Outcome::new(verdict, "")
        },
        None => Outcome::new(verdict, &format!("{what}{said}")),
    };
    Some((outcome, why))
}
