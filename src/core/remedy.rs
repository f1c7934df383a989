//! What is done about a failure before people are told of it: the rule of the plan, and what was tried so far.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::incident::Entry;
use super::time::{Time, human};

/// Most attempts whose ends are remembered for pages and mails.
const LOG: usize = 10;

/// When a remedy is tried, and who hears of it when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is done, for people: `restart nginx.service`.
    pub what: Arc<str>,
    /// Failures in a row from which on it is tried; at least one.
    pub after: u32,
    pub limit: Limit,
    /// Longest time that one of its steps may take, and how many it has.
    pub timeout: Duration,
    pub steps: u32,
    /// How long what was done needs to show: looks that begin sooner say nothing about it.
    pub settle: Duration,
    pub then: Then,
    /// Whether people are told only when it has not helped.
    pub quiet: bool,
}

/// At most so many attempts within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At least one, at most [`Limit::MAX`].
    pub times: u8,
    pub within: Duration,
}

impl Limit {
    /// As many attempts as are remembered.
    pub const MAX: u8 = 20;
    /// What the manual of Monit shows for restarts that do not help.
    pub const DEFAULT: Self = Self {
        times: 3,
        within: Duration::from_mins(15),
    };
}

impl fmt::Display for Limit {
    /// `at most 3 times in 15 min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = human(self.within).replace(".0 ", " ");
        match self.times {
            1 => write!(f, "at most once in {within}"),
            2 => write!(f, "at most twice in {within}"),
            times => write!(f, "at most {times} times in {within}"),
        }
    }
}

/// What follows when the limit is reached. People are told in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is tried again as soon as the limit allows.
    Alert,
    /// Nothing more is tried before the check has been good again.
    Stop,
}

impl Then {
    /// The words of the configuration.
    pub const WORDS: [(&'static str, Self); 2] = [("alert", Self::Alert), ("stop", Self::Stop)];
}

/// What was tried for one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// When the last attempts began, oldest first, at most [`Limit::MAX`].
    pub began: Vec<Time>,
    /// Whether the last of them is under way.
    pub running: bool,
    /// When the last one that has ended did so.
    pub ended: Option<Time>,
    /// How the last ones ended, oldest first.
    pub log: Vec<Entry>,
    /// Whether the limit was reached since the check was good the last time.
    pub spent: bool,
    /// Whether the last one had its time to help and nothing said that it did.
    pub vain: bool,
}

/// What becomes of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It is to be done; `what` is for people. `is_last`: the limit is reached with it.
    Began { what: Arc<str>, is_last: bool },
    /// It has ended so.
    Ended { text: Arc<str> },
    /// It had its time to help, and no look said that it did.
    InVain,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began { what, .. } => f.write_str(what),
            Self::Ended { text } => write!(f, "ended: {text}"),
            Self::InVain => f.write_str("did not help"),
        }
    }
}

impl Tried {
    pub(super) fn apply(&mut self, at: Time, step: &Step) {
        match step {
            Step::Began { is_last, .. } => self.begin(at, *is_last),
            Step::Ended { text } => self.end(at, text),
            Step::InVain => self.vain = true,
        }
    }

    fn begin(&mut self, at: Time, is_last: bool) {
        if self.began.len() >= usize::from(Limit::MAX) {
            self.began.remove(0);
        }
        self.began.push(at);
        self.running = true;
        self.spent |= is_last;
        self.vain = false;
    }

    fn end(&mut self, at: Time, text: &Arc<str>) {
        self.running = false;
        self.ended = Some(at);
        if self.log.len() >= LOG {
            self.log.remove(0);
        }
        let text = Arc::clone(text);
        self.log.push(Entry { at, text });
    }

    pub(super) fn shift(&mut self, moved: impl Fn(Time) -> Time) {
        for at in self.began.iter_mut().chain(&mut self.ended) {
            *at = moved(*at);
        }
    }

    /// When the attempt that is under way began: its name, since there is one at a time.
    pub fn under_way(&self) -> Option<Time> {
        self.began.last().copied().filter(|_| self.running)
    }

    /// What was tried since then, for people.
    pub fn since(&self, from: Time) -> impl Iterator<Item = &Entry> {
        self.log.iter().filter(move |entry| entry.at >= from)
    }

    /// Whether a look that began at `at` cannot tell yet whether the last attempt helped.
    fn is_settling(&self, rule: &Rule, at: Time) -> bool {
        self.running || self.ended.is_some_and(|ended| at < ended + rule.settle)
    }
}

impl Rule {
    /// Whether to try at `now`, after `failures` in a row of which a look that began at `at` found the last.
    pub fn asks(&self, tried: &Tried, failures: u32, at: Time, now: Time) -> bool {
        failures >= self.after
            && !tried.is_settling(self, at)
            && !(self.then == Then::Stop && tried.spent)
            && self.lately(tried, now) < usize::from(self.limit.times)
    }

