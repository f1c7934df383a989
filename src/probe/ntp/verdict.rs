//! What the answer of a time server is worth. Pure.

use super::Settings;
use super::packet::Reply;
use crate::core::metric::Unit;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;

/// Judges what the server `at` said.
pub(super) fn judge(
    settings: &Settings,
    reply: &Reply,
    at: &str,
    trace: &mut Trace,
) -> Looked<Outcome> {
    // Without a code it is one that follows nobody yet (so does chrony).
    if reply.stratum == 0 && reply.reference != [0; 4] {
        return Err(kiss_of_death(reply, at));
    }
    let why = match reply {
        Reply { leap: 3, .. } => Some("leap indicator 3"),
        Reply { stratum: 0, .. } => Some("stratum 0"),
        Reply {
            has_time: false, ..
        } => Some("it names no time"),
        Reply { .. } => None,
    };
    trace.note(|| {
        let expected = "leap indicator 0 to 2, a stratum, a time";
        let found = why.unwrap_or("all of it");
        Finding::new("synchronised", expected, found, why.is_none())
    });
    if let Some(why) = why {
        let text = format!("{at} is not synchronised ({why})");
        return Err(Outcome::fail(&text));
    }
    let mut judgement = Judgement::default();
    let offset = seconds(reply.offset);
    let distance = (offset.abs(), Unit::Seconds);
    judgement.level(trace, "offset", distance, settings.offset);
    let stratum = (f64::from(reply.stratum), Unit::Count);
    judgement.level(trace, "stratum", stratum, settings.stratum);
    judgement.metric("delay", seconds(reply.delay).max(0.0), Unit::Seconds);
    judgement.metric("dispersion", seconds(reply.dispersion), Unit::Seconds);
    let side = if offset > 0.0 { "behind" } else { "ahead" };
    if settings.offset.judge(offset.abs()) != Verdict::Pass {
        judgement.mention(format!("our clock is {side}"));
    }
    let good = format!(
        "stratum {}, our clock is {} {side}",
        reply.stratum,
        Unit::Seconds.show(offset.abs()),
    );
    Ok(judgement.outcome(&good))
}

/// A server that wants not to be asked says why (RFC 5905, section 7.4).
fn kiss_of_death(reply: &Reply, at: &str) -> Outcome {
    let code = String::from_utf8_lossy(&reply.reference);
    let code = text::line(code.trim_end_matches('\0'), 4);
    match &*code {
        "RATE" => Outcome::unknown(&format!(
            "{at} is asked too often (kiss-o'-death RATE); look less often"
        )),
        "DENY" | "RSTR" => Outcome::fail(&format!("{at} denies us access (kiss-o'-death {code})")),
        _ => Outcome::fail(&format!("{at} gives no time (kiss-o'-death {code})")),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is lost is far below a nanosecond where it matters"
)]
fn seconds(nanos: i128) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probe::Probe;
    use crate::probe::tests::read;

    fn judged(keys: &str, change: impl FnOnce(&mut Reply)) -> String {
        let (probe, problems) = read(&format!("ntp = {{ server = \"a\", {keys} }}"));
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Probe::Ntp(settings)) = probe else {
            panic!("an ntp probe was read");
        };
        let mut reply = Reply {
            leap: 0,
            stratum: 2,
            reference: *b"GPS\0",
            offset: 3_000_000,
            delay: 1_000_000,
            dispersion: 0,
            has_time: true,
        };
        change(&mut reply);
        let mut trace = Trace::start(Duration::from_secs(1));
        let (Ok(outcome) | Err(outcome)) = judge(&settings, &reply, "a:123", &mut trace);
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    #[test]
    fn a_clock_is_judged_by_its_offset_and_its_server_by_its_stratum() {
        assert_eq!(
            judged("", |_| {}),
            "pass: stratum 2, our clock is 3 ms behind"
        );
        assert_eq!(
            judged("", |reply| reply.offset = -3_000),
            "pass: stratum 2, our clock is 3 µs ahead"
        );
        assert_eq!(
            judged("", |reply| reply.offset = -200_000_000),
            "warn: offset 200 ms (warn at 128 ms); our clock is ahead"
        );
        assert_eq!(
            judged("", |reply| reply.offset = 5_000_000_000),
            "fail: offset 5 s (fail at 1 s); our clock is behind"
        );
        assert_eq!(
            judged("offset_fail = \"2ms\"", |_| {}),
            "fail: offset 3 ms (fail at 2 ms); our clock is behind"
        );
        assert_eq!(
            judged("stratum_warn = 2", |_| {}),
            "warn: stratum 2 (warn at 2)"
        );
        assert_eq!(
            judged("", |reply| reply.stratum = 16),
            "fail: stratum 16 (fail at 16)"
        );
    }

    #[test]
    fn a_server_that_has_no_time_is_told_by_its_reason() {
        assert_eq!(
            judged("", |reply| reply.leap = 3),
            "fail: a:123 is not synchronised (leap indicator 3)"
        );
        assert_eq!(
            judged("", |reply| reply.has_time = false),
            "fail: a:123 is not synchronised (it names no time)"
        );
        assert_eq!(
            judged("", |reply| {
                reply.stratum = 0;
                reply.reference = [0; 4];
            }),
            "fail: a:123 is not synchronised (stratum 0)"
        );
        let kiss = |code: &[u8; 4]| {
            judged("", |reply| {
                reply.stratum = 0;
                reply.leap = 3;
                reply.reference = *code;
            })
        };
        assert_eq!(
            kiss(b"RATE"),
            "unknown: a:123 is asked too often (kiss-o'-death RATE); look less often"
        );
        assert_eq!(
            kiss(b"DENY"),
            "fail: a:123 denies us access (kiss-o'-death DENY)"
        );
        assert_eq!(
            kiss(b"\x1b[3m"),
            "fail: a:123 gives no time (kiss-o'-death  [3m)"
        );
    }
}
