//! Levels of latency: of one look, and of a share of the last ones (`p95` and its like).

use std::collections::VecDeque;
use std::time::Duration;

use crate::core::metric::Unit;
use crate::core::outcome::{Verdict, micros};
use crate::core::time::human;
use crate::probe::finding::Finding;
use crate::probe::kept::Kept;
use crate::probe::level::{Judgement, Levels};
use crate::probe::trace::Trace;
use crate::settings::Section;

/// The longest time that can be a level.
const LONGEST: Duration = Duration::from_hours(1);
/// How many looks count where nothing is said, and at most.
const LOOKS: i64 = 20;
const MOST_LOOKS: i64 = 1_000;
/// The percentiles that can be asked for.
const RANKS: [(&str, u32); 4] = [("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)];

/// What is asked of latencies.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Paces {
    /// How long one look may take.
    fail: Option<Duration>,
    ranks: Vec<Rank>,
    /// The latencies of the last looks, in microseconds, the newest last.
    last: Kept<VecDeque<u64>>,
}

/// A percentile of the latencies of the last looks.
#[derive(Clone, Debug, PartialEq)]
struct Rank {
    key: &'static str,
    percent: u32,
    /// Seconds.
    levels: Levels,
    /// How many looks.
    of: usize,
}

impl Paces {
    /// Reads `slow_fail`, and `p50` to `p99`, each a table of `warn`, `fail` and `of`.
    pub(super) fn read(section: &mut Section<'_>, slow: Option<Duration>) -> Self {
        let fail = section.duration("slow_fail", Duration::from_millis(1)..=LONGEST);
        if let (Some(slow), Some(fail)) = (slow, fail)
            && slow > fail
        {
            let message = "\"slow\" is above \"slow_fail\"";
            section.refuse("slow_fail", message, "warn first, fail later");
        }
        let ranks = RANKS.iter().filter_map(|(key, percent)| {
            let mut table = section.table(key)?;
            let levels =
                Levels::read_times(&mut table, ("warn", "fail"), LONGEST, Levels::default());
            // With fewer looks the share would be the slowest of them, or none.
            let least = 100 / i64::from(100 - percent);
            let of = table.integer("of", least..=MOST_LOOKS);
            let of = of.unwrap_or(LOOKS.max(least));
            if levels == Levels::default() {
                let message = format!("\"{key}\" has no level");
                let hint =
                    format!("write {key} = {{ warn = \"300ms\", fail = \"1s\", of = {of} }}");
                table.wrong(&table.span(), message, Some(hint));
            }
            table.finish();
            Some(Rank {
                key,
                percent: *percent,
                levels,
                of: usize::try_from(of).unwrap_or_default(),
            })
        });
        Self {
            ranks: ranks.collect(),
            fail,
            last: Kept::default(),
        }
    }

    /// Judges a look that took so long, and those before it.
    pub(super) fn judge(&self, took: Duration, judgement: &mut Judgement, trace: &mut Trace) {
        if let Some(fail) = self.fail {
            let holds = took <= fail;
            let most = human(fail);
            let finding = || Finding::new("time", format!("at most {most}"), human(took), holds);
            judgement.holds(trace, finding, || format!("slower than {most}"));
        }
        let Some(longest) = self.ranks.iter().map(|rank| rank.of).max() else {
            return;
        };
        let mut last = self.last.take().unwrap_or_default();
        last.push_back(micros(took));
        while last.len() > longest {
            last.pop_front();
        }
        for rank in &self.ranks {
            rank.judge(&last, judgement, trace);
        }
        self.last.put(last);
    }
}

impl Rank {
    fn judge(&self, last: &VecDeque<u64>, judgement: &mut Judgement, trace: &mut Trace) {
        let Self {
            key, levels, of, ..
        } = self;
        let Some(value) = self.of(last) else {
            // Said, and nothing else: what was not seen is neither good nor bad.
            trace.note(|| {
                let expected = format!("{} of {of} looks", levels.expected(Unit::Seconds));
                let found = format!("looks so far: {}, judged from {of} on", last.len());
                Finding::new(*key, expected, found, true)
            });
            return;
        };
        let verdict = levels.judge(value.as_secs_f64());
        trace.note(|| {
            let expected = format!("{} of {of} looks", levels.expected(Unit::Seconds));
            Finding::new(*key, expected, human(value), true).worth(verdict)
        });
        judgement.metric(key, value.as_secs_f64(), Unit::Seconds);
        judgement.add(verdict, || {
            let level = match verdict {
                Verdict::Fail => levels.fail,
                Verdict::Warn | Verdict::Pass | Verdict::Unknown => levels.warn,
            };
            let level = human(Duration::from_secs_f64(level.unwrap_or_default()));
            format!("{key} of the last {of} looks is {level} or more")
        });
    }

    /// The latency that so many percent of the last looks kept; none where there were too few.
    fn of(&self, last: &VecDeque<u64>) -> Option<Duration> {
        let start = last.len().checked_sub(self.of)?;
        let mut latest: Vec<u64> = last.iter().skip(start).copied().collect();
        latest.sort_unstable();
        // Nearest rank: the least that is no less than so many percent of all.
        let rank = (latest.len() * self.percent as usize).div_ceil(100);
        let value = latest.get(rank.saturating_sub(1))?;
        Some(Duration::from_micros(*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Probe;
    use crate::probe::tests::read;

    fn paces(keys: &str) -> Paces {
        let (probe, problems) = read(&format!("http = {{ url = \"http://a/\", {keys} }}"));
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Probe::Http(settings)) = probe else {
            panic!("an http probe was read");
        };
        settings.more.unwrap().paces.clone()
    }

    fn judged(paces: &Paces, took_ms: u64) -> String {
        let mut judgement = Judgement::default();
        let mut trace = Trace::start(Duration::from_secs(1));
        paces.judge(Duration::from_millis(took_ms), &mut judgement, &mut trace);
        let outcome = judgement.outcome("good");
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    #[test]
    fn a_look_that_took_too_long_fails() {
        let paces = paces("slow_fail = \"1s\"");
        assert_eq!(judged(&paces, 1_000), "pass: good");
        assert_eq!(judged(&paces, 1_001), "fail: slower than 1 s");
    }

    #[test]
    fn a_percentile_is_judged_once_there_are_enough_looks() {
        let paces = paces("p90 = { warn = \"100ms\", fail = \"1s\", of = 10 }");
        for _ in 0..9 {
            assert_eq!(judged(&paces, 5_000), "pass: good", "too few to say");
        }
        let said = "p90 of the last 10 looks is";
        assert_eq!(judged(&paces, 5_000), format!("fail: {said} 1 s or more"));
        for _ in 0..8 {
            assert_eq!(judged(&paces, 5), format!("fail: {said} 1 s or more"));
        }
        // One of ten may be slow.
        assert_eq!(judged(&paces, 5), "pass: good");
        judged(&paces, 200);
        assert_eq!(judged(&paces, 200), format!("warn: {said} 100 ms or more"));
    }

    #[test]
    fn what_cannot_be_a_percentile_is_refused() {
        for (keys, part) in [
            (
                "p99 = { warn = \"1s\", of = 20 }",
                "write a whole number from 100 to 1000",
            ),
            ("p95 = {}", "\"p95\" has no level"),
            (
                "p95 = { warn = \"2s\", fail = \"1s\" }",
                "warn first, fail later",
            ),
            ("p95 = \"1s\"", "\"p95\" is not a table"),
            (
                "slow = \"2s\", slow_fail = \"1s\"",
                "warn first, fail later",
            ),
        ] {
            let (_, problems) = read(&format!("http = {{ url = \"http://a/\", {keys} }}"));
            assert!(
                problems.iter().any(|p| p.contains(part)),
                "{keys}: {problems:?}"
            );
        }
    }
}
