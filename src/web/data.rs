//! What programs ask for: the API, the metrics, and whether we are there and ready.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::body::Body;
use super::limits::OUTCOMES;
use super::mistake::Mistake;
use super::show::Look;
use super::{App, api, aside, metrics, past, respond};
use crate::core::incident::IncidentId;
use crate::core::rollup::Resolution;
use crate::core::time::{Time, human};

/// Outcomes that are returned where nothing else is asked for.
const SOME: usize = 1_000;
/// How late a probe may begin before we call ourselves not ready: twice what a garbage-collecting neighbour or
/// a busy disk does to a machine that still works.
const LATE: Duration = Duration::from_secs(10);

fn good(value: &Value) -> Response<Body> {
    respond::json(StatusCode::OK, value)
}

/// `/api/v1/status`
pub(super) async fn status(app: &Arc<App>, look: &Look) -> Result<Response<Body>, Mistake> {
    let (view, now, operator) = (Arc::clone(&look.view), app.clock.now(), look.operator);
    let (started, folder) = {
        let about = &app.facts.borrow().about;
        (about.started, operator.then(|| about.data_dir.clone()))
    };
    let text = app.aside(move || {
        let mut status = api::status(&view, now, env!("CARGO_PKG_VERSION"), operator);
        status["started_at"] = started.rfc3339_millis().into();
        if let Some(folder) = folder {
            status["data_dir"] = folder.into();
        }
        status.to_string()
    });
    Ok(respond::json_text(text.await?))
}

/// `/api/v1/checks`
pub(super) async fn checks(app: &Arc<App>, look: &Look) -> Result<Response<Body>, Mistake> {
    let (view, now, operator) = (Arc::clone(&look.view), app.clock.now(), look.operator);
    let text = app.aside(move || api::checks(&view, now, operator).to_string());
    Ok(respond::json_text(text.await?))
}

/// `/api/v1/checks/NAME`
pub(super) fn check(app: &App, look: &Look, name: &str) -> Result<Response<Body>, Mistake> {
    let watched = look.view.engine.named(name).ok_or_else(Mistake::no_check)?;
    let now = app.clock.now();
    Ok(good(&api::check(&look.view, now, watched, look.operator)))
}

/// `/api/v1/checks/NAME/outcomes?from=&to=&limit=`
pub(super) async fn outcomes(
    app: &App,
    look: &Look,
    name: &str,
    query: &str,
) -> Result<Response<Body>, Mistake> {
    let watched = look.view.engine.named(name).ok_or_else(Mistake::no_check)?;
    let range = Range::read(query, app.clock.now())?;
    let (turn, operator) = (app.turn().await?, look.operator);
    let outcomes = past::outcomes(app, watched.id, (range.from, range.to), range.limit).await?;
    let text = aside(turn, move || api::outcomes(&outcomes, operator).to_string()).await?;
    Ok(respond::json_text(text))
}

/// `/api/v1/checks/NAME/series?resolution=&from=&to=`
pub(super) async fn series(
    app: &Arc<App>,
    look: &Look,
    name: &str,
    query: &str,
) -> Result<Response<Body>, Mistake> {
    let watched = look.view.engine.named(name).ok_or_else(Mistake::no_check)?;
    let (resolution, rest) = resolution(query)?;
    let range = Range::read(&rest, app.clock.now())?;
    let sums = past::series(app, watched.id, resolution, (range.from, range.to)).await?;
    let text = app.aside(move || api::series(resolution, &sums).to_string());
    Ok(respond::json_text(text.await?))
}

/// Which sums a query wants, five minutes where it says nothing, and the rest of it.
fn resolution(query: &str) -> Result<(Resolution, String), Mistake> {
    let (wanted, rest): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .partition(|pair| pair.starts_with("resolution="));
    let resolution = match wanted.last() {
        None | Some(&"resolution=5m") => Resolution::Window,
        Some(&"resolution=1h") => Resolution::Hour,
        Some(&"resolution=1d") => Resolution::Day,
        Some(_) => {
            return Err(Mistake::new(
                StatusCode::BAD_REQUEST,
                "there is no such resolution",
                "resolution=5m, 1h or 1d",
            ));
        }
    };
    Ok((resolution, rest.join("&")))
}

/// `/api/v1/incidents`
pub(super) async fn incidents(app: &App, look: &Look) -> Result<Response<Body>, Mistake> {
    let closed = past::closed(app).await?;
    Ok(good(&api::incidents(&look.view, &closed, look.operator)))
}

/// `/api/v1/incidents/ID`
pub(super) async fn incident(app: &App, look: &Look, id: &str) -> Result<Response<Body>, Mistake> {
    let id = IncidentId(id.into());
    let incident = past::incident(app, &look.view, &id).await?.ok_or_else(|| {
        Mistake::new(
            StatusCode::NOT_FOUND,
            "no incident has this id",
            "GET /api/v1/incidents lists them",
        )
    })?;
    let notifications = past::notifications_of(app, &look.view, &id).await?;
    Ok(good(&api::incident(
        &incident,
        &notifications,
        look.operator,
    )))
}

