//! Pings: a job reports in. Grammar and answers after the pinging API of healthchecks.io.
//!
//! An unknown address is answered from memory. A known one is answered when the ping is in the journal:
//! never a 200 that a power cut could take back.

use std::net::IpAddr;
use std::num::ParseIntError;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::App;
use super::body::Body;
use super::intake::{Intake, take};
use super::limits::{PING_BYTES, PING_KEPT};
use super::{query, respond};
use crate::core::check::CheckId;
use crate::core::engine::{Slug, Watched};
use crate::core::heartbeat::{Ping, Signal};
use crate::core::input::Input;
use crate::core::text;
use crate::core::time::Time;
use crate::inbox::Answer;

mod heard;
#[cfg(test)]
mod tests;

pub(super) use heard::Heard;

/// What is kept of a User-Agent, in characters, as healthchecks.io does.
const AGENT_CHARS: usize = 200;
/// How long ago at most a ping can have happened that is delivered late.
const OLDEST: Duration = Duration::from_hours(72);
/// Longest duration that is believed.
const LONGEST_TOLD: Duration = Duration::from_hours(366 * 24);
/// Longest slug that a heartbeat is made for, as healthchecks.io stores at most.
const SLUG_BYTES: usize = 100;
/// When to try again after a 503, in seconds.
const RETRY: u64 = 5;

/// No page, so nothing of what only pages heed: answers to pings are to be small.
static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    let policy = "default-src 'none'; frame-ancestors 'none'";
    let mut headers = HeaderMap::with_capacity(8);
    for (name, value) in [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Browsers may ping, too: from any page, and read the answer.
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(HeaderName::from_static("ping-body-limit"), PING_KEPT.into());
    headers
});

/// Takes a ping; `rest` is the address after `/ping/`.
pub(super) async fn ping(
    app: &App,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    rest: &str,
) -> Response<Body> {
    let rest = &*percent_decode_str(rest).decode_utf8_lossy();
    let Some((whose, action)) = address(rest) else {
        return say(StatusCode::NOT_FOUND, "not found");
    };
    if matches!(whose, Whose::Name { name, .. } if name.bytes().any(|byte| byte.is_ascii_uppercase()))
    {
        return say(StatusCode::BAD_REQUEST, "invalid url format");
    }
    let query = request.uri.query();
    let found = whose.find(app, query);
    if let Some(nobody) = found.nobody(app, peer) {
        return nobody.answer();
    }
    let Some(signal) = action else {
        return say(StatusCode::BAD_REQUEST, "invalid url format");
    };
    let Ok(rid) = run_id(query) else {
        return say(StatusCode::BAD_REQUEST, "invalid uuid format");
    };
    let report = Report {
        signal,
        rid,
        message: None,
        took: None,
    };
    let heard = record(app, peer, request, body, (found, report)).await;
    heard.answer()
}

/// What is reported, by whatever grammar.
pub(super) struct Report {
    pub(super) signal: Signal,
    pub(super) rid: Option<Uuid>,
    /// Kept instead of the body of the request.
    pub(super) message: Option<String>,
    /// How long the run took, where it is said.
    pub(super) took: Option<Duration>,
}

