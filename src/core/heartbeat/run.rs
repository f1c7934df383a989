//! The runs of a job that have begun and not ended: each is watched for its end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Beat;
use crate::core::time::Time;

/// Most runs of one heartbeat that are watched at once. Of more the oldest is forgotten: a client that gives
/// each start a new `rid` and never an end costs no more than that.
pub const MOST_RUNS: usize = 32;

/// A run without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it began.
    pub at: Time,
    /// By which it is told from others; none for a job that does not say.
    pub rid: Option<Uuid>,
    /// Time since then in which its end could not have been heard.
    pub deaf: Duration,
}

impl Beat {
    /// A run begins, and could not be heard for the time `deaf` since. One that begins again is timed anew.
    pub(super) fn begin(&mut self, at: Time, rid: Option<Uuid>, deaf: Duration) {
        self.older.retain(|run| run.rid != rid);
        if let Some((before, other)) = self.last_start.filter(|(_, last)| *last != rid) {
            self.older.push(Run {
                at: before,
                rid: other,
                deaf: self.deaf_since_start,
            });
        }
        let excess = (self.older.len() + 1).saturating_sub(MOST_RUNS);
        self.older.drain(..excess);
        self.last_start = Some((at, rid));
        self.deaf_since_start = deaf;
    }

    /// The end of a run is no news any more, and still its end.
    pub(super) fn end_own(&mut self, rid: Option<Uuid>) {
        if rid.is_some() && self.runs().any(|run| run.rid == rid) {
            self.end(Time::from_millis(0), rid, false);
        }
    }

    /// A run ends; how long it took, where its beginning is known.
    ///
    /// An end without a `rid`, or a failure, whose own beginning is not known ends all of them: whoever sent it
    /// does not tell runs apart. A success of a run that is not known leaves the others as they are.
    pub(super) fn end(&mut self, at: Time, rid: Option<Uuid>, failed: bool) -> Option<Duration> {
        if let Some((began, _)) = self.last_start.filter(|(_, last)| *last == rid) {
            let next = self.older.pop();
            self.last_start = next.map(|run| (run.at, run.rid));
            self.deaf_since_start = next.map_or(Duration::ZERO, |run| run.deaf);
            return Some(at.since(began));
        }
        if let Some(place) = self.older.iter().position(|run| run.rid == rid) {
            return Some(at.since(self.older.remove(place).at));
        }
        if failed || rid.is_none() {
            self.forget_runs();
        }
        None
    }

    /// Nothing could be heard for so long: every run may take that much longer. `after` says how much of it lies
    /// after the beginning of a run.
    pub fn deafen_runs(&mut self, after: impl Fn(Time) -> Duration) {
        for run in &mut self.older {
            run.deaf += after(run.at);
        }
        if let Some((at, _)) = self.last_start {
            self.deaf_since_start += after(at);
        }
    }

    /// The clock was set: the beginnings move along.
    pub fn shift_runs(&mut self, moved: impl Fn(Time) -> Time) {
        for run in &mut self.older {
            run.at = moved(run.at);
        }
        self.last_start = self.last_start.map(|(at, rid)| (moved(at), rid));
    }

    /// The run whose time is up first is not watched any more.
    pub(super) fn give_up(&mut self) {
        let Some(late) = self.first_to_end() else {
            return;
        };
        if self.last_start == Some((late.at, late.rid)) {
            let next = self.older.pop();
            self.last_start = next.map(|run| (run.at, run.rid));
            self.deaf_since_start = next.map_or(Duration::ZERO, |run| run.deaf);
        } else {
            self.older.retain(|run| run.rid != late.rid);
        }
    }

    /// No run is watched any more.
    pub(super) fn forget_runs(&mut self) {
        self.last_start = None;
        self.older.clear();
    }

    /// Every run without an end, the newest last.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let newest = self.last_start.map(|(at, rid)| Run {
            at,
            rid,
            deaf: self.deaf_since_start,
        });
        self.older.iter().copied().chain(newest)
    }

    /// The run whose time is up first.
    pub fn first_to_end(&self) -> Option<Run> {
        self.runs().min_by_key(|run| run.at + run.deaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    const fn rid(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn open(beat: &Beat) -> Vec<(i64, Option<Uuid>)> {
        let runs = beat.runs();
        runs.map(|run| (run.at.millis() / 1_000, run.rid)).collect()
    }

    fn running() -> Beat {
        let mut beat = Beat::new(Uuid::nil());
        beat.begin(at(1), Some(rid(1)), Duration::ZERO);
        beat.begin(at(2), Some(rid(2)), Duration::ZERO);
        beat.begin(at(3), None, Duration::ZERO);
        beat
    }

    #[test]
    fn each_end_ends_its_own_run() {
        let mut beat = running();
        assert_eq!(
            beat.end(at(10), Some(rid(1)), false),
            Some(Duration::from_secs(9))
        );
        assert_eq!(open(&beat), [(2, Some(rid(2))), (3, None)]);
        assert_eq!(beat.end(at(10), None, false), Some(Duration::from_secs(7)));
        assert_eq!(open(&beat), [(2, Some(rid(2)))]);
        assert_eq!(
            beat.end(at(10), Some(rid(2)), true),
            Some(Duration::from_secs(8))
        );
        assert_eq!(open(&beat), []);
    }

    #[test]
    fn an_end_that_belongs_to_none_ends_all_unless_it_is_the_success_of_another() {
        let mut beat = running();
        assert_eq!(beat.end(at(10), Some(rid(9)), false), None);
        assert_eq!(open(&beat).len(), 3);
        assert_eq!(beat.end(at(10), Some(rid(9)), true), None);
        assert_eq!(open(&beat), []);
        beat.begin(at(1), Some(rid(1)), Duration::ZERO);
        assert_eq!(beat.end(at(10), None, false), None);
        assert_eq!(open(&beat), []);
    }

    #[test]
    fn a_run_that_begins_again_is_timed_anew_and_the_oldest_of_too_many_is_forgotten() {
        let mut beat = running();
        beat.begin(at(4), Some(rid(1)), Duration::ZERO);
        assert_eq!(
            open(&beat),
            [(2, Some(rid(2))), (3, None), (4, Some(rid(1)))]
        );
        beat.begin(at(5), Some(rid(1)), Duration::ZERO);
        assert_eq!(
            open(&beat),
            [(2, Some(rid(2))), (3, None), (5, Some(rid(1)))]
        );
        for number in 100..100 + MOST_RUNS as u128 {
            beat.begin(at(6), Some(rid(number)), Duration::ZERO);
        }
        assert_eq!(open(&beat).len(), MOST_RUNS);
        assert_eq!(open(&beat).first(), Some(&(6, Some(rid(100)))));
    }

    #[test]
    fn the_run_whose_time_is_up_first_is_the_oldest_unless_it_could_not_be_heard() {
        let mut beat = running();
        assert_eq!(beat.first_to_end().map(|run| run.rid), Some(Some(rid(1))));
        beat.older[0].deaf = Duration::from_secs(5);
        assert_eq!(beat.first_to_end().map(|run| run.rid), Some(Some(rid(2))));
    }
}
