//! Why an outcome is what it is: each assertion with what was expected and found, the phases, the numbers.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::core::outcome::Outcome;
use crate::core::text;
use crate::core::time::human;
use crate::probe::Finding;

/// Longest piece of what was expected or found on a line: whoever asks why wants all of it, and no flood.
const PIECE_CHARS: usize = 1_000;

/// As indented lines below the check.
pub(super) fn text(target: &str, outcome: &Outcome, findings: &[Finding]) -> String {
    let mut out = format!("         looked at {}\n", text::line(target, PIECE_CHARS));
    for finding in findings {
        let (mark, piece) = (finding.verdict.word(), |t: &str| text::line(t, PIECE_CHARS));
        let (what, expected) = (piece(&finding.what), piece(&finding.expected));
        let found = piece(&finding.found);
        let expected = if expected.is_empty() {
            String::new()
        } else {
            format!("expected {expected}, found ")
        };
        writeln!(out, "         {mark:<7} {what}: {expected}{found}").expect("writes to memory");
    }
    // What its message has no room for.
    for more in outcome.left_out.iter().flat_map(|more| more.iter()) {
        let more = text::line(more, PIECE_CHARS);
        writeln!(out, "         more: {more}").expect("writes to memory");
    }
    let phases = outcome.phases.as_deref().unwrap_or_default().iter();
    let phases: Vec<String> = phases
        .map(|phase| {
            let took = std::time::Duration::from_micros(phase.took_us);
            format!("{} {}", phase.name, human(took))
        })
        .collect();
    let metrics = outcome.metrics.as_deref().unwrap_or_default().iter();
    let metrics: Vec<String> = metrics
        .map(|metric| format!("{} {}", metric.name, metric.unit.show(metric.value)))
        .collect();
    for (what, parts) in [("time", phases), ("measured", metrics)] {
        if !parts.is_empty() {
            writeln!(out, "         {what}: {}", parts.join(", ")).expect("writes to memory");
        }
    }
    out
}

/// As JSON.
pub(super) fn json(finding: &Finding) -> Value {
    json!({
        "what": finding.what,
        "expected": finding.expected,
        "found": finding.found,
        "verdict": finding.verdict.word(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::metric::{Metric, Unit};
    use crate::core::outcome::{Phase, Verdict};

    #[test]
    fn it_tells_what_was_expected_and_found_and_nothing_that_moves_the_cursor() {
        let finding = Finding {
            what: "answer".to_owned(),
            expected: "/^220 /".to_owned(),
            found: "554\u{1b}[2J no".to_owned(),
            verdict: Verdict::Fail,
        };
        let phase = Phase {
            name: "connect".into(),
            took_us: 400,
        };
        let outcome = Outcome::fail("no").with_phases(vec![phase]).with_metrics(
            Metric::new("size", Unit::Bytes, 1_536.0)
                .into_iter()
                .collect(),
        );
        let told = text(
            "a",
            &Outcome::fail("so much").with_left_out(&["deadlocks 7"]),
            &[Finding {
                what: "output".to_owned(),
                expected: String::new(),
                found: "two lines".to_owned(),
                verdict: Verdict::Pass,
            }],
        );
        assert_eq!(
            told,
            "         looked at a\n         pass    output: two lines\n         more: deadlocks 7\n"
        );
        assert_eq!(
            text("mail:25", &outcome, &[finding]),
            "         looked at mail:25\n         fail    answer: expected /^220 /, found 554 [2J no\n         time: connect 0.4 ms\n         measured: size 1.5 KiB\n"
        );
    }
}
