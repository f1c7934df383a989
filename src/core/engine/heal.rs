//! Decisions about remedies: when one is tried, and how long people are not told because of it.

use std::sync::Arc;

use super::{Engine, Watched};
use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::remedy::{Rule, Step, Tried};
use crate::core::state::Phase;
use crate::core::text;
use crate::core::time::Time;

/// Longest report of a remedy, in characters.
const REPORT: usize = 300;

impl Engine {
    /// Whether a look that found `failures` in a row calls for an attempt.
    pub(super) fn attempt(
        &self,
        now: Time,
        watched: &Watched,
        (at, outcome): (Time, &Outcome),
        (phase, failures): (Phase, u32),
    ) -> Option<Event> {
        let rule = watched.check.remedy.as_ref()?;
        let untried = Tried::default();
        let tried = watched.record.tried.as_deref().unwrap_or(&untried);
        let failed = outcome.verdict == Verdict::Fail && phase != Phase::Paused;
        let called = failed && rule.asks(tried, failures, at, now);
        // What is broken by its parent is healed there; and where somebody is at work, nothing happens by itself.
        if !called || self.is_acknowledged(watched) || self.held_by(watched).is_some() {
            return None;
        }
        let step = Step::Began {
            what: Arc::clone(&rule.what),
            is_last: rule.is_last(tried, now),
        };
        Some(Event::Remedy {
            check: watched.id,
            at: now,
            step,
        })
    }

    /// An attempt has ended.
    pub(super) fn remedied(
        &self,
        now: Time,
        check: CheckId,
        began: Time,
        report: &str,
    ) -> Vec<Event> {
        let watched = self.watched(check);
        let tried = watched.and_then(|watched| Some((watched, watched.record.tried.as_ref()?)));
        let Some((watched, _)) = tried.filter(|(_, tried)| tried.under_way() == Some(began)) else {
            return Vec::new();
        };
        let text: Arc<str> = text::line(report, REPORT).into();
        let noted = watched.record.incident.as_ref();
        let noted = noted.map(|incident| Event::IncidentNoted {
            incident: incident.clone(),
            at: now,
            text: format!("remedy: {text}").into(),
        });
        let ended = Event::Remedy {
            check,
            at: now,
            step: Step::Ended { text },
        };
        std::iter::once(ended).chain(noted).collect()
    }

    fn is_acknowledged(&self, watched: &Watched) -> bool {
        let incident = watched.record.incident.as_ref();
        incident
            .and_then(|id| self.incidents.get(id))
            .is_some_and(|incident| incident.acknowledged.is_some())
    }

    /// The checks for which a remedy is under way.
    pub fn remedied_now(&self) -> impl Iterator<Item = &Arc<Watched>> {
        let checks = self.remedied.iter();
        checks.filter_map(|&check| self.watched(check))
    }
}

impl Watched {
    /// Whether people are not told yet because of a remedy that a look begun at `at` says nothing of.
    pub(super) fn hopes(&self, at: Time) -> bool {
        let since = self.record.failing_since.unwrap_or(at);
        self.remedy()
            .is_some_and(|(rule, tried)| rule.hopes(tried, since, at))
    }

    /// Until when people are not told because of a remedy, should no look say anything.
    pub(super) fn hopes_until(&self) -> Option<Time> {
        let (rule, tried) = self.remedy()?;
        let since = self.record.failing_since?;
        rule.hopes_until(tried, since, self.check.timeout)
    }

    fn remedy(&self) -> Option<(&Rule, &Tried)> {
        Some((self.check.remedy.as_deref()?, self.record.tried.as_deref()?))
    }

    /// Whether a remedy is under way.
    pub fn is_remedied(&self) -> bool {
        let tried = self.record.tried.as_deref();
        tried.is_some_and(|tried| tried.running)
    }
}
