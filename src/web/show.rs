//! The pages with what they need: takes it from the view and the journal, and leaves the drawing to [`page`].

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{Response, StatusCode};

use super::body::Body;
use super::mistake::Mistake;
use super::page::{self, Shell};
use super::{App, Facts, badge, past, respond};
use crate::core::check::CheckId;
use crate::core::incident::IncidentId;
use crate::core::outbox::Nid;
use crate::core::view::View;

/// What one request is answered from: all of one moment.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) view: Arc<View>,
    pub(super) facts: Arc<Facts>,
    pub(super) operator: bool,
}

impl Look {
    pub(super) fn new(app: &App, request: &Parts, peer: IpAddr) -> Self {
        let facts = Arc::clone(&app.facts.borrow());
        Self {
            view: Arc::clone(&app.view.borrow()),
            operator: app.standing(request, peer).is_operator(),
            facts,
        }
    }

    fn shell<'a>(&'a self, app: &'a App) -> Shell<'a> {
        shell(app, &self.view, &self.facts, self.operator)
    }
}

fn shell<'a>(app: &'a App, view: &'a View, facts: &'a Facts, operator: bool) -> Shell<'a> {
    Shell {
        view,
        vitals: &app.vitals,
        now: app.clock.now(),
        node: &facts.node,
        zone: &facts.zone,
        operator,
        notice: facts.notice.as_deref(),
    }
}

fn good(html: maud::Markup) -> Response<Body> {
    respond::page(StatusCode::OK, html.into_string())
}

/// The overview.
pub(super) fn overview(app: &App, view: &View, facts: &Facts, operator: bool) -> String {
    page::overview(&shell(app, view, facts, operator)).into_string()
}

/// The pieces of the overview that belong to `rows`, and those around them.
pub(super) fn fragments(
    app: &App,
    view: &View,
    facts: &Facts,
    operator: bool,
    rows: &[CheckId],
) -> Vec<(String, String)> {
    let pieces = page::fragments(&shell(app, view, facts, operator), rows);
    let texts = pieces
        .into_iter()
        .map(|(id, html)| (id, html.into_string()));
    texts.collect()
}

/// `/checks/NAME`
pub(super) async fn check(app: &App, look: &Look, name: &str) -> Result<Response<Body>, Mistake> {
    let watched = look.view.engine.named(name).ok_or_else(Mistake::no_page)?;
    let recent = past::recent(app, watched.id).await?;
    let incidents = past::incidents_of(app, watched.id).await?;
    let windows = past::windows(app, watched.id).await?;
    let (pings, deaf) = match watched.record.beat {
        Some(_) => (past::said(app, watched.id).await?, past::deaf(app).await),
        None => (Vec::new(), Vec::new()),
    };
    let past = page::Past {
        recent: &recent,
        incidents: &incidents,
        windows: &windows,
        pings: &pings,
        deaf: &deaf,
        badge: &badge::address(app, name, "svg"),
    };
    Ok(good(page::check(&look.shell(app), watched, &past)))
}

/// `/incidents`
pub(super) async fn incidents(app: &App, look: &Look) -> Result<Response<Body>, Mistake> {
    let closed = past::closed(app).await?;
    Ok(good(page::incidents(&look.shell(app), &closed)))
}

/// `/incidents/ID`
pub(super) async fn incident(app: &App, look: &Look, id: &str) -> Result<Response<Body>, Mistake> {
    let id = IncidentId(id.into());
    let incident = past::incident(app, &look.view, &id).await?;
    let incident = incident.ok_or_else(Mistake::no_page)?;
    let notifications = past::notifications_of(app, &look.view, &id).await?;
    Ok(good(page::incident(
        &look.shell(app),
        &incident,
        &notifications,
    )))
}

/// `/mail`
pub(super) async fn mail(app: &App, look: &Look) -> Result<Response<Body>, Mistake> {
    let notifications = past::notifications(app).await?;
    Ok(good(page::mail(&look.shell(app), &notifications)))
}

/// `/mail/NID`
pub(super) async fn mail_one(app: &App, look: &Look, nid: &str) -> Result<Response<Body>, Mistake> {
    let found = past::notification(app, &Nid(nid.into())).await?;
    let notification = found.ok_or_else(Mistake::no_page)?;
    Ok(good(page::mail_one(&look.shell(app), &notification)))
}

/// `/heartbeats`
pub(super) async fn heartbeats(app: &Arc<App>, look: &Look) -> Result<Response<Body>, Mistake> {
    let deaf = past::deaf(app).await;
    let (there, look) = (Arc::clone(app), look.clone());
    let draw = move || page::heartbeats(&look.shell(&there), &deaf).into_string();
    let html = app.aside(draw).await?;
    Ok(respond::page(StatusCode::OK, html))
}

/// `/pings/CHECK/N`: all that is kept of what a job said with one ping, by the numbers of both.
pub(super) async fn ping_body(
    app: &App,
    look: &Look,
    part: &str,
) -> Result<Response<Body>, Mistake> {
    if !look.operator {
        return Err(Mistake::new(
            StatusCode::FORBIDDEN,
            "what a job said is for operators",
            "ask on the machine itself, or with the token of an operator",
        ));
    }
    let numbers = part.split_once('/');
    let numbers = numbers.and_then(|(check, n)| Some((check.parse().ok()?, n.parse().ok()?)));
    let (check, n) = numbers.ok_or_else(Mistake::no_page)?;
    let body = past::ping_body(app, CheckId(check), n).await?;
    let body = body.ok_or_else(Mistake::no_page)?;
    Ok(respond::bytes(StatusCode::OK, body))
}

/// `/about`
pub(super) fn about(app: &App, look: &Look) -> Response<Body> {
    let mut about = look.facts.about.clone();
    about.journal_bytes = app.vitals.journal_bytes.value();
    good(page::about(&look.shell(app), &about))
}

/// The page that says what is wrong.
pub(super) fn error(app: &App, request: &Parts, peer: IpAddr, mistake: &Mistake) -> String {
    let look = Look::new(app, request, peer);
    let status = mistake.status.as_u16();
    page::error(&look.shell(app), status, &mistake.error, &mistake.hint).into_string()
}
