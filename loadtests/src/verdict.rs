//! What is said at the end: which thresholds held, which did not, and the exit code.

use std::fmt::Write as _;
use std::process::ExitCode;

use goose::threshold::ThresholdResult;

use crate::scenario::Tally;

/// A line for each rule, and a sentence.
pub(crate) fn table(results: &[ThresholdResult], tally: &Tally) -> String {
    let mut out = String::new();
    let width = |field: fn(&ThresholdResult) -> &String| {
        let widths = results.iter().map(|result| field(result).chars().count());
        widths.max().unwrap_or_default()
    };
    let (rule, observed) = (width(|r| &r.rule), width(|r| &r.observed));
    for result in results {
        let verdict = if result.passed { "held" } else { "FAILED" };
        // Writing to a string cannot fail.
        writeln!(
            out,
            "  {:rule$}  {:>observed$}  {verdict}",
            result.rule, result.observed
        )
        .expect("a string takes everything");
    }
    let streams = tally.streams.value();
    if streams > 0 {
        writeln!(
            out,
            "  {streams} live streams brought {} events",
            tally.events.value()
        )
        .expect("a string takes everything");
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    let all = results.len();
    let sentence = match (failed, all) {
        (_, 0) => "No threshold was set, so nothing was judged.".to_owned(),
        (0, _) => format!("All {all} thresholds held."),
        _ => format!("{failed} of {all} thresholds failed."),
    };
    out + &sentence
}

/// Success when every rule held.
pub(crate) fn code(results: &[ThresholdResult]) -> ExitCode {
    if results.iter().all(|result| result.passed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
