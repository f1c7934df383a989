//! Each thing that an answer was asked for, with what was expected and what was found.

use std::time::Duration;

use super::Settings;
use super::follow::Seen;
use crate::core::time::{Time, human};
use crate::probe::finding::Finding;
use crate::probe::tls::Ends;
use crate::probe::trace::Trace;

const DAY: Duration = Duration::from_hours(24);

/// Notes them all, also those after the first that does not hold.
pub(super) fn explain(
    settings: &Settings,
    seen: &Seen,
    (took, now): (Duration, Time),
    trace: &mut Trace,
) {
    let answer = &seen.answer;
    trace.note(|| {
        let expected = match &settings.status {
            Some(list) => {
                let codes: Vec<String> = list.iter().map(u16::to_string).collect();
                codes.join(" or ")
            }
            None => "200 to 299".to_owned(),
        };
        let holds = settings.accepts(answer.status);
        Finding::new("status", expected, answer.status.to_string(), holds)
    });
    if let Some(why) = &answer.body.packed {
        trace.note(|| Finding::new("body", "can be unpacked", why.as_str(), false));
    }
    if let Some(pattern) = &settings.body {
        trace.note(|| {
            let found = String::from_utf8_lossy(&answer.body.text);
            let expected = format!("/{}/", pattern.as_str());
            Finding::new("body", expected, found, pattern.matches(&answer.body.text))
        });
    }
    if let Some(slow) = settings.slow {
        trace.note(|| {
            let expected = format!("at most {}", human(slow));
            Finding::warned("time", expected, human(took), took > slow)
        });
    }
    if let Some(ends) = &seen.ends {
        certificates(settings, ends, now, trace);
    }
}

fn certificates(settings: &Settings, ends: &Ends, now: Time, trace: &mut Trace) {
    ends.explain_stapled(trace);
    let authority = ends.authority.as_ref();
    let authority = authority.map(|a| {
        (
            format!("authority {}", a.name),
            a.ends,
            settings.days.of_chain(),
        )
    });
    let leaf = ("certificate".to_owned(), ends.leaf, settings.days.of_leaf());
    for (what, at, level) in std::iter::once(leaf).chain(authority) {
        trace.note(|| {
            let days = at.since(now).as_secs() / DAY.as_secs();
            let found = format!("until {at}, {days} days");
            Finding::new(what, level.expected(), found, true).worth(level.judge(days))
        });
    }
}