/// Takes a report of another grammar.
pub(super) async fn hear(
    app: &App,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    (whose, report): (Whose<'_>, Report),
) -> Heard {
    // A name that nobody has is nobody's there: only pings make heartbeats.
    let found = whose.find(app, None);
    record(app, peer, request, body, (found, report)).await
}

/// Reads the body, and has the engine decide and write.
async fn record(
    app: &App,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    (found, report): (Found, Report),
) -> Heard {
    let target = match found {
        Found::One(ref watched) => Target::Known(watched.id),
        Found::New(ref slug) => Target::New(Arc::clone(slug)),
        Found::Many | Found::Nobody => return found.nobody(app, peer).unwrap_or(Heard::Nobody),
    };
    let now = app.clock.now();
    let known = match &target {
        Target::Known(check) => Some(*check),
        Target::New(_) => None,
    };
    if let Err(seconds) = app.buckets.take(now, peer, known) {
        return limited(app, seconds);
    }
    let body = match take(body, PING_KEPT, PING_BYTES, app.limits.body).await {
        Intake::Whole(bytes) | Intake::Cut(bytes) => bytes,
        Intake::TooLarge => {
            return Heard::Refused(StatusCode::PAYLOAD_TOO_LARGE, "body too large");
        }
        Intake::TooSlow => return Heard::Refused(StatusCode::REQUEST_TIMEOUT, "body too slow"),
        Intake::Broken => return Heard::Refused(StatusCode::BAD_REQUEST, "body incomplete"),
    };
    let Ok(at) = happened(request.uri.query(), now) else {
        return Heard::Refused(StatusCode::BAD_REQUEST, "invalid time");
    };
    let agent = request.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    let message = report.message.as_deref().map(str::as_bytes);
    let (agent, said) = {
        let keys = app.keys.borrow();
        let agent = keys.hidden_in(agent.unwrap_or_default());
        let agent = text::line(&String::from_utf8_lossy(&agent), AGENT_CHARS);
        (agent, keys.hidden_in(message.unwrap_or(body.as_ref())))
    };
    let ping = Ping {
        at,
        signal: report.signal,
        rid: report.rid,
        method: request.method.as_str().into(),
        remote: peer.to_canonical().to_string().into(),
        agent: agent.into(),
        body: said.into(),
        took: report.took.map(|took| took.min(LONGEST_TOLD)),
        late: now.since(at),
    };
    let (uuid, input) = match target {
        Target::Known(check) => (None, Input::Ping { check, ping }),
        Target::New(slug) => {
            let uuid = Uuid::new_v4();
            (Some(uuid), Input::Provision { slug, uuid, ping })
        }
    };
    match app.inbox.ask(input, app.limits.decision).await {
        Answer::Done => {
            app.vitals.pings.bump();
            // Somebody else may have made it in the same moment.
            match uuid {
                Some(uuid) if app.view.borrow().engine.beat(&uuid).is_some() => Heard::Made,
                Some(_) | None => Heard::Recorded,
            }
        }
        // It is gone by now, or there are too many to make another.
        Answer::Nothing => Heard::Nobody,
        Answer::NotDurable | Answer::Busy => {
            app.vitals.pings_refused.bump();
            let text = "not recorded, try again";
            Heard::Later(StatusCode::SERVICE_UNAVAILABLE, text, RETRY)
        }
    }
}

/// Refuses one that is too many.
fn limited(app: &App, seconds: u64) -> Heard {
    app.vitals.pings_limited.bump();
    Heard::Later(
        StatusCode::TOO_MANY_REQUESTS,
        "rate limited, try again",
        seconds,
    )
}

pub(super) fn say(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    respond::with(status, HEADERS.clone(), text)
}

/// Who the ping is for.
enum Target {
    Known(CheckId),
    /// Nobody yet: one is made.
    New(Arc<str>),
}

/// Who has an address.
enum Found {
    One(Arc<Watched>),
    /// Nobody, but whoever asks wants one to be made.
    New(Arc<str>),
    Many,
    Nobody,
}

impl Found {
    /// The answer, where there is nobody to hear.
    fn nobody(&self, app: &App, peer: IpAddr) -> Option<Heard> {
        let heard = match self {
            Self::One(_) | Self::New(_) => return None,
            Self::Many => Heard::Many,
            Self::Nobody => Heard::Nobody,
        };
        let taken = app.buckets.take_unknown(app.clock.now(), peer);
        Some(taken.map_or_else(|seconds| limited(app, seconds), |()| heard))
    }
}

/// Whose ping it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    Uuid(Uuid),
    /// By its name, with a key of the configuration.
    Name {
        key: &'a str,
        name: &'a str,
    },
}

impl<'a> Whose<'a> {
    /// Of a token that is nothing but the UUID of a heartbeat.
    pub(super) fn of_uuid(token: &str) -> Option<Self> {
        text::uuid(token).map(Self::Uuid)
    }

