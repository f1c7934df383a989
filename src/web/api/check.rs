//! A check as JSON.

use serde_json::{Map, Value, json};

use super::{look, span_ms};
use crate::core::engine::Watched;
use crate::core::heartbeat::Beat;
use crate::core::remedy::Tried;
use crate::core::schedule::Schedule;
use crate::core::state::Phase;
use crate::core::time::{Time, zone_name};
use crate::core::view::{self, PERIODS, View};

/// `/api/v1/checks`: every check, in the order of the plan.
pub fn checks(view: &View, now: Time, operator: bool) -> Value {
    view.engine
        .active()
        .map(|watched| brief(view, now, watched, operator))
        .collect()
}

/// `/api/v1/checks/NAME`: one check with its settings. The ping address of a heartbeat is as good as a
/// password, so only an operator gets it.
pub fn check(view: &View, now: Time, watched: &Watched, operator: bool) -> Value {
    let mut check = brief(view, now, watched, operator);
    check["reason"] = json!(watched.record.reason.to_string());
    check["flapping"] = json!(watched.record.flapping);
    check["settings"] = settings(watched);
    check["remedy"] = remedy(watched);
    if let Some(more) = watched
        .record
        .last
        .as_ref()
        .and_then(|last| last.outcome.left_out.as_ref())
    {
        check["last"]["left_out"] = json!(more);
    }
    if let Some(made) = &watched.record.made {
        check["made"] = json!({
            "at": made.created.rfc3339(),
            "slug": made.slug,
            "tags": made.tags,
            "desc": made.desc,
        });
    }
    if let Some(beat) = watched.record.beat.as_ref().filter(|_| operator) {
        check["ping_url"] = json!(format!("/ping/{}", beat.uuid));
    }
    check
}

fn brief(view: &View, now: Time, watched: &Watched, operator: bool) -> Value {
    let (check, record) = (&watched.check, &watched.record);
    let mut brief = json!({
        "name": check.name,
        "group": check.group,
        "kind": check.kind,
        "state": watched.phase().word(),
        "since": record.since.rfc3339(),
        "known": view.engine.is_seen(watched),
        "failures": watched.failures(),
        "last": record.last.as_ref().map(|last| look(last.at, &last.outcome, operator)),
        "uptime": uptime(watched, now),
        "incident": record.incident,
        "held_by": held_by(view, watched),
    });
    if let Some(beat) = &record.beat {
        heard(&mut brief, watched, beat);
    }
    brief
}

fn held_by(view: &View, watched: &Watched) -> Option<std::sync::Arc<str>> {
    let alone = watched.phase() == Phase::Down && watched.record.incident.is_none();
    alone.then(|| view.engine.held_by(watched)).flatten()
}

fn uptime(watched: &Watched, now: Time) -> Value {
    let periods = PERIODS.iter().enumerate();
    let all = periods.map(|(period, (name, _))| {
        (
            (*name).to_owned(),
            json!(view::uptime(watched, now, period)),
        )
    });
    Value::Object(all.collect::<Map<String, Value>>())
}

/// What is done about it by itself, and what was done; null where nothing is.
fn remedy(watched: &Watched) -> Value {
    let rule = watched.check.remedy.as_deref();
    let tried = watched.record.tried.as_deref();
    if rule.is_none() && tried.is_none() {
        return Value::Null;
    }
    let log = tried.into_iter().flat_map(|tried| &tried.log);
    let log = log.map(|entry| json!({ "at": entry.at.rfc3339_millis(), "text": entry.text }));
    json!({
        "what": rule.map(|rule| &rule.what),
        "after": rule.map(|rule| rule.after),
        "limit": rule.map(|rule| json!({ "times": rule.limit.times, "within_ms": span_ms(rule.limit.within) })),
        "quiet": rule.map(|rule| rule.quiet),
        "running_since": tried.and_then(Tried::under_way).map(Time::rfc3339_millis),
        "spent": tried.is_some_and(|tried| tried.spent),
        "log": log.collect::<Vec<_>>(),
    })
}

fn heard(check: &mut Value, watched: &Watched, beat: &Beat) {
    check["pings"] = json!(beat.pings);
    check["last_ping"] = json!(beat.last_ping.map(Time::rfc3339_millis));
    check["last_took_ms"] = json!(beat.last_took.map(span_ms));
    check["missed"] = json!(watched.missed());
    check["expected_by"] = json!(beat.expected.map(Time::rfc3339));
    check["down_at"] = json!(watched.overdue_at().map(|(at, _)| at.rfc3339()));
}

fn settings(watched: &Watched) -> Value {
    let check = &watched.check;
    let (every_ms, cron) = match &check.schedule {
        Schedule::Every(every) => (Some(span_ms(*every)), None),
        Schedule::Calendar(calendar) => (
            None,
            Some(json!({ (calendar.key()): calendar.text, "timezone": zone_name(&calendar.zone) })),
        ),
    };
    json!({
        "target": check.target,
        "every_ms": every_ms,
        "calendar": cron,
        "grace_ms": check.heartbeat.as_ref().map(|rule| span_ms(rule.grace)),
        "missed_after": check.heartbeat.as_ref().map(|rule| rule.missed_after),
        "timeout_ms": span_ms(check.timeout),
        "retry_every_ms": check.retry_every.map(span_ms),
        "fail_after": { "failures": check.fail_after.bad, "of": check.fail_after.of },
        "recover_after": check.recover_after,
        "flapping": check.flapping.map(|f| json!({ "turns": f.turns, "within_ms": span_ms(f.within) })),
        "depends_on": check.depends_on,
        "behind": check.behind,
        "alert_degraded": check.alert_degraded,
        "runbook": check.runbook,
        "not_configured": check.not_configured,
    })
}
