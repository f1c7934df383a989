//! Numbers with a warn and a fail level, and a look that has many of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::finding::Finding;
use super::trace::Trace;
use crate::core::metric::{Metric, Unit};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text::{self, MESSAGE_CHARS};
use crate::core::time::human;
use crate::settings::Section;

/// Largest size that can be a level: all that a file of Linux can hold.
pub(super) const SIZE: u64 = i64::MAX as u64;

/// A size as a number to compare.
#[expect(
    clippy::cast_precision_loss,
    reason = "a size of petabytes may be off by a byte"
)]
pub(super) fn bytes(size: u64) -> f64 {
    size as f64
}

/// A number for people; long times in minutes, hours and days.
pub(super) fn told(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds if value == 0.0 => "0 s".to_owned(),
        Unit::Seconds if (60.0..1e12).contains(&value) => human(Duration::from_secs_f64(value)),
        Unit::Seconds | Unit::Count | Unit::Bytes | Unit::Percent => unit.show(value),
    }
}

/// From which value on something is warned of, and from which on it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Levels {
    pub(super) warn: Option<f64>,
    pub(super) fail: Option<f64>,
}

/// How a pair of levels is written: the keys, the values that make sense, and what holds where nothing is said.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) warn: &'static str,
    pub(super) fail: &'static str,
    pub(super) range: RangeInclusive<f64>,
    pub(super) usual: Levels,
}

impl Levels {
    pub(super) const fn of(warn: f64, fail: f64) -> Self {
        Self {
            warn: Some(warn),
            fail: Some(fail),
        }
    }

    /// Reads both keys. A fail level that is said alone and lies below the usual level to warn at takes that away; a warn
    /// level above the usual fail level is refused, since nobody would be told any more.
    pub(super) fn read(section: &mut Section<'_>, scale: &Scale) -> Self {
        let warn = section.number(scale.warn, scale.range.clone());
        let fail = section.number(scale.fail, scale.range.clone());
        let keys = (scale.warn, scale.fail);
        Self::of_both(section, keys, (warn, fail), scale.usual, &|level| {
            level.to_string()
        })
    }

    fn of_both(
        section: &Section<'_>,
        (warn_key, fail_key): (&str, &str),
        (warn, fail): (Option<f64>, Option<f64>),
        usual: Self,
        shown: &dyn Fn(f64) -> String,
    ) -> Self {
        if let (Some(warn), Some(level)) = (warn, fail.or(usual.fail))
            && warn > level
        {
            let (which, hint) = match fail {
                Some(_) => (String::new(), "warn first, fail later".to_owned()),
                None => (
                    format!(", which is {} where nothing is said", shown(level)),
                    format!("write \"{fail_key}\", too"),
                ),
            };
            let message = format!("\"{warn_key}\" is above \"{fail_key}\"{which}");
            section.refuse(warn_key, message, hint);
        }
        Self {
            warn: warn.or(usual
                .warn
                .filter(|usual| fail.is_none_or(|fail| *usual <= fail))),
            fail: fail.or(usual.fail),
        }
    }

    /// Reads both keys as durations, into seconds.
    pub(super) fn read_times(
        section: &mut Section<'_>,
        (warn, fail): (&'static str, &'static str),
        most: Duration,
        usual: Self,
    ) -> Self {
        let mut read = |key| {
            let range = Duration::from_millis(1)..=most;
            section.duration(key, range).map(|time| time.as_secs_f64())
        };
        let said = (read(warn), read(fail));
        let shown = |level| human(Duration::from_secs_f64(level));
        Self::of_both(section, (warn, fail), said, usual, &shown)
    }

    /// Reads both keys as sizes of at most `most`, which have a unit.
    pub(super) fn read_sizes(
        section: &mut Section<'_>,
        (warn, fail): (&'static str, &'static str),
        most: u64,
        usual: Self,
    ) -> Self {
        let mut read = |key| section.size(key, 0..=most).map(bytes);
        let said = (read(warn), read(fail));
        let shown = |level| Unit::Bytes.show(level);
        Self::of_both(section, (warn, fail), said, usual, &shown)
    }

    /// What `value` is worth.
    pub(super) fn judge(self, value: f64) -> Verdict {
        if self.fail.is_some_and(|fail| value >= fail) {
            Verdict::Fail
        } else if self.warn.is_some_and(|warn| value >= warn) {
            Verdict::Warn
        } else {
            Verdict::Pass
        }
    }

    /// The level that makes `verdict` of a value, for people: `warn at 90 %`. None where no level does.
    pub(super) fn reached(self, verdict: Verdict, unit: Unit) -> Option<String> {
        let level = match verdict {
            Verdict::Warn => self.warn,
            Verdict::Fail => self.fail,
            Verdict::Pass | Verdict::Unknown => None,
        };
        level.map(|level| format!("{} at {}", verdict.word(), told(unit, level)))
    }

    /// What is expected, for people: `below 90 %, fails at 95 %`.
    pub(super) fn expected(self, unit: Unit) -> String {
        let below = |level| format!("below {}", told(unit, level));
        match (self.warn, self.fail) {
            (Some(warn), Some(fail)) if warn < fail => {
                format!("{}, fails at {}", below(warn), told(unit, fail))
            }
            (Some(level), _) | (None, Some(level)) => below(level),
            (None, None) => "anything".to_owned(),
        }
    }
}

/// A look that asserts many things: the worst of them is its verdict, and what is not as it should be is its
/// message.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    worst: Option<Verdict>,
    said: Vec<(Verdict, String)>,
    metrics: Vec<Metric>,
}

