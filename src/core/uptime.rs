//! How long a check was in which state: windows of five minutes, summed to hours and days.

use std::collections::VecDeque;
use std::ops::AddAssign;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::metric::{self, Series, Unit};
use super::outcome::{Outcome, Verdict};
use super::sketch::Sketch;
use super::state::Phase;
use super::time::Time;

/// The window that a tally covers before it goes to the journal.
pub const WINDOW: Duration = Duration::from_mins(5);
/// Hours that are remembered one by one.
pub const HOURS: usize = 25;
/// Days that are remembered one by one: the bar on the page.
pub const DAYS: usize = 90;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Milliseconds in each state. Paused time is in none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans {
    pub up_ms: u32,
    pub degraded_ms: u32,
    pub down_ms: u32,
    /// Time in which we could not tell: not running, deaf, or the looks said unknown.
    pub unknown_ms: u32,
}

impl Spans {
    /// Up time ÷ known time, 0 to 1; Degraded is up. None when nothing is known.
    pub fn uptime(&self) -> Option<f64> {
        let up = u64::from(self.up_ms) + u64::from(self.degraded_ms);
        let known = up + u64::from(self.down_ms);
        (known > 0).then(|| ratio(up, known))
    }

    fn add(&mut self, phase: Phase, known: bool, span: Duration) {
        let ms = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
        let slot = match (phase, known) {
            (Phase::Paused, _) => return,
            (Phase::New, _) | (_, false) => &mut self.unknown_ms,
            (Phase::Up, true) => &mut self.up_ms,
            (Phase::Degraded, true) => &mut self.degraded_ms,
            (Phase::Down, true) => &mut self.down_ms,
        };
        *slot = slot.saturating_add(ms);
    }
}

impl AddAssign for Spans {
    fn add_assign(&mut self, other: Self) {
        self.up_ms = self.up_ms.saturating_add(other.up_ms);
        self.degraded_ms = self.degraded_ms.saturating_add(other.degraded_ms);
        self.down_ms = self.down_ms.saturating_add(other.down_ms);
        self.unknown_ms = self.unknown_ms.saturating_add(other.unknown_ms);
    }
}

/// What happened in one window of [`WINDOW`], which starts at `from`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub from: Time,
    /// Up to when the spans are accounted.
    pub until: Time,
    pub spans: Spans,
    /// Looks per verdict, in the order of [`Verdict::ALL`].
    pub looks: [u32; 4],
    pub sketch: Sketch,
    /// What the looks measured beside the latency, and how they spent it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Series>,
}

impl Tally {
    /// An empty tally that begins to account at `at`.
    pub fn starting(at: Time) -> Self {
        Self {
            from: at.floor(WINDOW),
            until: at,
            ..Self::default()
        }
    }

    /// When its window ends.
    pub fn end(&self) -> Time {
        self.from + WINDOW
    }

    /// Accounts the time up to `at` (not beyond the window's end) to a state. `known` is false while the
    /// looks said unknown.
    pub fn account(&mut self, at: Time, phase: Phase, known: bool) {
        let to = at.min(self.end());
        self.spans.add(phase, known, to.since(self.until));
        self.until = self.until.max(to);
    }

    /// Accounts the time from `from` to `to`, in which nothing could be known. It may reach beyond the
    /// window: a night in which we did not run is one entry, not a hundred.
    pub fn deafen(&mut self, from: Time, to: Time, phase: Phase, known: bool) {
        self.account(from, phase, known);
        self.spans.add(phase, false, to.since(self.until.max(from)));
        self.until = self.until.max(to);
    }

