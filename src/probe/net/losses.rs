//! How often a link was lost while we looked.

use std::time::Duration;

use crate::core::time::Time;

/// Most looks with losses that are remembered; beyond it the levels are reached long since.
const COUNTED: usize = 1_000;

/// What the looks before have counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Losses {
    /// The kernel's count at the last look.
    count: u64,
    counted: Vec<(Time, u64)>,
}

impl Losses {
    /// Takes in the kernel's count at `now`, and forgets what is older than `signs`. What was lost before the first
    /// look is not ours to tell; a driver that was loaded anew begins to count anew.
    pub(super) fn note(before: Option<Self>, count: u64, now: Time, signs: Duration) -> Self {
        let Some(mut losses) = before else {
            return Self {
                count,
                counted: Vec::new(),
            };
        };
        let more = count.checked_sub(losses.count).unwrap_or(count);
        losses.count = count;
        losses.counted.retain(|(at, _)| now.since(*at) < signs);
        if more > 0 && losses.counted.len() < COUNTED {
            losses.counted.push((now, more));
        }
        losses
    }

    /// How many count.
    pub(super) fn lately(&self) -> u64 {
        self.counted.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_since_the_first_look_counts_for_a_while() {
        const NOW: Time = Time::from_millis(1_800_000_000_000);
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let mut losses = None;
        for (count, minutes, lately) in [
            (7, 0, 0),
            (7, 1, 0),
            (9, 2, 2),
            (10, 3, 3),
            // Loaded anew.
            (1, 4, 4),
            (1, 62, 2),
            (1, 64, 0),
        ] {
            let noted = Losses::note(losses, count, NOW + minute * minutes, hour);
            assert_eq!(noted.lately(), lately, "after {minutes} minutes");
            losses = Some(noted);
        }
    }
}
