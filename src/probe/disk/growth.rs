//! How fast a file system fills: a straight line through what was used over the last hours.

use std::collections::VecDeque;
use std::time::Duration;

use crate::core::time::Time;

/// How far back the line goes: long enough to see through the sawtooth of a rotated log.
const WINDOW: Duration = Duration::from_hours(6);
/// Most points of it, evenly spread.
const POINTS: u32 = 180;
/// Before so much time and so many points a line says nothing.
const LEAST: (Duration, usize) = (Duration::from_mins(15), 10);
/// How much of what was seen the line has to explain (r²), so that it is called one.
const STEADY: f64 = 0.8;

/// What was used when, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Growth(VecDeque<(Time, f64)>);

impl Growth {
    /// Notes what is used now. Points closer than the window has room for replace the last one.
    pub(super) fn note(&mut self, at: Time, used: f64) {
        let mut newest = self.0.iter().rev().map(|(then, _)| *then);
        let close = |(last, before): (Time, Time)| last.since(before) < WINDOW / POINTS;
        if newest.next().zip(newest.next()).is_some_and(close) {
            self.0.pop_back();
        }
        self.0.push_back((at, used));
        // A clock that was set back leaves points in the future, which are none.
        self.0
            .retain(|(then, _)| *then <= at && at.since(*then) <= WINDOW);
    }

    /// Bytes a second, by least squares; none where it does not grow, or not steadily.
    pub(super) fn per_second(&self) -> Option<f64> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        if last.0.since(first.0) < LEAST.0 || self.0.len() < LEAST.1 {
            return None;
        }
        let count = f64::from(u32::try_from(self.0.len()).ok()?);
        let points = || {
            let all = self.0.iter();
            all.map(|(at, used)| (at.since(first.0).as_secs_f64(), used - first.1))
        };
        let mean_x = points().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points().map(|(_, y)| y).sum::<f64>() / count;
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in points() {
            let (x, y) = (x - mean_x, y - mean_y);
            xx += x * x;
            xy += x * y;
            yy += y * y;
        }
        let steady = xy * xy >= STEADY * xx * yy;
        Some(xy / xx).filter(|growth| steady && *growth > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(used: impl Fn(u32) -> f64, minutes: u32) -> Option<f64> {
        let mut growth = Growth::default();
        let start = Time::from_millis(1_800_000_000_000);
        for minute in 0..=minutes {
            growth.note(start + Duration::from_mins(minute.into()), used(minute));
        }
        assert!(growth.0.len() <= 2 + POINTS as usize, "{}", growth.0.len());
        growth.per_second()
    }

    #[test]
    fn a_steady_growth_is_told_after_a_quarter_of_an_hour() {
        let line = |minute: u32| 1e9 + f64::from(minute) * 60.0 * 1_000.0;
        assert_eq!(grown(line, 14), None);
        for minutes in [30, 360, 1_440] {
            let growth = grown(line, minutes).expect("it grows");
            assert!((growth - 1_000.0).abs() < 1.0, "{minutes}: {growth}");
        }
    }

    #[test]
    fn what_shrinks_stays_or_jumps_about_does_not_grow() {
        assert_eq!(grown(|_| 1e9, 360), None);
        assert_eq!(grown(|minute| 1e9 - f64::from(minute), 360), None);
        let saw = |minute: u32| 1e9 + f64::from(minute % 10) * 1e6;
        assert_eq!(grown(saw, 360), None);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        let mut growth = Growth::default();
        let start = Time::from_millis(1_800_000_000_000);
        growth.note(start + Duration::from_hours(5), 1.0);
        growth.note(start, 2.0);
        assert_eq!(growth.0.len(), 1);
    }
}
