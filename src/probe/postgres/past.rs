//! What an aspect remembers from look to look: counters, to tell how fast they grow, and since when something is so.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// Most counters of one aspect.
const COUNTERS: usize = 2;
/// Most readings that are kept; those between the ends of a long window are thinned out.
const READINGS: usize = 32;
/// Most things whose beginning is remembered.
const THINGS: usize = 100;

/// What one aspect remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    readings: VecDeque<(Instant, [f64; COUNTERS])>,
    since: BTreeMap<String, (String, Instant)>,
}

impl Past {
    /// Takes a reading of counters, and says how much they have grown in about the last `window`, and in what
    /// time. None at first, and after one has gone backwards: a restart, or a reset of the statistics.
    pub(super) fn grown(
        &mut self,
        now: Instant,
        counters: [f64; COUNTERS],
        window: Duration,
    ) -> Option<([f64; COUNTERS], Duration)> {
        let fell = |(_, last): &(Instant, [f64; COUNTERS])| {
            last.iter().zip(counters).any(|(last, now)| now < *last)
        };
        if self.readings.back().is_some_and(fell) {
            self.readings.clear();
        }
        // The oldest is the last that is as old as the window.
        while let Some((next, _)) = self.readings.get(1)
            && now - *next >= window
        {
            self.readings.pop_front();
        }
        let grown = self.readings.front().map(|(then, first)| {
            let mut grown = counters;
            for (number, first) in grown.iter_mut().zip(first) {
                *number -= first;
            }
            (grown, now - *then)
        });
        let apart = window / u32::try_from(READINGS).unwrap_or(u32::MAX);
        let is_new = |(last, _): &(Instant, _)| now - *last >= apart;
        if self.readings.back().is_none_or(is_new) && self.readings.len() < 2 * READINGS {
            self.readings.push_back((now, counters));
        }
        grown
    }

    /// For how long `name` has been in the same `state`, as far as was seen.
    pub(super) fn held(&mut self, now: Instant, name: &str, state: &str) -> Duration {
        if let Some((known, since)) = self.since.get_mut(name) {
            if known != state {
                state.clone_into(known);
                *since = now;
            }
            return now - *since;
        }
        if self.since.len() < THINGS {
            self.since.insert(name.to_owned(), (state.to_owned(), now));
        }
        Duration::ZERO
    }

    /// Forgets everything but these names.
    pub(super) fn keep(&mut self, names: &[&str]) {
        self.since.retain(|name, _| names.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_over_a_window_and_begin_anew_when_they_fall() {
        let (mut past, start) = (Past::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let window = Duration::from_mins(5);
        assert_eq!(past.grown(at(0), [10.0, 1.0], window), None);
        assert_eq!(
            past.grown(at(30), [13.0, 1.0], window),
            Some(([3.0, 0.0], Duration::from_secs(30)))
        );
        for minute in 1..60_u32 {
            let count = 13.0 + f64::from(minute);
            past.grown(at(30 + 60 * u64::from(minute)), [count, 1.0], window);
        }
        let (grown, time) = past.grown(at(3_630), [73.0, 1.0], window).unwrap();
        assert_eq!((grown[0], time), (5.0, window));
        assert_eq!(past.grown(at(3_640), [0.0, 1.0], window), None);
        assert!(past.grown(at(3_700), [4.0, 1.0], window).is_some());
    }

    #[test]
    fn what_stays_as_it_is_grows_older() {
        let (mut past, start) = (Past::default(), Instant::now());
        let later = start + Duration::from_mins(1);
        assert_eq!(past.held(start, "slot", "idle"), Duration::ZERO);
        assert_eq!(past.held(later, "slot", "idle"), Duration::from_mins(1));
        assert_eq!(past.held(later, "slot", "busy"), Duration::ZERO);
        past.keep(&[]);
        assert_eq!(past.held(later, "slot", "busy"), Duration::ZERO);
    }
}
