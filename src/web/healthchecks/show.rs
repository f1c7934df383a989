//! A heartbeat as healthchecks.io shows a check.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use super::Call;
use super::list::channels_of;
use crate::config::Rights;
use crate::core::engine::Watched;
use crate::core::heartbeat::{Beat, Filter};
use crate::core::schedule::Schedule;
use crate::core::state::Phase;
use crate::core::text;
use crate::core::time::{Time, zone_name};
use crate::web::badge;

/// From start to end at most so long, an end is told as that of the start.
pub(super) const LONGEST_RUN: std::time::Duration = std::time::Duration::from_hours(72);

impl Call {
    /// One heartbeat, with as much of it as the key may see.
    pub(super) fn check(&self, watched: &Watched) -> Value {
        let Some(beat) = &watched.record.beat else {
            return Value::Null;
        };
        let now = self.app.clock.now();
        let (name, tags, desc) = match &watched.record.made {
            Some(made) => (&*made.name, &*made.tags, &*made.desc),
            None => (&*watched.check.name, "", ""),
        };
        let rule = watched.check.heartbeat.as_ref();
        let plain = Filter::default();
        let filter = rule.and_then(|rule| rule.filter.as_deref());
        let filter = filter.unwrap_or(&plain);
        let in_subject = |words: &str| {
            if filter.subject {
                words.to_owned()
            } else {
                String::new()
            }
        };
        let mut check = json!({
            "name": name,
            "slug": slug(watched),
            "tags": tags,
            "desc": desc,
            "grace": rule.map(|rule| rule.grace.as_secs()),
            "n_pings": beat.pings,
            "status": status(watched, beat, now, self.version == 1),
            "started": beat.last_start.is_some(),
            "last_ping": last_ping(watched, beat).map(iso),
            "next_ping": grace_start(watched, beat).map(iso),
            "manual_resume": rule.is_some_and(|rule| rule.manual_resume),
            "methods": if filter.only_post { "POST" } else { "" },
            "subject": in_subject(&filter.success),
            "subject_fail": in_subject(&filter.failure),
            "start_kw": filter.start,
            "success_kw": filter.success,
            "failure_kw": filter.failure,
            "filter_subject": filter.subject,
            "filter_body": filter.body,
            "filter_http_body": filter.http_body,
            "filter_default_fail": filter.default_fail,
            "badge_url": format!("{}{}?states=2", self.root, badge::address(&self.app, &watched.check.name, "svg")),
        });
        if let Some(fields) = check.as_object_mut() {
            let took = beat.last_took.filter(|took| *took < LONGEST_RUN);
            if let Some(took) = took {
                fields.insert("last_duration".to_owned(), took.as_secs().into());
            }
            self.addresses(fields, watched, beat);
            expected(fields, &watched.check.schedule, watched);
        }
        check
    }

    /// Where it is pinged and changed; for a key that only reads, what stands for that.
    fn addresses(&self, fields: &mut Map<String, Value>, watched: &Watched, beat: &Beat) {
        let mut set = |key: &str, value: String| drop(fields.insert(key.to_owned(), value.into()));
        if self.rights == Rights::Read {
            set("unique_key", unique_key(&beat.uuid));
            return;
        }
        let update = self.url(&format!("checks/{}", beat.uuid));
        set("uuid", beat.uuid.to_string());
        set("ping_url", format!("{}/ping/{}", self.root, beat.uuid));
        set("pause_url", format!("{update}/pause"));
        set("resume_url", format!("{update}/resume"));
        set("update_url", update);
        set("channels", channels_of(watched));
    }

    /// An address of this API, in the version that was asked.
    pub(super) fn url(&self, path: &str) -> String {
        let (root, version) = (&self.root, self.version);
        format!("{root}/compat/healthchecks/api/v{version}/{path}")
    }
}

/// Its slug: for one of the configuration what that says, else its name, where that can be one.
pub(super) fn slug(watched: &Watched) -> &str {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let rule = watched.check.heartbeat.as_ref();
    match (
        &watched.record.made,
        rule.and_then(|rule| rule.slug.as_ref()),
    ) {
        (Some(made), _) => &made.slug,
        (None, Some(slug)) => slug,
        (None, None) if watched.check.name.chars().all(plain) => &watched.check.name,
        (None, None) => "",
    }
}

/// What stands for a UUID where that is not told: the SHA-1 of half of it.
pub(super) fn unique_key(uuid: &Uuid) -> String {
    let half: String = uuid.simple().to_string().chars().take(16).collect();
    text::hex(&Sha1::digest(half))
}

/// The state as healthchecks.io calls it; the first version knows one more.
fn status(watched: &Watched, beat: &Beat, now: Time, knows_started: bool) -> &'static str {
    let is_over = beat.expected.is_some_and(|at| now >= at + beat.deaf);
    let late = is_over || beat.missed > 0;
    match watched.phase() {
        Phase::Down => "down",
        _ if watched.overdue_at().is_some_and(|(at, _)| at <= now) => "down",
        _ if knows_started && beat.last_start.is_some() => "started",
        Phase::New => "new",
        Phase::Paused => "paused",
        Phase::Up | Phase::Degraded if late => "grace",
        Phase::Up | Phase::Degraded => "up",
    }
}

/// One that an operator has resumed is as if it had never been heard.
fn last_ping(watched: &Watched, beat: &Beat) -> Option<Time> {
    beat.last_ping.filter(|_| watched.phase() != Phase::New)
}

/// From when on it is late: the expected time while it is up, or the start of a run that has no end.
fn grace_start(watched: &Watched, beat: &Beat) -> Option<Time> {
    let expected = match watched.phase() {
        Phase::Down => return None,
        Phase::Up | Phase::Degraded => beat.expected,
        Phase::New | Phase::Paused => None,
    };
    let started = beat.first_to_end().map(|run| run.at);
    match (expected, started) {
        (Some(expected), Some(started)) => Some(expected.min(started)),
        (expected, started) => expected.or(started),
    }
}

fn expected(fields: &mut Map<String, Value>, schedule: &Schedule, watched: &Watched) {
    let mut set = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    match schedule {
        Schedule::Every(every) => set("timeout", every.as_secs().into()),
        Schedule::Calendar(calendar) => {
            let made = watched.record.made.as_ref();
            let zone = made.map_or(zone_name(&calendar.zone), |made| &made.tz);
            set("tz", zone.into());
            set("schedule", calendar.text.as_str().into());
        }
    }
}

/// ISO 8601 in UTC, whole seconds: `2026-11-23T21:54:07+00:00`.
pub(super) fn iso(at: Time) -> String {
    written(at.utc(), "%Y-%m-%dT%H:%M:%S+00:00")
}

/// The same to the microsecond, as pings have it.
pub(super) fn iso_micros(at: Time) -> String {
    written(at.utc(), "%Y-%m-%dT%H:%M:%S.%6f+00:00")
}

fn written(at: Timestamp, form: &str) -> String {
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_python_writes_them() {
        let at = Time::from_millis(1_795_476_847_120);
        assert_eq!(iso(at), "2026-11-23T23:34:07+00:00");
        assert_eq!(iso_micros(at), "2026-11-23T23:34:07.120000+00:00");
    }

    #[test]
    fn what_stands_for_a_uuid_is_the_digest_of_its_first_half() {
        let uuid = Uuid::from_u128(0x803f_680d_e89b_492b_82ef_2be7_b774_a92d);
        // sha1("803f680de89b492b"), as the documentation of healthchecks.io shows it.
        assert_eq!(
            unique_key(&uuid),
            "124f983e0e3dcaeba921cfcef46efd084576e783"
        );
    }
}
