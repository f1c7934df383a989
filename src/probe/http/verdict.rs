//! What an answer is worth. Pure: the settings, what was seen, how long it took, what day it is.

use std::time::Duration;

use ::http::StatusCode;

use super::Settings;
use super::body::Body;
use super::follow::Seen;
use super::more::PIECE_CHARS;
use super::target::without_secrets;
use crate::core::metric::Unit;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::core::time::{Time, human};
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;

const DAY: Duration = Duration::from_hours(24);

/// The outcome of a look that came to an answer.
pub(super) fn judge(
    settings: &Settings,
    seen: &Seen,
    (took, now): (Duration, Time),
    trace: &mut Trace,
) -> Outcome {
    let answer = &seen.answer;
    let mut judgement = Judgement::default();
    let accepted = settings.accepts(answer.status);
    if accepted {
        body(settings, &answer.body, &mut judgement);
    }
    if let Some(more) = &settings.more {
        more.judge(seen, (took, now), &mut judgement, trace);
    }
    if let Some(ends) = &seen.ends {
        judgement.metric("certificate days", days(ends.leaf.since(now)), Unit::Count);
    }
    let status = match answer.status.canonical_reason() {
        Some(reason) => format!("{} {reason}", answer.status.as_u16()),
        None => answer.status.as_u16().to_string(),
    };
    if !accepted {
        let to = match &answer.location {
            Some(location) if answer.status.is_redirection() => {
                let place = text::line(&without_secrets(location), PIECE_CHARS);
                format!(", redirects to {place}")
            }
            Some(_) | None => match &seen.led_to {
                Some(at) => format!(", from {at}, where it redirects to"),
                None => String::new(),
            },
        };
        // What else an error page is not, goes without saying.
        let metrics = judgement.metrics();
        return Outcome::timed(Verdict::Fail, took, &status, &to).with_metrics(metrics);
    }
    if let Some(slow) = settings.slow.filter(|slow| took > *slow) {
        judgement.add(Verdict::Warn, || format!("slower than {}", human(slow)));
    }
    if let Some(ends) = &seen.ends {
        let doubt = ends.doubt().map(|said| (Verdict::Warn, said));
        for (verdict, said) in ends.soon(settings.days, now).into_iter().chain(doubt) {
            judgement.add(verdict, || said);
        }
    }
    judgement.but(took, &status)
}

fn body(settings: &Settings, body: &Body, judgement: &mut Judgement) {
    if let Some(why) = &body.packed {
        judgement.add(Verdict::Fail, || format!("the body {why}"));
        return;
    }
    let pattern = settings.body.as_ref();
    if let Some(pattern) = pattern.filter(|pattern| !pattern.matches(&body.text)) {
        let whole = if body.is_beginning() {
            "first MiB of the body"
        } else {
            "body"
        };
        let pattern = text::line(pattern.as_str(), PIECE_CHARS);
        judgement.add(Verdict::Fail, || {
            format!("the {whole} does not match /{pattern}/")
        });
    }
}

fn days(left: Duration) -> f64 {
    (left.as_secs_f64() / DAY.as_secs_f64()).floor()
}

