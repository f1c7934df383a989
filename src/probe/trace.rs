//! How the time of one look is spent, and what is said when it is over.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::error::Elapsed;

use super::error::Looked;
use super::finding::Finding;
use crate::clock::stood_still;
use crate::core::outcome::{Outcome, Phase, Verdict, micros};
use crate::core::time::human;

/// What a probe is doing. In the order in which phases are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Dns,
    Connect,
    Proxy,
    Tls,
    Login,
    FirstByte,
    Transfer,
    Query,
    Files,
    Run,
}

impl Stage {
    const ALL: [Self; 10] = [
        Self::Dns,
        Self::Connect,
        Self::Proxy,
        Self::Tls,
        Self::Login,
        Self::FirstByte,
        Self::Transfer,
        Self::Query,
        Self::Files,
        Self::Run,
    ];

    /// Its name among the phases of an outcome.
    fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::FirstByte => "first byte",
            Self::Transfer => "transfer",
            Self::Query => "query",
            Self::Files => "files",
            Self::Run => "run",
        }
    }

    /// What was under way when the time was over.
    fn doing(self) -> &'static str {
        match self {
            Self::Dns => "resolving the name",
            Self::Connect => "connecting",
            Self::Proxy => "asking the proxy for a way through",
            Self::Tls => "TLS handshake",
            Self::Login => "logging in",
            Self::FirstByte => "connected, waiting for the answer",
            Self::Transfer => "reading the answer",
            Self::Query => "waiting for the result of the query",
            Self::Files => "reading files",
            Self::Run => "running the command",
        }
    }
}

/// Most assertions of one look that are told.
const FINDINGS: usize = 200;

/// The names of the stages, which every outcome shares.
static NAMES: LazyLock<[Arc<str>; Stage::ALL.len()]> =
    LazyLock::new(|| Stage::ALL.map(|stage| stage.name().into()));

/// The course of one look. A stage that is entered again (by a redirect) adds to its first time.
#[derive(Debug)]
pub(super) struct Trace {
    started: Instant,
    timeout: Duration,
    stage: Option<(Stage, Instant)>,
    spent: [Option<Duration>; Stage::ALL.len()],
    /// Whether what is asked is only the way to what is looked at.
    blameless: bool,
    /// Kept only where somebody asks for them.
    findings: Option<Vec<Finding>>,
}