    /// Of a token that is the UUID of a heartbeat, or else a ping key for a name.
    pub(super) fn of_key(token: &'a str, name: &'a str) -> Option<Self> {
        let by_name = is_plain(token) && is_plain(name);
        let named = by_name.then_some(Self::Name { key: token, name });
        Self::of_uuid(token).or(named)
    }

    /// The heartbeat, if there is one. A wrong key costs what a right one does.
    fn find(self, app: &App, query: Option<&str>) -> Found {
        let view = app.view.borrow();
        match self {
            Self::Uuid(uuid) => {
                let one = view.engine.beat(&uuid).cloned();
                one.map_or(Found::Nobody, Found::One)
            }
            Self::Name { key, name } => {
                let is_known = app.keys.borrow().has(key);
                let found = view.engine.slug(name);
                match found {
                    _ if !is_known => Found::Nobody,
                    Slug::One(watched) => Found::One(Arc::clone(watched)),
                    Slug::Many => Found::Many,
                    Slug::Nobody if wants_one(query) && name.len() <= SLUG_BYTES => {
                        Found::New(name.into())
                    }
                    Slug::Nobody => Found::Nobody,
                }
            }
        }
    }
}

/// What an address after `/ping/` names: the heartbeat, and the signal unless it is an exit code beyond 255.
/// None where it is no address at all. By UUID it may end in a slash, by name not.
fn address(rest: &str) -> Option<(Whose<'_>, Option<Signal>)> {
    let mut parts = rest.split('/');
    let (first, second, third) = (parts.next()?, parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    if let (Some(uuid), None) = (text::uuid(first), third)
        && let Some(signal) = signal(second.unwrap_or_default())
    {
        return Some((Whose::Uuid(uuid), signal));
    }
    let (key, name) = (first, second?);
    if !is_plain(key) || !is_plain(name) || third == Some("") {
        return None;
    }
    Some((
        Whose::Name { key, name },
        signal(third.unwrap_or_default())?,
    ))
}

/// What keys and names are written in.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(plain)
}

/// The last part of an address. The outer none: it is none; the inner: an exit code beyond 255.
#[expect(
    clippy::option_option,
    reason = "no signal, and a signal that cannot be, have two answers"
)]
fn signal(action: &str) -> Option<Option<Signal>> {
    Some(match action {
        "" => Some(Signal::Success),
        "start" => Some(Signal::Start),
        "fail" => Some(Signal::Fail),
        "log" => Some(Signal::Log),
        code if code.bytes().all(|digit| digit.is_ascii_digit()) => {
            // Digits only: what does not parse is too large.
            code.parse().ok().map(Signal::Exit)
        }
        _ => return None,
    })
}

/// Whether this can stand behind an address.
pub(super) fn is_action(text: &str) -> bool {
    signal(text).is_some()
}

/// When what a ping tells of happened: now, or `at` (milliseconds since 1970), for one that waited until we were
/// there again. What cannot be (it is to come, it is older than [`OLDEST`], it is no number) is the nearest that can.
fn happened(query: Option<&str>, now: Time) -> Result<Time, ParseIntError> {
    let said = value(query, "at");
    let said = said.map(|said| said.parse()).transpose()?;
    let said = said.map(Time::from_millis);
    Ok(said.map_or(now, |said| said.max(now - OLDEST).min(now)))
}

/// Whether a query has `create=1`.
fn wants_one(query: Option<&str>) -> bool {
    value(query, "create").as_deref() == Some("1")
}

/// The `rid` of a query. `Err` when there is one and it is no UUID.
fn run_id(query: Option<&str>) -> Result<Option<Uuid>, ()> {
    let rid = value(query, "rid");
    rid.map(|rid| text::uuid(&rid).ok_or(())).transpose()
}

/// What a query says under `key`, decoded; of several values the last.
fn value(query: Option<&str>, key: &str) -> Option<String> {
    let query = query.filter(|query| !query.is_empty())?;
    let mut pairs = query::pairs(query).rev();
    pairs.find_map(|(known, value)| (known == key).then_some(value))
}