    /// Whether an attempt at `now` is the last one that the limit allows.
    pub fn is_last(&self, tried: &Tried, now: Time) -> bool {
        self.lately(tried, now) + 1 >= usize::from(self.limit.times)
    }

    /// Whether people are not told because of an attempt that this look, begun at `at`, says nothing of.
    pub fn hopes(&self, tried: &Tried, failing_since: Time, at: Time) -> bool {
        let present = tried.running || tried.ended.is_some_and(|ended| ended >= failing_since);
        self.quiet && present && tried.is_settling(self, at)
    }

    /// Until when people are not told though no look says anything: the attempt, what it needs to show, and one
    /// look of at most `look`.
    pub fn hopes_until(&self, tried: &Tried, failing_since: Time, look: Duration) -> Option<Time> {
        let ended = tried.ended.filter(|&ended| ended >= failing_since);
        let end = match tried.under_way() {
            Some(began) => began + self.timeout * self.steps,
            None => ended?,
        };
        (self.quiet && !tried.vain).then(|| end + self.settle + look)
    }

    /// Whether nothing more is tried at `now` because of the limit.
    pub fn is_exhausted(&self, tried: &Tried, now: Time) -> bool {
        let is_over = self.then == Then::Stop && tried.spent;
        is_over || self.lately(tried, now) >= usize::from(self.limit.times)
    }

    fn lately(&self, tried: &Tried, now: Time) -> usize {
        let within = |&&began: &&Time| began + self.limit.within > now;
        tried.began.iter().filter(within).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(then: Then) -> Rule {
        Rule {
            what: "restart".into(),
            after: 2,
            limit: Limit {
                times: 2,
                within: Duration::from_mins(10),
            },
            timeout: Duration::from_secs(30),
            steps: 2,
            settle: Duration::from_secs(10),
            then,
            quiet: true,
        }
    }

    fn at(seconds: i64) -> Time {
        Time::from_millis(1_700_000_000_000 + seconds * 1_000)
    }

    #[test]
    fn a_limit_is_said_as_people_say_it() {
        for (times, said) in [
            (1, "at most once in 10 min"),
            (2, "at most twice in 10 min"),
            (3, "at most 3 times in 10 min"),
        ] {
            let within = Duration::from_mins(10);
            assert_eq!(Limit { times, within }.to_string(), said);
        }
    }

    #[test]
    fn it_is_tried_from_so_many_failures_on_one_at_a_time_and_not_before_the_last_could_help() {
        let rule = rule(Then::Alert);
        let mut tried = Tried::default();
        assert!(!rule.asks(&tried, 1, at(0), at(0)));
        assert!(rule.asks(&tried, 2, at(0), at(0)));
        tried.begin(at(0), rule.is_last(&tried, at(0)));
        assert_eq!(tried.under_way(), Some(at(0)));
        assert!(!rule.asks(&tried, 3, at(1), at(1)), "one is under way");
        tried.end(at(2), &"done".into());
        assert!(!rule.asks(&tried, 3, at(11), at(12)), "it has to settle");
        assert!(rule.asks(&tried, 3, at(12), at(12)));
    }

    #[test]
    fn the_limit_holds_within_its_window_and_then_says_whether_there_is_more() {
        for (then, again) in [(Then::Alert, true), (Then::Stop, false)] {
            let rule = rule(then);
            let mut tried = Tried::default();
            for start in [0, 60] {
                assert!(rule.asks(&tried, 9, at(start), at(start)));
                tried.begin(at(start), rule.is_last(&tried, at(start)));
                tried.end(at(start + 1), &"done".into());
            }
            assert!(tried.spent);
            assert!(!rule.asks(&tried, 9, at(120), at(120)));
            assert!(rule.is_exhausted(&tried, at(120)));
            assert_eq!(rule.is_exhausted(&tried, at(601)), !again, "{then:?}");
            assert_eq!(rule.asks(&tried, 9, at(601), at(601)), again, "{then:?}");
        }
    }

    #[test]
    fn people_are_not_told_while_an_attempt_may_still_help() {
        let rule = rule(Then::Alert);
        let look = Duration::from_secs(5);
        let mut tried = Tried::default();
        assert!(!rule.hopes(&tried, at(0), at(0)));
        assert_eq!(rule.hopes_until(&tried, at(0), look), None);
        tried.begin(at(0), false);
        assert!(rule.hopes(&tried, at(0), at(1)));
        assert_eq!(rule.hopes_until(&tried, at(0), look), Some(at(75)));
        tried.end(at(2), &"done".into());
        assert!(rule.hopes(&tried, at(0), at(11)));
        assert!(!rule.hopes(&tried, at(0), at(12)), "this look tells");
        assert_eq!(rule.hopes_until(&tried, at(0), look), Some(at(17)));
        // What was tried for an earlier failure is no hope for this one.
        assert!(!rule.hopes(&tried, at(3), at(4)));
        assert_eq!(rule.hopes_until(&tried, at(3), look), None);
    }
}