    /// Counts a look.
    pub fn count(&mut self, outcome: &Outcome) {
        for metric in outcome.metrics.as_deref().unwrap_or_default() {
            metric::measure(&mut self.metrics, &metric.name, metric.unit, metric.value);
        }
        for phase in outcome.phases.as_deref().unwrap_or_default() {
            let took = Duration::from_micros(phase.took_us).as_secs_f64();
            metric::measure(&mut self.metrics, &phase.name, Unit::Seconds, took);
        }
        let (verdict, latency_us) = (outcome.verdict, outcome.latency_us);
        let slot = &mut self.looks[usize::from(verdict.code())];
        *slot = slot.saturating_add(1);
        if let (Some(us), Verdict::Pass | Verdict::Warn) = (latency_us, verdict) {
            self.sketch.add(us);
        }
    }
}

/// Spans of one hour or one day, which starts at `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub from: Time,
    pub spans: Spans,
}

/// What is remembered of the time before the current window, oldest first, without gaps filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub hours: VecDeque<Slot>,
    pub days: VecDeque<Slot>,
    /// Latencies of the current and of the last full hour.
    pub sketches: [Sketch; 2],
}

impl History {
    /// Gives back the room that was grown into while it was read; there is one of these for every check.
    pub fn shrink(&mut self) {
        self.hours.shrink_to_fit();
        self.days.shrink_to_fit();
    }

    /// Takes in a finished window.
    pub fn push(&mut self, tally: &Tally) {
        if self
            .hours
            .back()
            .is_none_or(|hour| hour.from != tally.from.floor(HOUR))
        {
            let [current, last] = &mut self.sketches;
            *last = std::mem::take(current);
        }
        add(&mut self.hours, tally.from.floor(HOUR), tally.spans, HOURS);
        add(&mut self.days, tally.from.floor(DAY), tally.spans, DAYS);
        self.sketches[0].merge(&tally.sketch);
    }

    /// Spans since `from`, whole slots: hours for a day and less, days for more.
    pub fn since(&self, from: Time, now: Time) -> Spans {
        let slots = if now.since(from) <= DAY {
            &self.hours
        } else {
            &self.days
        };
        let mut sum = Spans::default();
        slots
            .iter()
            .filter(|slot| slot.from >= from)
            .for_each(|slot| sum += slot.spans);
        sum
    }
}

fn add(slots: &mut VecDeque<Slot>, from: Time, spans: Spans, limit: usize) {
    match slots.back_mut() {
        Some(slot) if slot.from == from => slot.spans += spans,
        _ => {
            while slots.len() >= limit {
                slots.pop_front();
            }
            slots.push_back(Slot { from, spans });
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of 90 days are below 2^53"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_time_is_neither_up_nor_down() {
        let mut tally = Tally::starting(Time::from_millis(0));
        tally.account(Time::from_millis(60_000), Phase::Up, true);
        tally.account(Time::from_millis(120_000), Phase::Up, false);
        tally.account(Time::from_millis(140_000), Phase::Down, true);
        assert_eq!(
            tally.spans,
            Spans {
                up_ms: 60_000,
                degraded_ms: 0,
                down_ms: 20_000,
                unknown_ms: 60_000
            }
        );
        assert_eq!(tally.spans.uptime(), Some(0.75));
    }

    #[test]
    fn paused_time_is_nothing_at_all() {
        let mut tally = Tally::starting(Time::from_millis(0));
        tally.account(Time::from_millis(60_000), Phase::Paused, true);
        assert_eq!(tally.spans.uptime(), None);
    }

    #[test]
    fn a_tally_never_accounts_beyond_its_window() {
        let mut tally = Tally::starting(Time::from_millis(0));
        tally.account(Time::from_millis(1_000_000), Phase::Up, true);
        assert_eq!(tally.spans.up_ms, 300_000);
    }

    #[test]
    fn days_are_kept_for_ninety_days() {
        let mut history = History::default();
        for day in 0..100 {
            let mut tally = Tally::starting(Time::from_millis(day * 86_400_000));
            tally.account(tally.end(), Phase::Up, true);
            history.push(&tally);
        }
        assert_eq!(history.days.len(), DAYS);
        assert_eq!(history.days[0].from, Time::from_millis(10 * 86_400_000));
    }
}
