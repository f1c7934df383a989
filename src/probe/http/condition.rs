//! Conditions on an answer: its body, its head, and where it was found.

use std::time::Duration;

use ::http::header::LAST_MODIFIED;

use super::body::{LARGEST, Measure};
use super::exchange::Head;
use super::follow::Seen;
use super::more::PIECE_CHARS;
use super::target::without_secrets;
use super::{header, json};
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::core::text;
use crate::core::time::{Time, human};
use crate::probe::finding::Finding;
use crate::probe::level::{Judgement, Levels, bytes};
use crate::probe::pattern::Pattern;
use crate::probe::trace::Trace;
use crate::settings::Section;

/// The oldest that a page may be called young.
const OLDEST: Duration = Duration::from_hours(24 * 3_650);
/// How much of a checksum tells it apart in a message.
const SUM_CHARS: usize = 12;
/// SHA-256 in hex.
const HEX: usize = 64;

/// What should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wants {
    body_not: Option<Pattern>,
    pub(super) json: Vec<json::Condition>,
    headers: Vec<header::Condition>,
    /// Bytes of the body.
    size: Levels,
    size_min: Option<u64>,
    /// Seconds since it was modified last.
    age: Levels,
    /// SHA-256 in lower-case hex.
    checksum: Option<String>,
    pub(super) location: Option<Pattern>,
}

impl Wants {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let size = Levels::read_sizes(
            section,
            ("size_warn", "size_fail"),
            LARGEST,
            Levels::default(),
        );
        let size_min = section.size("size_min", 0..=LARGEST);
        if let Some((least, most)) = size_min.zip(size.warn.or(size.fail))
            && bytes(least) >= most
        {
            let hint = "let size_min be below size_warn and size_fail";
            section.refuse("size_min", "no body can be so large and so small", hint);
        }
        Self {
            body_not: Pattern::read(section, "body_not"),
            json: json::read(section),
            headers: header::read(section),
            size,
            size_min,
            age: Levels::read_times(section, ("age_warn", "age_fail"), OLDEST, Levels::default()),
            checksum: read_checksum(section),
            location: Pattern::read(section, "location"),
        }
    }

    /// Whether the body must be kept.
    pub(super) fn text(&self) -> bool {
        self.body_not.is_some() || !self.json.is_empty()
    }

    /// What is measured of the body.
    pub(super) fn measure(&self) -> Measure {
        if self.checksum.is_some() {
            Measure::Sum
        } else if self.size != Levels::default() || self.size_min.is_some() {
            Measure::Size
        } else {
            Measure::Nothing
        }
    }

    pub(super) fn judge(
        &self,
        seen: &Seen,
        now: Time,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) {
        let body = &seen.answer.body;
        if body.packed.is_none() {
            self.body(seen, judgement, trace);
        }
        if let Some(pattern) = &self.location {
            location(pattern, seen.place.as_deref(), judgement, trace);
        }
        if let Some(head) = &seen.answer.head {
            for condition in &self.headers {
                condition.judge(head, judgement, trace);
            }
            if self.age != Levels::default() {
                self.age(head, now, judgement, trace);
            }
        }
    }

    fn body(&self, seen: &Seen, judgement: &mut Judgement, trace: &mut Trace) {
        let body = &seen.answer.body;
        if let Some(pattern) = &self.body_not {
            let holds = !pattern.matches(&body.text);
            let shown = text::line(pattern.as_str(), PIECE_CHARS);
            let finding = || {
                let found = String::from_utf8_lossy(&body.text);
                Finding::new("body", format!("not /{shown}/"), found, holds)
            };
            judgement.holds(trace, finding, || format!("the body matches /{shown}/"));
        }
        json::judge(&self.json, body, judgement, trace);
        if self.measure() == Measure::Nothing {
            return;
        }
        let more = if body.cut { "more than " } else { "" };
        let size = format!("{more}{}", Unit::Bytes.show(bytes(body.size)));
        let verdict = self.size.judge(bytes(body.size));
        trace.note(|| {
            let expected = self.size.expected(Unit::Bytes);
            Finding::new("size", expected, size.as_str(), true).worth(verdict)
        });
        judgement.metric("size", bytes(body.size), Unit::Bytes);
        let level = self.size.reached(verdict, Unit::Bytes);
        judgement.add(verdict, || {
            format!("the body has {size} ({})", level.unwrap_or_default())
        });
        if let Some(least) = self.size_min {
            let holds = body.size >= least;
            let least = Unit::Bytes.show(bytes(least));
            let finding =
                || Finding::new("size", format!("at least {least}"), size.as_str(), holds);
            judgement.holds(trace, finding, || {
                format!("the body has only {size}, less than {least}")
            });
        }
        if let Some(wanted) = &self.checksum {
            let short = |sum: &str| sum.chars().take(SUM_CHARS).collect::<String>() + "…";
            let found = body.sum.as_deref();
            let shown = found.map_or_else(|| format!("none, of {size}"), str::to_owned);
            let holds = found == Some(wanted);
            let finding = || Finding::new("checksum", wanted, shown, holds);
            judgement.holds(trace, finding, || match found {
                Some(found) => format!("the checksum is {}, not {}", short(found), short(wanted)),
                None => format!("the body has {size}, too many for a checksum"),
            });
        }
    }

    /// How long ago the page was modified, by its own words (RFC 9110, section 8.8.2).
    fn age(&self, head: &Head, now: Time, judgement: &mut Judgement, trace: &mut Trace) {
        let said = head.headers.get(LAST_MODIFIED);
        let date = said.and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        let since = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
        let Some(since) = since else {
            let finding = || Finding::new("last modified", "a date", "none", false);
            judgement.holds(trace, finding, || {
                "it does not say when it was modified".into()
            });
            return;
        };
        let age = now.since(Time::default() + since);
        let verdict = self.age.judge(age.as_secs_f64());
        trace.note(|| {
            let level = self.age.warn.or(self.age.fail).unwrap_or_default();
            let expected = format!("less than {} ago", human(Duration::from_secs_f64(level)));
            let found = format!("{} ago", human(age));
            Finding::new("last modified", expected, found, true).worth(verdict)
        });
        judgement.metric("age", age.as_secs_f64().floor(), Unit::Seconds);
        judgement.add(verdict, || {
            let level = if verdict == Verdict::Fail {
                self.age.fail
            } else {
                self.age.warn
            };
            let level = Duration::from_secs_f64(level.unwrap_or_default());
            format!("it was modified more than {} ago", human(level))
        });
    }
}

fn location(pattern: &Pattern, place: Option<&str>, judgement: &mut Judgement, trace: &mut Trace) {
    let place = place.unwrap_or_default();
    let holds = pattern.matches(place.as_bytes());
    let shown = text::line(pattern.as_str(), PIECE_CHARS);
    let found = text::line(&without_secrets(place), PIECE_CHARS);
    let finding = || Finding::new("location", format!("/{shown}/"), found.as_str(), holds);
    judgement.holds(trace, finding, || {
        format!("it leads to {found}, which does not match /{shown}/")
    });
}

fn read_checksum(section: &mut Section<'_>) -> Option<String> {
    let text = section.string("checksum")?.to_ascii_lowercase();
    let sum = text.strip_prefix("sha256:").unwrap_or(&text).to_owned();
    if sum.len() == HEX && sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(sum);
    }
    let hint = "write the 64 hexadecimal digits that sha256sum prints";
    section.refuse("checksum", "\"checksum\" is no SHA-256", hint);
    None
}