/// `/api/v1/outbox`
pub(super) async fn outbox(app: &App, look: &Look) -> Result<Response<Body>, Mistake> {
    let notifications = past::notifications(app).await?;
    Ok(good(&api::outbox(&notifications, look.operator)))
}

/// `/metrics`
pub(super) async fn figures(app: &Arc<App>, look: &Look) -> Result<Response<Body>, Mistake> {
    let (there, view) = (Arc::clone(app), Arc::clone(&look.view));
    let text = app
        .aside(move || metrics::text(&view, &there.vitals))
        .await?;
    Ok(respond::metrics(text))
}

/// `/readyz`: whether there is a view, what is decided is durable, and probes begin on time.
pub(super) fn ready(app: &App) -> Response<Body> {
    let failures = app.vitals.commit_failures.value();
    let late = app.vitals.lateness_max.duration();
    let reason = if app.view.borrow().number == 0 {
        "starting: nothing was decided yet".to_owned()
    } else if failures > 0 {
        format!("the journal cannot be written ({failures} commits failed)")
    } else if late > LATE {
        format!("probes begin {} late", human(late))
    } else {
        return respond::plain(StatusCode::OK, "ready\n");
    };
    respond::text(StatusCode::SERVICE_UNAVAILABLE, reason + "\n")
}

/// What of the past is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    from: Time,
    to: Time,
    limit: usize,
}

impl Range {
    /// Reads a query; the last day where it says nothing.
    fn read(query: &str, now: Time) -> Result<Self, Mistake> {
        let mut range = Self {
            from: now - Duration::from_hours(24),
            to: now,
            limit: SOME,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match key {
                "from" => range.from = instant(key, &value)?,
                "to" => range.to = instant(key, &value)?,
                "limit" => {
                    let limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=OUTCOMES).contains(limit));
                    range.limit =
                        limit.ok_or_else(|| wrong("limit is not a number from 1 to 10000"))?;
                }
                _ => return Err(wrong(&format!("there is no {key:?} to ask for"))),
            }
        }
        if range.from > range.to {
            return Err(wrong("from is after to"));
        }
        Ok(range)
    }
}

fn instant(key: &str, text: &str) -> Result<Time, Mistake> {
    let at = text
        .parse::<Timestamp>()
        .ok()
        .filter(|_| is_rfc3339(text))
        .map(Time::from);
    at.ok_or_else(|| wrong(&format!("{key} is not an instant")))
}

/// Whether it has the shape of RFC 3339: nothing left out, nothing beside it.
fn is_rfc3339(text: &str) -> bool {
    let digit_or_mark = |c: char| match c {
        '0'..='9' => '0',
        mark => mark.to_ascii_uppercase(),
    };
    let shape: String = text.chars().map(digit_or_mark).collect();
    let after = |start| shape.strip_prefix(start);
    let rest = after("0000-00-00T00:00:00").or_else(|| after("0000-00-00 00:00:00"));
    let rest = rest.map(|rest| {
        let fraction = rest.strip_prefix('.');
        fraction.map_or(rest, |digits| digits.trim_start_matches('0'))
    });
    matches!(rest, Some("Z" | "+00:00" | "-00:00"))
}

fn wrong(error: &str) -> Mistake {
    Mistake::new(
        StatusCode::BAD_REQUEST,
        error,
        "ask like ?from=2026-11-23T21:54:07Z&to=2026-11-23T22:00:00Z&limit=100",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_refused() {
        let now = Time::from_millis(1_800_000_000_000);
        let read = |query| Range::read(query, now).ok();
        let all = read("from=2026-11-23T21:54:07%2B01:00&to=2026-11-23T21:54:07Z&limit=10");
        let range = all.expect("it is right");
        assert_eq!(range.to.since(range.from), Duration::from_hours(1));
        assert_eq!(range.limit, 10);
        let fraction = read("from=2026-11-23t21:54:07.1239z&to=2026-11-23T21:54:07.5-00:00");
        let fraction = fraction.expect("it is right");
        assert_eq!(fraction.from.rfc3339_millis(), "2026-11-23T21:54:07.123Z");
        assert_eq!(fraction.to.rfc3339_millis(), "2026-11-23T21:54:07.500Z");
        assert_eq!(read("").map(|range| range.to), Some(now));
        for query in [
            "from=yesterday",
            "limit=0",
            "limit=10001",
            "limit=-1",
            "since=x",
            "to=",
            // Whatever is not RFC 3339 in full.
            "from=2026-11-23",
            "from=20261123T215407Z",
            "from=2026-11-23T21:54Z",
            "from=2026-11-23T21:54:07",
            "from=2026-11-23T21:54:07%2B01",
            "from=2026-11-23T21:54:07,5Z",
            "from=2026-11-23T21:54:07.Z",
            "from=2026-11-23T21:54:07Z[UTC]",
            "from=2026-13-23T21:54:07Z",
            "from=2026-11-23T21:54:07Z&to=2026-11-23T21:54:06Z",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
