//! A heartbeat that is not in the configuration: made while running, by a ping with `create=1` or over the
//! management API. Its settings are those of a check of healthchecks.io, with their defaults.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::filter::Filter;
use super::{GROUP, Rule};
use crate::core::check::{Check, Recipient, Roster};
use crate::core::schedule::{Calendar, Schedule};
use crate::core::state::Threshold;
use crate::core::text;
use crate::core::time::Time;

/// Most heartbeats that can be made over the API: far more than jobs that somebody knows by name, some 10 MB of
/// memory. Pings may make as many again, so that neither way can use up the other.
pub const MOST: usize = 10_000;
/// As many as there may be when a ping makes one.
pub const MOST_BY_PINGS: usize = 2 * MOST;
/// Longest name of a check, in characters, as in the configuration.
const NAME_CHARS: usize = 80;
/// What a name cannot have: it is a part of the address of its page.
const NOT_IN_NAMES: [char; 5] = ['/', '\\', '?', '#', '%'];
/// What the names of built-in checks begin with.
const BUILT_IN: &str = "belfry.";

/// What was said of it when it was made, or since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    pub created: Time,
    /// What it is called; may be empty, and others may be called the same. What the pages call it is unique
    /// and follows from this.
    pub name: Arc<str>,
    /// Its name in addresses with a ping key; empty for none.
    pub slug: Arc<str>,
    /// Words to choose it by, with spaces between.
    pub tags: Arc<str>,
    pub desc: Arc<str>,
    /// How often it reports, where it goes by an interval.
    pub timeout: Duration,
    /// When it reports, where it goes by a calendar, in the words of cron or of systemd; and in which zone of the
    /// IANA database.
    pub cron: Arc<str>,
    pub tz: Arc<str>,
    pub by_calendar: bool,
    pub grace: Duration,
    /// Whether only an operator ends a pause.
    pub manual_resume: bool,
    pub filter: Filter,
    /// The addresses that are told; none for all of the configuration.
    pub told: Option<Vec<Arc<str>>>,
    /// What `cron` and `tz` mean; whoever reads them looks up the zone.
    #[serde(skip)]
    pub calendar: Option<Calendar>,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            created: Time::default(),
            name: "".into(),
            slug: "".into(),
            tags: "".into(),
            desc: "".into(),
            timeout: Duration::from_hours(24),
            cron: "* * * * *".into(),
            tz: "UTC".into(),
            by_calendar: false,
            grace: Duration::from_hours(1),
            manual_resume: false,
            filter: Filter::default(),
            told: None,
            calendar: None,
        }
    }
}

impl Made {
    /// As a ping of `slug` makes it.
    pub fn of_slug(slug: &Arc<str>) -> Self {
        Self {
            name: Arc::clone(slug),
            slug: Arc::clone(slug),
            ..Self::default()
        }
    }

    /// Reads what is said of a calendar, with `zone` to look up zones. False where it cannot be read, or has no
    /// date that ever comes.
    pub fn settle(&mut self, zone: impl Fn(&str) -> Option<jiff::tz::TimeZone>) -> bool {
        let read = |own| Calendar::of_either(&self.cron, own, &zone).ok();
        let read = zone(&self.tz).and_then(read);
        self.calendar = read.filter(|calendar| calendar.next_after(self.created).is_some());
        self.calendar.is_some()
    }

    /// When it reports. A calendar whose zone nobody has looked up is read as one in UTC.
    pub fn schedule(&self) -> Schedule {
        let calendar = || {
            let zone = jiff::tz::TimeZone::UTC;
            let known = self.calendar.clone();
            known.or_else(|| {
                Calendar::of_either(&self.cron, zone.clone(), |_| Some(zone.clone())).ok()
            })
        };
        let calendar = self.by_calendar.then(calendar).flatten();
        calendar.map_or(Schedule::Every(self.timeout), |calendar| {
            Schedule::Calendar(Box::new(calendar))
        })
    }

    /// The tags, one by one.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.split(' ').filter(|tag| !tag.is_empty())
    }

    /// What it would be called among the checks if nobody else were: its name, fit for the address of a page.
    pub fn plain_name(&self) -> String {
        let of = |text: &str| {
            let text = text.replace(NOT_IN_NAMES, "-");
            let text = text.trim_start_matches(['.', ' ']);
            let text = match text.strip_prefix(BUILT_IN) {
                Some(rest) => format!("belfry-{rest}"),
                None => text.to_owned(),
            };
            text::line(&text, NAME_CHARS)
        };
        let named = [of(&self.name), of(&self.slug)];
        let named = named.into_iter().find(|name| !name.is_empty());
        named.unwrap_or_else(|| "unnamed".to_owned())
    }

    /// Who of `all` is told: those that were chosen. Where none of those that were chosen is there any more, all
    /// are: silence was not meant.
    fn recipients(&self, all: &Arc<[Recipient]>) -> Arc<[Recipient]> {
        let Some(told) = &self.told else {
            return Arc::clone(all);
        };
        let chosen = all.iter().filter(|one| told.contains(&one.address));
        let chosen: Arc<[Recipient]> = chosen.cloned().collect();
        if chosen.is_empty() && !told.is_empty() {
            return Arc::clone(all);
        }
        chosen
    }

    /// It as one of the roster, by the name that it goes by there.
    pub fn check(&self, name: &Arc<str>, roster: &Roster) -> Check {
        let schedule = self.schedule();
        let filter = Some(&self.filter).filter(|filter| **filter != Filter::default());
        Check {
            name: Arc::clone(name),
            group: GROUP.into(),
            kind: super::KIND.into(),
            target: schedule.to_string().into(),
            schedule,
            timeout: Duration::ZERO,
            retry_every: None,
            fail_after: Threshold::in_a_row(1),
            recover_after: 1,
            flapping: roster.flapping,
            depends_on: Vec::new(),
            behind: None,
            alert_degraded: false,
            runbook: None,
            recipients: self.recipients(&roster.recipients),
            heartbeat: Some(Rule {
                grace: self.grace,
                missed_after: 1,
                uuid: None,
                // Never taken: it has its address since it was made.
                fresh: Uuid::nil(),
                slug: None,
                manual_resume: self.manual_resume,
                filter: filter.cloned().map(Arc::new),
            }),
            remedy: None,
            not_configured: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_that_can_stand_in_an_address() {
        let long = "x".repeat(100);
        for (name, slug, plain) in [
            ("Nightly Backup", "b", "Nightly Backup"),
            ("a/b?c#d%e\\f", "", "a-b-c-d-e-f"),
            ("../etc", "", "-etc"),
            ("belfry.hello", "", "belfry-hello"),
            ("two\nlines", "", "two lines"),
            ("", "nightly", "nightly"),
            (" ", "", "unnamed"),
            ("", "", "unnamed"),
        ] {
            let made = Made {
                name: name.into(),
                slug: slug.into(),
                ..Made::default()
            };
            assert_eq!(made.plain_name(), plain, "{name:?}");
        }
        let made = Made {
            name: long.into(),
            ..Made::default()
        };
        assert!(made.plain_name().chars().count() <= NAME_CHARS);
    }

    #[test]
    fn what_an_earlier_version_did_not_know_has_its_default() {
        let made: Made = serde_json::from_str(r#"{"name":"a"}"#).expect("read");
        let same = Made {
            name: "a".into(),
            ..Made::default()
        };
        assert_eq!(made, same);
    }
}
