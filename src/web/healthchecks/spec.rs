//! What a request says of a check, field by field, strictly: a wrong type is an error, null too.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::Refusal;
use super::slug::slugify;
use crate::config::zone_named;
use crate::core::heartbeat::Made;
use crate::core::schedule::Calendar;
use crate::core::time::Time;

/// Longest name, slug and schedule, in characters.
const NAME_CHARS: usize = 100;
const TAGS_CHARS: usize = 500;
/// Longest list of words, in characters.
const WORDS_CHARS: usize = 200;
/// Longest description, in characters. healthchecks.io knows no bound; here it is written with every ping.
const DESC_CHARS: usize = 2_000;
/// Shortest and longest `timeout` and `grace`, in seconds.
const SECONDS: std::ops::RangeInclusive<u64> = 60..=31_536_000;
/// From here the first date of a schedule is sought, so that the answer does not depend on the day: 2026.
const ANY_DAY: Time = Time::from_millis(1_767_225_600_000);

/// A field by which a check can be found that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unique {
    Name,
    Slug,
    Tags,
    Timeout,
    Grace,
}

/// What was said; none where nothing was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) channels: Option<String>,
    pub(super) name: Option<String>,
    pub(super) slug: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) unique: Vec<Unique>,
    desc: Option<String>,
    schedule: Option<String>,
    tz: Option<String>,
    manual_resume: Option<bool>,
    only_post: Option<bool>,
    subject: Option<String>,
    subject_fail: Option<String>,
    start_kw: Option<String>,
    success_kw: Option<String>,
    failure_kw: Option<String>,
    filter_subject: Option<bool>,
    filter_body: Option<bool>,
    filter_http_body: Option<bool>,
    filter_default_fail: Option<bool>,
}

/// `json validation error: …`.
pub(super) fn invalid(what: impl AsRef<str>) -> Refusal {
    let error = format!("json validation error: {}", what.as_ref());
    Refusal::says(StatusCode::BAD_REQUEST, error)
}

impl Spec {
    /// Reads it. Of several mistakes the first in the order of healthchecks.io is told: the fields by their names.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Self, Refusal> {
        let fields = Fields(fields);
        Ok(Self {
            channels: fields.text("channels", usize::MAX)?,
            desc: fields.text("desc", DESC_CHARS)?,
            failure_kw: fields.text("failure_kw", WORDS_CHARS)?,
            filter_body: fields.flag("filter_body")?,
            filter_default_fail: fields.flag("filter_default_fail")?,
            filter_http_body: fields.flag("filter_http_body")?,
            filter_subject: fields.flag("filter_subject")?,
            grace: fields.seconds("grace")?,
            manual_resume: fields.flag("manual_resume")?,
            only_post: fields.methods()?,
            name: fields.text("name", NAME_CHARS)?,
            schedule: fields.schedule()?,
            slug: fields.slug()?,
            start_kw: fields.text("start_kw", WORDS_CHARS)?,
            subject: fields.text("subject", WORDS_CHARS)?,
            subject_fail: fields.text("subject_fail", WORDS_CHARS)?,
            success_kw: fields.text("success_kw", WORDS_CHARS)?,
            tags: fields.text("tags", TAGS_CHARS)?,
            timeout: fields.seconds("timeout")?,
            tz: fields.zone()?,
            unique: fields.unique()?,
        })
    }

    /// What it makes of a check, by the rules of this version of the API. `told` are its channels, where they
    /// were said.
    pub(super) fn onto(self, mut made: Made, told: Option<Told>, version: u8) -> Made {
        if let Some(name) = self.name.filter(|name| **name != *made.name) {
            if version < 3 {
                made.slug = slugify(&name).into();
            }
            made.name = name.into();
        }
        match (self.schedule, self.timeout) {
            (Some(schedule), _) => (made.by_calendar, made.cron) = (true, schedule.into()),
            (None, Some(timeout)) => (made.by_calendar, made.timeout) = (false, timeout),
            (None, None) => {}
        }
        let by_subject = self.subject.is_some() || self.subject_fail.is_some();
        let success = self.success_kw.or(self.subject);
        let failure = self.failure_kw.or(self.subject_fail);
        for (said, kept) in [
            (self.slug, &mut made.slug),
            (self.tags, &mut made.tags),
            (self.desc, &mut made.desc),
            (self.tz, &mut made.tz),
            (self.start_kw, &mut made.filter.start),
            (success, &mut made.filter.success),
            (failure, &mut made.filter.failure),
        ] {
            if let Some(said) = said {
                *kept = said.into();
            }
        }
        let filter = &mut made.filter;
        if by_subject {
            filter.subject = !filter.success.is_empty() || !filter.failure.is_empty();
        }
        for (said, kept) in [
            (self.manual_resume, &mut made.manual_resume),
            (self.only_post, &mut filter.only_post),
            (self.filter_subject, &mut filter.subject),
            (self.filter_body, &mut filter.body),
            (self.filter_http_body, &mut filter.http_body),
            (self.filter_default_fail, &mut filter.default_fail),
        ] {
            *kept = said.unwrap_or(*kept);
        }
        made.grace = self.grace.unwrap_or(made.grace);
        if let Some(told) = told {
            made.told = told;
        }
        made.calendar = None;
        if made.by_calendar {
            // Its parts were read one by one before, so that this cannot fail.
            made.settle(zone_named);
        }
        made
    }
}

