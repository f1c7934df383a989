//! What replies are worth. Pure.

use std::time::Duration;

use super::ping::Seen;
use super::{Settings, TIMES};
use crate::core::metric::Unit;
use crate::core::outcome::Outcome;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;

/// The outcome of what was seen.
pub(super) fn judge(settings: &Settings, seen: &Seen, trace: &mut Trace) -> Outcome {
    let sent = seen.sent.max(1);
    let back = u16::try_from(seen.times.len()).unwrap_or(sent).min(sent);
    let loss = f64::from(sent - back) * 100.0 / f64::from(sent);
    let mut judgement = Judgement::default();
    judgement.level(trace, "loss", (loss, Unit::Percent), settings.loss);
    let total: Duration = seen.times.iter().sum();
    let (Some(least), Some(most)) = (seen.times.iter().min(), seen.times.iter().max()) else {
        return silence(seen, judgement, trace);
    };
    let mean = total / u32::from(back.max(1));
    for (((what, _), levels), time) in TIMES.iter().zip(settings.times).zip([*least, mean, *most]) {
        let value = (time.as_secs_f64(), Unit::Seconds);
        judgement.level(trace, what, value, levels);
    }
    let good = format!("{back} of {} came back", seen.sent);
    judgement.timed(mean, &good)
}

/// Nothing came back: what is said of it is more than a number.
fn silence(seen: &Seen, judgement: Judgement, trace: &mut Trace) -> Outcome {
    let Seen { ip, sent, .. } = seen;
    trace.note(|| {
        let found = seen.error.as_deref().unwrap_or("nothing");
        Finding::new("replies", "some", found, false)
    });
    let metrics = judgement.outcome("").metrics;
    let why = match &seen.error {
        Some(error) => format!("{ip} does not answer: {error}"),
        None => format!("{ip} does not answer (none of {sent} came back)"),
    };
    let outcome = Outcome::fail(&why);
    outcome.with_metrics(metrics.map(|all| all.to_vec()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Probe;
    use crate::probe::tests::read;

    fn judged(keys: &str, sent: u16, times_ms: &[u64], error: Option<&str>) -> String {
        let (probe, problems) = read(&format!("icmp = {{ host = \"a\", {keys} }}"));
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Probe::Icmp(settings)) = probe else {
            panic!("an icmp probe was read");
        };
        let seen = Seen {
            ip: "192.0.2.7".parse().unwrap(),
            sent,
            times: times_ms
                .iter()
                .copied()
                .map(Duration::from_millis)
                .collect(),
            error: error.map(str::to_owned),
        };
        let outcome = judge(&settings, &seen, &mut Trace::start(Duration::from_secs(1)));
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    #[test]
    fn loss_and_times_have_their_levels() {
        assert_eq!(
            judged("", 3, &[10, 20, 30], None),
            "pass: 3 of 3 came back in 20 ms"
        );
        assert_eq!(
            judged("", 3, &[10, 20], None),
            "warn: 2 of 3 came back in 15 ms, loss 33.3 % (warn at 20 %)"
        );
        assert_eq!(
            judged("loss_fail = 50", 4, &[10, 10], None),
            "fail: 2 of 4 came back in 10 ms, loss 50 % (fail at 50 %)"
        );
        assert_eq!(
            judged(
                "mean_warn = \"15ms\", most_fail = \"30ms\"",
                3,
                &[10, 20, 30],
                None
            ),
            "fail: 3 of 3 came back in 20 ms, most 30 ms (fail at 30 ms), mean 20 ms (warn at 15 ms)"
        );
    }

    #[test]
    fn a_host_that_is_silent_fails_with_what_was_said_of_it() {
        assert_eq!(
            judged("", 3, &[], None),
            "fail: 192.0.2.7 does not answer (none of 3 came back)"
        );
        assert_eq!(
            judged("", 3, &[], Some("no route to host")),
            "fail: 192.0.2.7 does not answer: no route to host"
        );
    }
}
