//! What an operator does: acknowledge, run now, pause, resume, give another address, send a test mail. Answered when it is durable
//! and on the pages.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use uuid::Uuid;

use super::App;
use super::body::Body;
use super::mistake::Mistake;
use super::respond;
use super::route::{Form, Operation};
use crate::core::check::CheckId;
use crate::core::engine::Watched;
use crate::core::heartbeat::HEARD_FOR;
use crate::core::incident::IncidentId;
use crate::core::input::Input;
use crate::core::state::Phase;
use crate::core::view::View;
use crate::inbox::Answer;

mod fields;

/// How long to wait until the pages show what was decided; after that they show it a moment later.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);
/// What need not be encoded in a part of a path (RFC 3986 section 2.3).
pub(super) const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What was done: for the API, and the page that shows it.
struct Done {
    status: StatusCode,
    says: Value,
    page: String,
}

impl Done {
    fn new(says: Value, page: String) -> Self {
        Self {
            status: StatusCode::OK,
            says,
            page,
        }
    }
}

/// Does `operation` on what `part` names.
pub(super) async fn operate(
    app: &App,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    (operation, form): (Operation, Form),
    part: &str,
) -> Response<Body> {
    let done = match fields::read(app, request, body).await {
        Ok(fields) => {
            let by = match fields.by.trim() {
                "" => app.asker(request, peer).into(),
                by => by.into(),
            };
            carry_out(app, by, operation, part, &fields.note).await
        }
        Err(mistake) => Err(mistake),
    };
    match (done, form) {
        (Ok(done), Form::Api) => respond::json(done.status, &done.says),
        (Ok(done), Form::Page) => respond::see_other(&done.page),
        (Err(mistake), Form::Api) => mistake.json(),
        (Err(mistake), Form::Page) => mistake.page(app, request, peer),
    }
}

async fn carry_out(
    app: &App,
    by: Arc<str>,
    operation: Operation,
    part: &str,
    note: &str,
) -> Result<Done, Mistake> {
    match operation {
        Operation::Acknowledge => acknowledge(app, part, by, note).await,
        Operation::Run => run(app, part),
        Operation::Pause => pause(app, part, by).await,
        Operation::Resume => resume(app, part, by).await,
        Operation::Rotate => rotate(app, part, by, HEARD_FOR).await,
        Operation::RotateNow => rotate(app, part, by, Duration::ZERO).await,
        Operation::TestMail => test_mail(app).await,
    }
}

async fn acknowledge(app: &App, id: &str, by: Arc<str>, note: &str) -> Result<Done, Mistake> {
    let id = IncidentId(id.into());
    let open = app.view.borrow().engine.incidents.get(&id).cloned();
    let Some(incident) = open else {
        return Err(Mistake::new(
            StatusCode::NOT_FOUND,
            "no open incident has this id",
            "GET /api/v1/incidents lists them; one that is closed needs nobody any more",
        ));
    };
    if incident.acknowledged.is_none() {
        let input = Input::Acknowledge {
            incident: id.clone(),
            by,
            note: note.into(),
        };
        decide(app, input).await?;
        let shown = |view: &View| {
            let incident = view.engine.incidents.get(&id);
            incident.is_none_or(|incident| incident.acknowledged.is_some())
        };
        shows(app, shown).await;
    }
    Ok(Done::new(
        json!({ "id": id, "acknowledged": true }),
        format!("/incidents/{}", utf8_percent_encode(&id.0, PART)),
    ))
}

fn run(app: &App, name: &str) -> Result<Done, Mistake> {
    let (check, watched) = named(app, name)?;
    if watched.check.heartbeat.is_some() {
        return Err(Mistake::new(
            StatusCode::CONFLICT,
            "a heartbeat cannot be run",
            "its job reports in by itself; to try it, fetch its ping address",
        ));
    }
    if watched.phase() == Phase::Paused {
        return Err(Mistake::new(
            StatusCode::CONFLICT,
            "the check is paused",
            "resume it first",
        ));
    }
    app.run_now.try_send(check).map_err(|error| match error {
        TrySendError::Full(_) | TrySendError::Closed(_) => {
            Mistake::busy("too many checks wait to be run")
        }
    })?;
    let mut done = Done::new(json!({ "name": name, "queued": true }), page_of(name));
    done.status = StatusCode::ACCEPTED;
    Ok(done)
}