/// The addresses of a check; none for all.
pub(super) type Told = Option<Vec<Arc<str>>>;

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn text(&self, key: &str, longest: usize) -> Result<Option<String>, Refusal> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() > longest => {
                Err(invalid(format!("{key} is too long")))
            }
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(format!("{key} is not a string"))),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(invalid(format!("{key} is not a boolean"))),
        }
    }

    fn seconds(&self, key: &str) -> Result<Option<Duration>, Refusal> {
        let Some(value) = self.0.get(key) else {
            return Ok(None);
        };
        let number = value.as_number().filter(|number| !number.is_f64());
        let Some(number) = number else {
            return Err(invalid(format!("{key} is not a number")));
        };
        match number.as_u64() {
            Some(seconds) if SECONDS.contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
            Some(seconds) if seconds > *SECONDS.end() => {
                Err(invalid(format!("{key} is too large")))
            }
            Some(_) | None => Err(invalid(format!("{key} is too small"))),
        }
    }

    /// Whether only POST counts.
    fn methods(&self) -> Result<Option<bool>, Refusal> {
        match self.0.get("methods").map(Value::as_str) {
            None => Ok(None),
            Some(Some("")) => Ok(Some(false)),
            Some(Some("POST")) => Ok(Some(true)),
            Some(_) => Err(invalid("methods has unexpected value")),
        }
    }

    fn slug(&self) -> Result<Option<String>, Refusal> {
        let slug = self.text("slug", NAME_CHARS)?;
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        match slug {
            Some(slug) if !slug.chars().all(plain) => Err(invalid("slug does not match pattern")),
            slug => Ok(slug),
        }
    }

    fn zone(&self) -> Result<Option<String>, Refusal> {
        match self.text("tz", usize::MAX)? {
            Some(zone) if zone_named(&zone).is_none() => Err(invalid("tz is not a valid timezone")),
            zone => Ok(zone),
        }
    }

    /// Five fields of cron on one line, or `OnCalendar`, one event on each line.
    fn schedule(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = self.text("schedule", NAME_CHARS)? else {
            return Ok(None);
        };
        let calendar = Calendar::of_either(&text, jiff::tz::TimeZone::UTC, zone_named).ok();
        let comes = calendar.and_then(|calendar| calendar.next_after(ANY_DAY));
        if comes.is_some() {
            return Ok(Some(text));
        }
        Err(invalid(
            "schedule is not a valid cron or OnCalendar expression",
        ))
    }

    fn unique(&self) -> Result<Vec<Unique>, Refusal> {
        let fields = match self.0.get("unique") {
            None => return Ok(Vec::new()),
            Some(Value::Array(fields)) => fields,
            Some(_) => return Err(invalid("unique is not an array")),
        };
        let field = |value: &Value| match value.as_str() {
            Some("name") => Ok(Unique::Name),
            Some("slug") => Ok(Unique::Slug),
            Some("tags") => Ok(Unique::Tags),
            Some("timeout") => Ok(Unique::Timeout),
            Some("grace") => Ok(Unique::Grace),
            Some(_) | None => Err(invalid("an item in 'unique' has unexpected value")),
        };
        fields.iter().map(field).collect()
    }
}

#[cfg(test)]
mod tests;