impl Trace {
    pub(super) fn start(timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            timeout,
            stage: None,
            spent: [None; Stage::ALL.len()],
            blameless: false,
            findings: None,
        }
    }

    /// One that keeps the findings.
    pub(super) fn explaining(timeout: Duration) -> Self {
        Self {
            findings: Some(Vec::new()),
            ..Self::start(timeout)
        }
    }

    /// Notes what was asserted, for whoever asks why.
    pub(super) fn note(&mut self, finding: impl FnOnce() -> Finding) {
        if let Some(findings) = self.findings.as_mut().filter(|all| all.len() < FINDINGS) {
            findings.push(finding());
        }
    }

    /// What was asserted, in order.
    pub(super) fn findings(&self) -> &[Finding] {
        self.findings.as_deref().unwrap_or_default()
    }

    /// From here on silence is not that of the target: it is our kernel that is asked about it.
    pub(super) fn ask_about(&mut self, stage: Stage) {
        self.enter(stage);
        self.blameless = true;
    }

    /// When the look must be over.
    pub(super) fn deadline(&self) -> Instant {
        self.started + self.timeout
    }

    /// How long the look takes so far.
    pub(super) fn took(&self) -> Duration {
        self.started.elapsed()
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.took())
    }

    /// Ends the stage before and begins the next.
    pub(super) fn enter(&mut self, stage: Stage) {
        let now = Instant::now();
        self.leave(now);
        self.stage = Some((stage, now));
    }

    fn leave(&mut self, now: Instant) {
        if let Some((stage, since)) = self.stage.take() {
            let spent = self.spent[stage as usize].get_or_insert_default();
            *spent += now - since;
        }
    }

    /// What it means that the stage that is under way did not end in time: in all of it, or in the share
    /// that one of several ways had.
    pub(super) fn silence(&self, way: Option<&str>) -> Outcome {
        let stage = self.stage.map(|(stage, _)| stage);
        let all = human(self.timeout);
        let (from, within) = match way {
            None => (String::new(), format!("within {all}")),
            Some(way) => (format!(" from {way}"), format!("in its share of {all}")),
        };
        if stage == Some(Stage::Dns) {
            return Outcome::unknown(&format!("the resolver did not answer {within}"));
        }
        let doing = stage.map_or("starting", Stage::doing);
        if self.blameless {
            return Outcome::unknown(&format!("it could not be seen {within} ({doing})"));
        }
        Outcome::fail(&format!("no answer{from} {within} ({doing})"))
    }

    /// What is left of a failure that we noticed long after the deadline: the answer may have come meanwhile, and
    /// nobody was there to hear it.
    fn believable(&self, outcome: Outcome) -> Outcome {
        let over = self.took().saturating_sub(self.timeout);
        // A look that ends long after it must has not been looked after.
        if outcome.verdict != Verdict::Fail || !stood_still(over, Duration::ZERO) {
            return outcome;
        }
        let found = &outcome.text;
        let text = format!(
            "not known, we stood still for {} or more: {found}",
            human(over)
        );
        Outcome {
            verdict: Verdict::Unknown,
            text: text.into(),
            ..outcome
        }
    }

    /// The outcome of a look that came to its end, or did not. Time that went by while our own resolver was
    /// asked says nothing of the target.
    pub(super) fn conclude(&mut self, looked: Result<Looked<Outcome>, Elapsed>) -> Outcome {
        let outcome = match looked {
            Ok(Ok(outcome) | Err(outcome)) => outcome,
            Err(_) => self.silence(None),
        };
        let outcome = self.believable(outcome);
        self.leave(Instant::now());
        let phases = Stage::ALL.iter().filter_map(|stage| {
            self.spent[*stage as usize].map(|spent| Phase {
                name: Arc::clone(&NAMES[*stage as usize]),
                took_us: micros(spent),
            })
        });
        outcome.with_phases(phases.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The course of a look that began so long ago, and may take five seconds.
    fn begun(ago: Duration) -> Trace {
        let mut trace = Trace::start(Duration::from_secs(5));
        trace.enter(Stage::Connect);
        trace.started -= ago;
        trace
    }

    #[tokio::test]
    async fn a_kernel_that_does_not_tell_of_something_says_nothing_of_it() {
        let never = std::future::pending();
        let elapsed = tokio::time::timeout(Duration::ZERO, never).await;
        let mut trace = begun(Duration::from_secs(6));
        trace.ask_about(Stage::Files);
        let outcome = trace.conclude(elapsed);
        let said = "it could not be seen within 5 s (reading files)";
        assert_eq!(
            (outcome.verdict, outcome.message().as_str()),
            (Verdict::Unknown, said)
        );
    }

    #[tokio::test]
    async fn what_was_missed_while_we_stood_still_is_not_held_against_the_target() {
        let told = "no answer within 5 s (connecting)";
        let missed = format!("not known, we stood still for 30 s or more: {told}");
        for (ago, verdict, said) in [(6, Verdict::Fail, told), (35, Verdict::Unknown, &missed)] {
            let never = std::future::pending();
            let elapsed = tokio::time::timeout(Duration::ZERO, never).await;
            let outcome = begun(Duration::from_secs(ago)).conclude(elapsed);
            assert_eq!(
                (outcome.verdict, outcome.message().as_str()),
                (verdict, said)
            );
        }
        let late = Duration::from_secs(35);
        let good = begun(late).conclude(Ok(Ok(Outcome::pass("it was there"))));
        assert_eq!(good.verdict, Verdict::Pass);
        let bad = begun(late).conclude(Ok(Err(Outcome::fail("nobody there"))));
        assert_eq!(bad.verdict, Verdict::Unknown);
    }
}
