//! What one look at a target found. A failing target is data here, never an error.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::metric::{METRICS, Metric};
use super::text;
use super::time::human;

/// What an outcome says of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It works, but a warn level was reached.
    Warn,
    /// It does not do what it should.
    Fail,
    /// We could not look; says nothing of the target.
    Unknown,
}

impl Verdict {
    /// Every verdict, in the order of their journal codes 0 to 3.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Warn, Self::Fail, Self::Unknown];

    /// The word for it in JSON, metrics and pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }

    /// Its code in the journal, and the exit code of a Nagios plugin that would say it (0 to 3).
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Warn => 1,
            Self::Fail => 2,
            Self::Unknown => 3,
        }
    }
}

/// Most findings that are kept beside a message: more are read by nobody.
pub const LEFT_OUT: usize = 20;
/// Longest of them, in characters: what says more belongs into a log.
const FINDING_CHARS: usize = 1_000;

/// Where in a message the latency belongs; see [`Outcome::message`]. A private-use character, which
/// [`text::line`] takes out of everything that comes from outside.
pub const LATENCY: char = '\u{e000}';

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// How long the target took to answer, in microseconds; none where nothing was timed.
    pub latency_us: Option<u64>,
    /// The message with [`LATENCY`] in place of the latency, so that equal findings are equal text
    /// and the journal stores each text once.
    pub text: Arc<str>,
    /// How the time was spent, in order, for kinds that measure it. Kept of the last outcome only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Arc<[Phase]>>,
    /// What was measured beside the latency. Kept of the last outcome only; over time as series, see
    /// [`super::uptime::Tally`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Arc<[Metric]>>,
    /// What was found beside it and is only counted in the message, which has no room for it; whole what is cut in the
    /// message. Kept of the last outcome only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Arc<[Arc<str>]>>,
}

/// A part of a probe's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `dns`, `connect`, `tls`, `first byte`, `transfer`.
    pub name: Arc<str>,
    pub took_us: u64,
}

impl Outcome {
    /// An outcome without a latency; `message` may come from outside.
    pub fn new(verdict: Verdict, message: &str) -> Self {
        Self {
            verdict,
            latency_us: None,
            text: text::message(message),
            phases: None,
            metrics: None,
            left_out: None,
        }
        .with_whole(message)
    }

    /// An outcome with a latency. The message reads `{before} in {latency}{after}`; `before` may come
    /// from outside, `after` is ours.
    pub fn timed(verdict: Verdict, latency: Duration, before: &str, after: &str) -> Self {
        let text = format!("{} in {LATENCY}{after}", text::message(before));
        Self {
            verdict,
            latency_us: Some(micros(latency)),
            text: text.into(),
            phases: None,
            metrics: None,
            left_out: None,
        }
        .with_whole(before)
    }

    /// The same, with a message that had to be cut whole beside it.
    fn with_whole(self, message: &str) -> Self {
        let is_cut = text::is_longer(message, text::MESSAGE_CHARS);
        if is_cut {
            self.with_left_out(&[message])
        } else {
            self
        }
    }

    /// We could not look, because `reason`.
    pub fn unknown(reason: &str) -> Self {
        Self::new(Verdict::Unknown, reason)
    }

    /// The target is not as it should be.
    pub fn fail(message: &str) -> Self {
        Self::new(Verdict::Fail, message)
    }

    /// The target is as it should be.
    pub fn pass(message: &str) -> Self {
        Self::new(Verdict::Pass, message)
    }

    /// The same with the time it took, for messages that do not mention it.
    #[must_use]
    pub fn took(mut self, latency: Duration) -> Self {
        self.latency_us = Some(micros(latency));
        self
    }

    /// The same with the phases of its time.
    #[must_use]
    pub fn with_phases(mut self, phases: Vec<Phase>) -> Self {
        self.phases = (!phases.is_empty()).then(|| phases.into());
        self
    }

    /// The same with what was measured, at most [`METRICS`] numbers.
    #[must_use]
    pub fn with_metrics(mut self, mut metrics: Vec<Metric>) -> Self {
        metrics.truncate(METRICS);
        self.metrics = (!metrics.is_empty()).then(|| metrics.into());
        self
    }

    /// The same with what the message has no room for, at most [`LEFT_OUT`] lines.
    #[must_use]
    pub fn with_left_out(mut self, texts: &[impl AsRef<str>]) -> Self {
        let lines = texts.iter().take(LEFT_OUT);
        let lines = lines.map(|text| text::words(text.as_ref(), FINDING_CHARS).into());
        if !texts.is_empty() {
            self.left_out = Some(lines.collect());
        }
        self
    }

    /// The latency as a duration.
    pub fn latency(&self) -> Option<Duration> {
        self.latency_us.map(Duration::from_micros)
    }

    /// The message for people, the latency filled in: `200 OK in 12 ms`.
    pub fn message(&self) -> String {
        filled(&self.text, self.latency_us)
    }
}

/// `text` with [`LATENCY`] replaced by the latency.
pub fn filled(text: &str, latency_us: Option<u64>) -> String {
    match latency_us {
        Some(us) if text.contains(LATENCY) => {
            text.replacen(LATENCY, &human(Duration::from_micros(us)), 1)
        }
        _ => text.to_owned(),
    }
}

/// Whole microseconds.
pub fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latency_stands_where_the_message_wants_it() {
        let took = Duration::from_millis(912);
        assert_eq!(
            Outcome::timed(Verdict::Pass, took, "200 OK", "").message(),
            "200 OK in 912 ms"
        );
        assert_eq!(
            Outcome::timed(Verdict::Warn, took, "200 OK", ", slower than 800 ms").message(),
            "200 OK in 912 ms, slower than 800 ms"
        );
    }

    #[test]
    fn a_message_that_is_cut_is_whole_beside_it() {
        let said = |words: usize| vec!["word"; words].join(" ");
        let outcome = Outcome::fail(&said(48));
        assert_eq!((&*outcome.text, &outcome.left_out), (&*said(48), &None));
        let long = said(60);
        for outcome in [
            Outcome::fail(&long),
            Outcome::timed(Verdict::Fail, Duration::ZERO, &long, ""),
        ] {
            assert!(outcome.text.starts_with(&(said(47) + " …")), "{outcome:?}");
            assert_eq!(
                outcome.left_out.as_deref(),
                Some(&[long.as_str().into()][..])
            );
        }
        let endless = Outcome::fail(&said(10_000));
        let whole = &endless.left_out.expect("there is more")[0];
        assert_eq!(whole.chars().count(), FINDING_CHARS - 4);
    }

    #[test]
    fn a_target_cannot_smuggle_in_the_place_of_the_latency() {
        let outcome = Outcome::fail("odd \u{e000} text").took(Duration::from_millis(5));
        assert_eq!(outcome.message(), "odd   text");
    }
}