impl Judgement {
    /// A number against its levels; what is said of it where it is too high reads
    /// `{what} {value} (warn at {level})`.
    pub(super) fn level(
        &mut self,
        trace: &mut Trace,
        what: &str,
        (value, unit): (f64, Unit),
        levels: Levels,
    ) {
        let verdict = levels.judge(value);
        let shown = told(unit, value);
        trace.note(|| {
            Finding::new(what, levels.expected(unit), shown.as_str(), true).worth(verdict)
        });
        self.metric(what, value, unit);
        let level = levels.reached(verdict, unit);
        self.add(verdict, || {
            format!("{what} {shown} ({})", level.unwrap_or_default())
        });
    }

    /// Something that is so or is not.
    pub(super) fn holds(
        &mut self,
        trace: &mut Trace,
        finding: impl FnOnce() -> Finding,
        otherwise: impl FnOnce() -> String,
    ) {
        let finding = finding();
        let verdict = finding.verdict;
        trace.note(|| finding);
        self.add(verdict, otherwise);
    }

    /// A number that nothing depends on.
    pub(super) fn metric(&mut self, name: &str, value: f64, unit: Unit) {
        self.metrics.extend(Metric::new(name, unit, value));
    }

    /// A verdict with what is said of it where it is not a pass.
    pub(super) fn add(&mut self, verdict: Verdict, say: impl FnOnce() -> String) {
        if verdict != Verdict::Pass {
            self.said.push((verdict, say()));
        }
        let rank = |verdict: Option<Verdict>| match verdict {
            None => 0,
            Some(Verdict::Pass) => 1,
            // That one thing could not be seen is said, and hides nothing that was.
            Some(Verdict::Unknown) => 2,
            Some(Verdict::Warn) => 3,
            Some(Verdict::Fail) => 4,
        };
        if rank(Some(verdict)) > rank(self.worst) {
            self.worst = Some(verdict);
        }
    }

    /// Something that is said after everything else, and changes no verdict.
    pub(super) fn mention(&mut self, text: String) {
        self.said.push((Verdict::Pass, text));
    }

    /// Warns when it took longer than `slow`.
    pub(super) fn slow(&mut self, trace: &mut Trace, slow: Option<Duration>, took: Duration) {
        let Some(slow) = slow else {
            return;
        };
        let verdict = if took > slow {
            Verdict::Warn
        } else {
            Verdict::Pass
        };
        trace.note(|| {
            let most = format!("at most {}", human(slow));
            Finding::new("time", most, human(took), true).worth(verdict)
        });
        self.add(verdict, || format!("slower than {}", human(slow)));
    }

    /// The outcome of what took time. Its message is `{what} in {latency}`, and behind that all that is not as
    /// it should be; both may come from outside.
    pub(super) fn timed(self, took: Duration, what: &str) -> Outcome {
        let (verdict, texts, metrics) = self.told();
        let (mut after, rest) = fitting(&texts, ", ");
        if !after.is_empty() {
            after.insert_str(0, ", ");
        }
        Outcome::timed(verdict, took, what, &after)
            .with_metrics(metrics)
            .with_left_out(&rest)
    }

    /// As [`Judgement::timed`], for what came to an answer and fails all the same: `200 OK in 12 ms, but …`.
    pub(super) fn but(mut self, took: Duration, what: &str) -> Outcome {
        let first = self
            .said
            .iter_mut()
            .find(|(verdict, _)| *verdict == Verdict::Fail);
        if let Some((_, text)) = first {
            text.insert_str(0, "but ");
        }
        self.timed(took, what)
    }

    /// The outcome; `good` is the message where all is as it should be.
    pub(super) fn outcome(self, good: &str) -> Outcome {
        let (verdict, texts, metrics) = self.told();
        let (told, rest) = fitting(&texts, "; ");
        let message = if texts.is_empty() { good } else { &told };
        Outcome::new(verdict, message)
            .with_metrics(metrics)
            .with_left_out(&rest)
    }

    /// The numbers alone.
    pub(super) fn metrics(self) -> Vec<Metric> {
        self.metrics
    }

    /// The verdict, what is said of it, and the numbers.
    fn told(self) -> (Verdict, Vec<String>, Vec<Metric>) {
        let verdict = self.worst.unwrap_or(Verdict::Pass);
        let mut said = self.said;
        // The worst first, and what was found before what was not seen: a message is cut at its end.
        said.sort_by_key(|(verdict, _)| match verdict {
            Verdict::Fail => 0,
            Verdict::Warn => 1,
            Verdict::Unknown => 2,
            Verdict::Pass => 3,
        });
        let texts = said.into_iter().map(|(_, text)| text).collect();
        (verdict, texts, self.metrics)
    }
}

/// As many of `texts` as fit into a message, each whole but for a first one that is too long alone, with the number of
/// those that do not; and these, behind the first where that is cut.
fn fitting<'t>(texts: &'t [String], between: &str) -> (String, Vec<&'t str>) {
    let rest = |left: usize| match left {
        0 => String::new(),
        left => format!("{between}and {left} more"),
    };
    let mut told = String::new();
    let mut beside = Vec::new();
    for (nth, text) in texts.iter().enumerate() {
        let left = texts.len() - nth - 1;
        let room = MESSAGE_CHARS.saturating_sub(rest(left).chars().count());
        if nth == 0 {
            told = text::words(text, room);
            if text::is_longer(text, room) {
                beside.push(text.as_str());
            }
            continue;
        }
        let text = text::line(text, MESSAGE_CHARS);
        if [told.as_str(), between, &text]
            .iter()
            .map(|part| part.chars().count())
            .sum::<usize>()
            > room
        {
            let others = texts.iter().skip(nth).map(String::as_str);
            beside.extend(others);
            return (told + &rest(left + 1), beside);
        }
        told.push_str(between);
        told.push_str(&text);
    }
    (told, beside)
}

#[cfg(test)]
mod tests;