async fn pause(app: &App, name: &str, by: Arc<str>) -> Result<Done, Mistake> {
    let (check, watched) = named(app, name)?;
    if watched.phase() != Phase::Paused {
        decide(app, Input::Pause { check, by }).await?;
        shows(app, |view| phase(view, check) == Phase::Paused).await;
    }
    Ok(Done::new(
        json!({ "name": name, "state": "paused" }),
        page_of(name),
    ))
}

async fn resume(app: &App, name: &str, by: Arc<str>) -> Result<Done, Mistake> {
    let (check, watched) = named(app, name)?;
    if let Some(why) = &watched.check.not_configured {
        return Err(Mistake::new(
            StatusCode::CONFLICT,
            "the check is not configured",
            why,
        ));
    }
    if watched.phase() == Phase::Paused {
        decide(app, Input::Resume { check, by }).await?;
        shows(app, |view| phase(view, check) != Phase::Paused).await;
    }
    let state = phase(&app.view.borrow(), check).word();
    Ok(Done::new(
        json!({ "name": name, "state": state }),
        page_of(name),
    ))
}

/// Another address for a heartbeat. The old one is heard for `keep`.
async fn rotate(app: &App, name: &str, by: Arc<str>, keep: Duration) -> Result<Done, Mistake> {
    let (check, watched) = named(app, name)?;
    let conflict = |error: &str, hint: &str| Mistake::new(StatusCode::CONFLICT, error, hint);
    let Some(rule) = &watched.check.heartbeat else {
        return Err(conflict(
            "the check is no heartbeat",
            "it has no address to ping",
        ));
    };
    if rule.uuid.is_some() {
        return Err(conflict(
            "its address is in the configuration",
            "write another \"uuid\" there, or leave it out and let one be made",
        ));
    }
    let uuid = Uuid::new_v4();
    let input = Input::Rotate {
        check,
        uuid,
        keep,
        by,
    };
    decide(app, input).await?;
    shows(app, |view| view.engine.beat(&uuid).is_some()).await;
    let former = app.view.borrow().engine.watched(check).and_then(|watched| {
        let beat = watched.record.beat.as_ref()?;
        beat.former.last().map(|former| former.until.to_string())
    });
    let says = json!({
        "name": name,
        "ping_url": format!("/ping/{uuid}"),
        "old_heard_until": former,
    });
    Ok(Done::new(says, page_of(name)))
}

async fn test_mail(app: &App) -> Result<Done, Mistake> {
    let recipients = app.view.borrow().engine.roster.recipients.len();
    if recipients == 0 {
        return Err(Mistake::new(
            StatusCode::CONFLICT,
            "nobody is to be told",
            "write [email] to = [\"you@example.org\"]",
        ));
    }
    let key = Uuid::new_v4();
    decide(app, Input::TestMail { key }).await?;
    let says = json!({ "queued": recipients });
    Ok(Done::new(says, "/mail".to_owned()))
}

/// Hands in an input and waits until it is durable.
async fn decide(app: &App, input: Input) -> Result<(), Mistake> {
    match app.inbox.ask(input, app.limits.decision).await {
        // Nothing: somebody else was faster, and what was wanted is so.
        Answer::Done | Answer::Nothing => Ok(()),
        Answer::NotDurable => Err(Mistake::busy("it could not be written to the journal")),
        Answer::Busy => Err(Mistake::busy("the engine is busy")),
    }
}

/// Waits until the view says so, and lets no older overview be served.
async fn shows(app: &App, is_so: impl Fn(&View) -> bool) {
    let mut view = app.view.clone();
    // Where it takes longer the page is a moment behind, which it would be anyway.
    if let Ok(Ok(view)) = timeout(SHOWN_WITHIN, view.wait_for(|view| is_so(view))).await {
        app.cache.not_before(view.number);
    }
}

fn named(app: &App, name: &str) -> Result<(CheckId, Arc<Watched>), Mistake> {
    let watched = app.view.borrow().engine.named(name).cloned();
    watched
        .map(|watched| (watched.id, watched))
        .ok_or_else(Mistake::no_check)
}

fn phase(view: &View, check: CheckId) -> Phase {
    view.engine
        .watched(check)
        .map_or(Phase::New, |watched| watched.phase())
}

fn page_of(name: &str) -> String {
    format!("/checks/{}", utf8_percent_encode(name, PART))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_to_a_page_cannot_lead_elsewhere() {
        assert_eq!(
            page_of("a/../b\r\nX: y"),
            "/checks/a%2F..%2Fb%0D%0AX%3A%20y"
        );
    }
}