impl Settings {
    /// Whether it is an answer that is wanted.
    pub(super) fn accepts(&self, status: StatusCode) -> bool {
        match &self.status {
            Some(list) => list.contains(&status.as_u16()),
            None => status.is_success(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::exchange::Answer;
    use super::*;
    use crate::probe::Probe;
    use crate::probe::tests::read;
    use crate::probe::tls::{Authority, Ends};

    fn judged(keys: &str, status: u16, body: &'static str, took_ms: u64) -> String {
        judged_with(keys, status, body, took_ms, None)
    }

    fn judged_with(
        keys: &str,
        status: u16,
        body: &'static str,
        took_ms: u64,
        ends: Option<Ends>,
    ) -> String {
        let (probe, problems) = read(&format!("http = {{ url = \"https://a.example/\"{keys} }}"));
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Probe::Http(settings)) = probe else {
            panic!("an http probe was read");
        };
        let seen = Seen {
            led_to: None,
            answer: Answer {
                status: StatusCode::from_u16(status).unwrap(),
                location: (status == 301).then(|| "https://b.example/".to_owned()),
                body: Body {
                    text: Bytes::from_static(body.as_bytes()),
                    ..Body::default()
                },
                head: None,
            },
            ends,
            place: None,
        };
        let now = Time::from_millis(1_000_000_000_000);
        let took = Duration::from_millis(took_ms);
        let mut trace = Trace::start(took);
        let outcome = judge(&settings, &seen, (took, now), &mut trace);
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    #[test]
    fn an_answer_is_judged_by_status_body_and_latency() {
        assert_eq!(judged("", 200, "", 12), "pass: 200 OK in 12 ms");
        assert_eq!(judged("", 204, "", 12), "pass: 204 No Content in 12 ms");
        assert_eq!(
            judged("", 503, "", 3),
            "fail: 503 Service Unavailable in 3.0 ms"
        );
        assert_eq!(
            judged(", status = [503]", 503, "", 12),
            "pass: 503 Service Unavailable in 12 ms"
        );
        assert_eq!(
            judged(", status = 201", 200, "", 12),
            "fail: 200 OK in 12 ms"
        );
        assert_eq!(
            judged(", redirects = 0", 301, "", 12),
            "fail: 301 Moved Permanently in 12 ms, redirects to https://b.example/"
        );
        assert_eq!(
            judged(", body = \"^ok$$\"", 200, "ok", 12),
            "pass: 200 OK in 12 ms"
        );
        assert_eq!(
            judged(", body = \"^ok$$\"", 200, "error", 12),
            "fail: 200 OK in 12 ms, but the body does not match /^ok$/"
        );
        assert_eq!(
            judged(", slow = \"800ms\"", 200, "", 912),
            "warn: 200 OK in 912 ms, slower than 800 ms"
        );
    }

    /// Certificates that end in so many days, the second of an authority `R3`.
    fn ending(leaf: u32, authority: Option<u32>) -> Ends {
        let at = |days| Time::from_millis(1_000_000_000_000) + DAY * days;
        Ends {
            leaf: at(leaf),
            authority: authority.map(|days| Authority {
                ends: at(days),
                name: "R3".into(),
            }),
            stapled: None,
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_warned_of() {
        for (keys, leaf, said) in [
            ("", 14, "pass: 200 OK in 12 ms"),
            (
                "",
                13,
                "warn: 200 OK in 12 ms, the certificate expires in 13 days (warn at 14 days)",
            ),
            (", certificate_days = 3", 5, "pass: 200 OK in 12 ms"),
            (
                ", slow = \"10ms\"",
                3,
                "warn: 200 OK in 12 ms, slower than 10 ms, the certificate expires in 3 days (warn at 14 days)",
            ),
            (
                "",
                2,
                "fail: 200 OK in 12 ms, but the certificate expires in 2 days (fail at 3 days)",
            ),
            (
                ", certificate_days = 2",
                1,
                "fail: 200 OK in 12 ms, but the certificate expires in 1 day (fail at 2 days)",
            ),
            (
                ", certificate_fail_days = 0",
                0,
                "warn: 200 OK in 12 ms, the certificate expires within a day (warn at 14 days)",
            ),
            (", certificate_days = 0", 0, "pass: 200 OK in 12 ms"),
            (
                ", certificate_days = 0, certificate_fail_days = 7",
                6,
                "fail: 200 OK in 12 ms, but the certificate expires in 6 days (fail at 7 days)",
            ),
        ] {
            assert_eq!(
                judged_with(keys, 200, "", 12, Some(ending(leaf, None))),
                said
            );
        }
    }

    #[test]
    fn leaf_and_authority_are_warned_of_apart_and_neither_hides_the_other() {
        let leaf = ", the certificate expires in 5 days (warn at 14 days)";
        let above = |days: u32| {
            format!(", the certificate of its authority R3 expires in 1 day (warn at {days} days)")
        };
        for (keys, said) in [
            ("", format!("{leaf}{}", above(14))),
            (", chain_days = 0", leaf.to_owned()),
            (", certificate_days = 0, chain_days = 2", above(2)),
            (", certificate_days = 4, chain_days = 1", String::new()),
            (", certificate_days = 3", above(3)),
            (", certificate_days = 0", String::new()),
        ] {
            let keys = format!("{keys}, certificate_fail_days = 0");
            let verdict = if said.is_empty() { "pass" } else { "warn" };
            let judged = judged_with(&keys, 200, "", 12, Some(ending(5, Some(1))));
            assert_eq!(
                judged,
                format!("{verdict}: 200 OK in 12 ms{said}"),
                "{keys}"
            );
        }
    }
}
