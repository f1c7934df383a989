//! What looking at one aspect found. It is kept while it holds, and told at every look.

use std::time::Duration;

use tokio::time::Instant;

use super::aspect::Aspect;
use super::past::Past;
use super::rows::Rows;
use super::server::Server;
use crate::core::metric::{Metric, Unit};
use crate::core::outcome::Verdict;
use crate::core::text;
use crate::probe::finding::Finding;
use crate::probe::level::{Judgement, Levels, told};
use crate::probe::pattern::Pattern;
use crate::probe::trace::Trace;

/// Most findings of one aspect.
const FINDINGS: usize = 10;
/// Longest text about one thing, in characters; some of them fit into a message.
const CHARS: usize = 200;

/// Verdicts with their reasons, assertions, numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    said: Vec<(Verdict, String)>,
    findings: Vec<Finding>,
    metrics: Vec<Metric>,
    /// What the message begins with, where the aspect has something for everybody.
    pub(super) headline: Option<String>,
    /// Why it was not seen, where nobody has asked for it.
    pub(super) unseen: Option<String>,
}

impl Found {
    /// It could not be looked at.
    pub(super) fn unknown(what: &str, reason: &str) -> Self {
        let mut found = Self::default();
        found.holds(
            Finding::new(what, "to be seen", reason, true).worth(Verdict::Unknown),
            &format!("{what}: could not look: {reason}"),
        );
        found
    }

    /// We may not see it, and were not asked to: `grant` would change that. It counts for nothing.
    pub(super) fn unseen(what: &str, grant: String) -> Self {
        let finding = Finding::new(what, "to be seen", format!("not seen; {grant}"), true);
        Self {
            findings: vec![finding.worth(Verdict::Unknown)],
            unseen: Some(grant),
            ..Self::default()
        }
    }

    /// A number against its levels. `about` says where it comes from.
    pub(super) fn level(
        &mut self,
        what: &str,
        (value, unit): (f64, Unit),
        levels: Levels,
        about: &str,
    ) {
        let (shown, verdict) = (told(unit, value), levels.judge(value));
        let found = match about {
            "" => shown.clone(),
            about => format!("{shown} ({about})"),
        };
        let finding = Finding::new(what, levels.expected(unit), found, true);
        let level = levels.reached(verdict, unit);
        let level = level.unwrap_or_default();
        // The level stands behind what can be long, and is never cut off.
        let around = format!("{what} {shown} (; {level})").chars().count();
        let inside = match text::line(about, CHARS.saturating_sub(around)).as_str() {
            "" => level,
            about => format!("{about}; {level}"),
        };
        self.holds(
            finding.worth(verdict),
            &format!("{what} {shown} ({inside})"),
        );
    }

    /// An assertion, and what is said where it does not hold. Both may come from outside.
    pub(super) fn holds(&mut self, finding: Finding, otherwise: &str) {
        if finding.verdict != Verdict::Pass {
            self.said
                .push((finding.verdict, text::line(otherwise, CHARS)));
        }
        self.note(finding);
    }

    /// An assertion on which nothing depends.
    pub(super) fn note(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS {
            self.findings.push(finding);
        }
    }

    pub(super) fn metric(&mut self, name: &str, value: f64, unit: Unit) {
        self.metrics.extend(Metric::new(name, unit, value));
    }

    /// Tells it all.
    pub(super) fn tell(&self, judgement: &mut Judgement, trace: &mut Trace) {
        for finding in &self.findings {
            trace.note(|| finding.clone());
        }
        for (verdict, said) in &self.said {
            judgement.add(*verdict, || said.clone());
        }
        for Metric { name, unit, value } in &self.metrics {
            judgement.metric(name, *value, *unit);
        }
    }
}

/// An answer that is being judged.
pub(super) struct Judging<'a> {
    pub(super) aspect: &'static Aspect,
    pub(super) levels: Levels,
    /// Whether its levels are the user's own.
    pub(super) is_written: bool,
    ignore: Option<&'a Pattern>,
    pub(super) rows: &'a Rows,
    pub(super) past: &'a mut Past,
    pub(super) now: Instant,
    pub(super) found: Found,
    hidden: f64,
}

impl<'a> Judging<'a> {
    pub(super) fn new(
        (aspect, levels, is_written): (&'static Aspect, Levels, bool),
        ignore: Option<&'a Pattern>,
        rows: &'a Rows,
        past: &'a mut Past,
        now: Instant,
    ) -> Self {
        Self {
            aspect,
            levels,
            is_written,
            ignore,
            rows,
            past,
            now,
            found: Found::default(),
            hidden: 0.0,
        }
    }

    /// Whether what is named so is to be left aside.
    pub(super) fn ignores(&self, name: &str) -> bool {
        self.ignore
            .is_some_and(|pattern| pattern.matches(name.as_bytes()))
    }

    /// The number of the aspect, judged and kept as a series.
    pub(super) fn level(&mut self, value: f64, about: &str) {
        let (what, unit) = (self.aspect.what(), self.aspect.unit);
        if self.aspect.series {
            self.found.metric(&what, value, unit);
        }
        self.found.level(&what, (value, unit), self.levels, about);
    }

    /// How much two counters have grown in the last minutes; none while it is not known.
    pub(super) fn grown(&mut self, window: Duration) -> Option<([f64; 2], Duration)> {
        let row = self.rows.first()?;
        let counters = [row.number("a")?, row.number("b").unwrap_or_default()];
        self.past.grown(self.now, counters, window)
    }

    /// So many things could not be seen.
    pub(super) fn hidden(&mut self, number: f64) {
        self.hidden = number;
    }

    /// What was found. What a role cannot see of an aspect makes it unknown where the user asks for it, and is else
    /// only told; what it sees counts.
    pub(super) fn finish(mut self, server: &Server) -> Found {
        if self.hidden > 0.0 {
            let what = self.aspect.what();
            let grant = server.grant_of_data();
            let reason = format!("{} are hidden: {grant}", Unit::Count.show(self.hidden));
            let finding = Finding::new(what.as_str(), "to be seen", reason.as_str(), true);
            let finding = finding.worth(Verdict::Unknown);
            if self.is_written {
                self.found.holds(finding, &format!("{what}: {reason}"));
            } else {
                self.found.note(finding);
                self.found.unseen = Some(grant);
            }
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::outcome::Outcome;

    fn said(about: &str) -> Outcome {
        let mut found = Found::default();
        let levels = Levels::of(40.0, 90.0);
        found.level("connections", (41.0, Unit::Percent), levels, about);
        let mut trace = Trace::explaining(Duration::from_secs(1));
        let mut judgement = Judgement::default();
        found.tell(&mut judgement, &mut trace);
        assert_eq!(trace.findings()[0].expected, "below 40 %, fails at 90 %");
        judgement.outcome("good")
    }

    #[test]
    fn a_level_that_is_reached_is_said_however_much_there_is_to_say() {
        assert_eq!(said("").message(), "connections 41 % (warn at 40 %)");
        assert_eq!(
            said("41 of 100").message(),
            "connections 41 % (41 of 100; warn at 40 %)"
        );
        let long = said(&"x".repeat(1_000)).message();
        assert!(long.ends_with("x…; warn at 40 %)"), "{long}");
        assert_eq!(long.chars().count(), CHARS);
    }
}
