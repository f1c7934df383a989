//! The rules by which a check is judged: `[defaults]`, and the same keys in a check.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::core::check::Flapping;
use crate::core::state::Threshold;
use crate::settings::{Section, units};

/// An interval below a tenth of a second measures the watcher; one above a year is a mistake in the unit.
pub(super) const INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_hours(366 * 24);
/// A look holds one of the slots for probes until its timeout: ten minutes is the longest that is bearable.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(10);
/// How soon after a member has turned a composite follows, where nothing else is said: its look asks nobody.
const FOLLOWING: Duration = Duration::from_secs(5);
/// Flapping is a matter of minutes and hours; the engine remembers a handful of turns.
const FLAPPING: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// What `[defaults]` says, and what a check inherits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub every: Duration,
    pub timeout: Duration,
    pub retry_every: Duration,
    pub fail_after: Threshold,
    pub recover_after: u8,
    pub flapping: Option<Flapping>,
    pub alert_degraded: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            retry_every: Duration::from_secs(10),
            fail_after: Threshold::in_a_row(3),
            recover_after: 1,
            flapping: Some(Flapping::DEFAULT),
            alert_degraded: false,
        }
    }
}

impl Rules {
    /// `[defaults]`.
    pub(super) fn defaults(section: Option<Section<'_>>) -> Self {
        let mut rules = Self::default();
        if let Some(mut section) = section {
            rules = rules.with(&mut section);
            if let Some(every) = section.duration("every", INTERVALS) {
                rules.every = every;
            }
            section.finish();
        }
        rules
    }

    /// What a check inherits whose evidence is confirmed already, by the rules of others: it follows at once.
    pub(super) fn of_confirmed(&self) -> Self {
        Self {
            every: FOLLOWING,
            fail_after: Threshold::in_a_row(1),
            recover_after: 1,
            ..self.clone()
        }
    }

    /// These rules with what `section` says of them; its `every` is read with the schedule.
    pub(super) fn with(&self, section: &mut Section<'_>) -> Self {
        Self {
            every: self.every,
            timeout: section
                .duration("timeout", TIMEOUTS)
                .unwrap_or(self.timeout),
            retry_every: section
                .duration("retry_every", INTERVALS)
                .unwrap_or(self.retry_every),
            fail_after: fail_after(section).unwrap_or(self.fail_after),
            recover_after: section
                .integer("recover_after", 1..=i64::from(Threshold::MAX))
                .and_then(|count| u8::try_from(count).ok())
                .unwrap_or(self.recover_after),
            flapping: flapping(section).unwrap_or(self.flapping),
            alert_degraded: section
                .boolean("alert_degraded")
                .unwrap_or(self.alert_degraded),
        }
    }
}

/// `3` or `"3 of 5"`.
pub(super) fn fail_after(section: &mut Section<'_>) -> Option<Threshold> {
    const KEY: &str = "fail_after";
    let entry = section.entry(KEY)?;
    let text = match (entry.value.as_integer(), entry.value.as_str()) {
        (Some(number), _) => number.as_str().to_owned(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    };
    let threshold = threshold(&text);
    if threshold.is_none() {
        let hint = format!(
            "write {KEY} = 3 (in a row) or {KEY} = \"3 of 5\", at most {}",
            Threshold::MAX
        );
        section.refuse(KEY, format!("\"{KEY}\" says no number of failures"), hint);
    }
    threshold
}

fn threshold(text: &str) -> Option<Threshold> {
    let (bad, of) = text.split_once(" of ").unwrap_or((text, text));
    let (bad, of) = (bad.trim().parse().ok()?, of.trim().parse().ok()?);
    (1 <= bad && bad <= of && of <= Threshold::MAX).then_some(Threshold { bad, of })
}

/// `"4 in 10m"` or `"off"`. The outer none: not said.
#[expect(
    clippy::option_option,
    reason = "not said, said to be off, and said how are three things"
)]
fn flapping(section: &mut Section<'_>) -> Option<Option<Flapping>> {
    const KEY: &str = "flapping";
    let text = section.string(KEY)?;
    if text.trim() == "off" {
        return Some(None);
    }
    let flapping = turns_within(&text);
    if flapping.is_none() {
        let (least, most) = (
            units::write_duration(*FLAPPING.start()),
            units::write_duration(*FLAPPING.end()),
        );
        let hint = format!(
            "write {KEY} = \"4 in 10m\" (2 to {} turns within {least} to {most}) or {KEY} = \"off\"",
            Flapping::MAX_TURNS
        );
        section.refuse(
            KEY,
            format!("\"{text}\" does not say what flapping is"),
            hint,
        );
    }
    Some(flapping)
}

fn turns_within(text: &str) -> Option<Flapping> {
    let (turns, within) = text.split_once(" in ")?;
    let turns = turns.trim().parse().ok()?;
    let within = units::duration(within).ok()?;
    ((2..=Flapping::MAX_TURNS).contains(&turns) && FLAPPING.contains(&within))
        .then_some(Flapping { turns, within })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_in_a_row_or_among_the_last() {
        assert_eq!(threshold("3"), Some(Threshold::in_a_row(3)));
        assert_eq!(threshold("3 of 5"), Some(Threshold { bad: 3, of: 5 }));
        for text in [
            "", "0", "65", "5 of 3", "0 of 3", "3 of 65", "three", "-1", "3 of",
        ] {
            assert_eq!(threshold(text), None, "{text}");
        }
    }

    #[test]
    fn flapping_is_a_number_of_turns_within_a_time() {
        let within = Duration::from_mins(10);
        assert_eq!(
            turns_within("4 in 10m"),
            Some(Flapping { turns: 4, within })
        );
        for text in [
            "",
            "4",
            "1 in 10m",
            "17 in 10m",
            "4 in 10",
            "4 in 2d",
            "in 10m",
        ] {
            assert_eq!(turns_within(text), None, "{text}");
        }
    }
}
