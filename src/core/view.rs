//! What everybody but the engine sees: a snapshot of the state as of the last commit, and the questions
//! that pages, metrics and the command line ask of it.

use std::time::Duration;

use super::engine::{Engine, Watched};
use super::state::Phase;
use super::time::Time;
use super::uptime::{Slot, Spans};

/// A snapshot. Everything in it is durable.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When it was taken.
    pub at: Time,
    /// Goes up with every batch that was committed.
    pub number: u64,
    pub engine: Engine,
}

/// How many checks are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub new: usize,
    pub up: usize,
    pub degraded: usize,
    pub down: usize,
    pub paused: usize,
    /// Of the down ones, those whose alert is held because of a parent.
    pub held: usize,
}

/// The spans of time over which uptime is told.
pub const PERIODS: [(&str, Duration); 4] = [
    ("24h", Duration::from_hours(24)),
    ("7d", Duration::from_hours(7 * 24)),
    ("30d", Duration::from_hours(30 * 24)),
    ("90d", Duration::from_hours(90 * 24)),
];

impl View {
    /// How many checks are in which state.
    pub fn count(&self) -> Count {
        self.engine
            .active()
            .fold(Count::default(), |mut count, watched| {
                match watched.phase() {
                    Phase::New => count.new += 1,
                    Phase::Up => count.up += 1,
                    Phase::Degraded => count.degraded += 1,
                    Phase::Down
                        if watched.record.incident.is_none()
                            && self.engine.held_by(watched).is_some() =>
                    {
                        count.held += 1;
                    }
                    Phase::Down => count.down += 1,
                    Phase::Paused => count.paused += 1,
                }
                count
            })
    }

    /// The state of the whole: the worst state of any check, as one word of [`Phase`].
    pub fn overall(&self) -> Phase {
        let count = self.count();
        match count {
            Count { down, held, .. } if down + held > 0 => Phase::Down,
            Count { degraded, .. } if degraded > 0 => Phase::Degraded,
            Count { up, .. } if up > 0 => Phase::Up,
            Count { new, .. } if new > 0 => Phase::New,
            _ => Phase::Paused,
        }
    }

    /// Since when the whole is in this state: the oldest turn among the checks that make it so.
    pub fn since(&self) -> Option<Time> {
        let overall = self.overall();
        let since = self
            .engine
            .active()
            .filter(|w| w.phase() == overall)
            .map(|w| w.record.since);
        if overall == Phase::Up {
            since.max()
        } else {
            since.min()
        }
    }
}

/// The spans of a check over the last `period`, the running window included.
pub fn spans(watched: &Watched, now: Time, period: Duration) -> Spans {
    let mut sum = watched.history.since(now - period, now);
    let mut running = watched.record.tally.clone();
    running.account(now, watched.phase(), watched.record.is_known());
    sum += running.spans;
    sum
}

/// Up time ÷ known time of the last period, 0 to 1. None while nothing is known that is older than the
/// next shorter period: a number for 30 days is not made of two.
pub fn uptime(watched: &Watched, now: Time, period: usize) -> Option<f64> {
    let (_, span) = PERIODS.get(period)?;
    let shorter = period
        .checked_sub(1)
        .and_then(|p| PERIODS.get(p))
        .map_or(Duration::ZERO, |&(_, span)| span);
    let first = watched
        .history
        .days
        .front()
        .map_or(watched.record.tally.from, |day| day.from);
    (now.since(first) >= shorter)
        .then(|| spans(watched, now, *span).uptime())
        .flatten()
}

/// The last ninety days, oldest first, the running window added to the last one.
pub fn days(watched: &Watched, now: Time) -> Vec<Slot> {
    let mut days: Vec<Slot> = watched.history.days.iter().copied().collect();
    let today = now.floor(Duration::from_hours(24));
    let mut running = watched.record.tally.clone();
    running.account(now, watched.phase(), watched.record.is_known());
    match days.last_mut() {
        Some(day) if day.from == today => day.spans += running.spans,
        _ => days.push(Slot {
            from: today,
            spans: running.spans,
        }),
    }
    days
}
