//! What the journal remembers, asked under a deadline. What the view still holds is taken from there, so that
//! the newest is never missing.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::App;
use super::limits::ROWS;
use super::mistake::Mistake;
use super::page::Window;
use crate::core::check::CheckId;
use crate::core::heartbeat::{Deaf, Said};
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::{Nid, Notification};
use crate::core::outcome::Outcome;
use crate::core::rollup::{Resolution, Rollup};
use crate::core::time::Time;
use crate::core::view::View;

/// How far back the page of a check draws.
const DAY: Duration = Duration::from_hours(24);
/// Outcomes that the page of a check lists.
const RECENT: usize = 240;
/// Pings that the page of a heartbeat lists, and what it shows of each body, in bytes: the page stays small.
const PINGS: usize = 50;
const SAID_BYTES: usize = 4_096;

/// Times without hearing that pages list.
const DEAF: usize = 25;

/// An answer of the journal, or that there was none in time.
async fn ask<T>(app: &App, query: impl Future<Output = anyhow::Result<T>>) -> Result<T, Mistake> {
    match timeout(app.limits.query, query).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            warn!(
                error = format!("{error:#}"),
                "The journal did not answer a page"
            );
            Err(Mistake::busy("the journal cannot be read"))
        }
        Err(_) => Err(Mistake::busy("the journal did not answer in time")),
    }
}

/// The last outcomes of a check, newest first.
pub(super) async fn recent(app: &App, check: CheckId) -> Result<Vec<(Time, Outcome)>, Mistake> {
    outcomes(app, check, (Time::default(), app.clock.now()), RECENT).await
}

/// The last pings of a heartbeat with the ends of their bodies, newest first.
pub(super) async fn said(app: &App, check: CheckId) -> Result<Vec<Said>, Mistake> {
    ask(app, app.reader.said(check, PINGS, SAID_BYTES)).await
}

/// All that is kept of the body of a ping.
pub(super) async fn ping_body(
    app: &App,
    check: CheckId,
    n: u64,
) -> Result<Option<Vec<u8>>, Mistake> {
    ask(app, app.reader.ping_body(check, n)).await
}

/// The last times in which no ping could have been taken, newest first; none where the journal does not tell: the page
/// is worth more than they are.
pub(super) async fn deaf(app: &App) -> Vec<Deaf> {
    ask(app, app.reader.deaf(DEAF)).await.unwrap_or_default()
}

/// Outcomes of a check from and up to an instant, newest first.
pub(super) async fn outcomes(
    app: &App,
    check: CheckId,
    (from, to): (Time, Time),
    limit: usize,
) -> Result<Vec<(Time, Outcome)>, Mistake> {
    ask(app, app.reader.outcomes(check, from, to, limit)).await
}

/// What a check measured over the last day, window by window, oldest first.
pub(super) async fn windows(app: &App, check: CheckId) -> Result<Vec<Window>, Mistake> {
    let now = app.clock.now();
    let sums = series(app, check, Resolution::Window, (now - DAY, now)).await?;
    let windows = sums.into_iter().map(|sum| (sum.from, sum.metrics));
    Ok(windows.collect())
}

/// Sums of a check whose start is from and up to an instant, oldest first.
pub(super) async fn series(
    app: &App,
    check: CheckId,
    resolution: Resolution,
    (from, to): (Time, Time),
) -> Result<Vec<Rollup>, Mistake> {
    ask(app, app.reader.rollups(check, resolution, from, to)).await
}

/// Incidents of a check, among the newest of all, newest first.
pub(super) async fn incidents_of(app: &App, check: CheckId) -> Result<Vec<Incident>, Mistake> {
    let mut incidents = ask(app, app.reader.incidents(ROWS, None)).await?;
    incidents.retain(|incident| incident.check == check);
    Ok(incidents)
}

/// The last incidents that are over, newest first.
pub(super) async fn closed(app: &App) -> Result<Vec<Incident>, Mistake> {
    let mut incidents = ask(app, app.reader.incidents(ROWS, None)).await?;
    incidents.retain(|incident| incident.closed.is_some());
    Ok(incidents)
}

/// One incident.
pub(super) async fn incident(
    app: &App,
    view: &View,
    id: &IncidentId,
) -> Result<Option<Incident>, Mistake> {
    match view.engine.incident(id) {
        Some(incident) => Ok(Some(Incident::clone(incident))),
        None => ask(app, app.reader.incident(id)).await,
    }
}

/// The last notifications, newest first.
pub(super) async fn notifications(app: &App) -> Result<Vec<Notification>, Mistake> {
    ask(app, app.reader.notifications(ROWS)).await
}

/// Who was told of an incident, oldest first: all while it is open, later what is among the newest of all.
pub(super) async fn notifications_of(
    app: &App,
    view: &View,
    id: &IncidentId,
) -> Result<Vec<Notification>, Mistake> {
    let is_about = |told: &Notification| told.incident.as_ref() == Some(id);
    let mut told: Vec<Notification> = if view.engine.incidents.contains_key(id) {
        let outbox = view.engine.outbox.values();
        outbox.map(|told| Notification::clone(told)).collect()
    } else {
        notifications(app).await?
    };
    told.retain(is_about);
    told.sort_by_key(|told| told.created);
    Ok(told)
}

/// One notification with its message.
pub(super) async fn notification(app: &App, nid: &Nid) -> Result<Option<Notification>, Mistake> {
    ask(app, app.reader.notification(nid)).await
}
