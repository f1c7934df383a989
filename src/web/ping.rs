//! Pings: a job reports in. Grammar and answers after the pinging API of healthchecks.io.
//!
//! An unknown address is answered from memory. A known one is answered when the ping is in the journal:
//! never a 200 that a power cut could take back.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use uuid::Uuid;

use super::App;
use super::body::Body;
use super::intake::{Intake, take};
use super::limits::{PING_BYTES, PING_KEPT};
use super::respond;
use crate::core::check::CheckId;
use crate::core::engine::{Slug, Watched};
use crate::core::heartbeat::{Beat, Ping, Signal};
use crate::core::input::Input;
use crate::core::text;
use crate::core::time::Time;
use crate::inbox::Answer;

/// What is kept of a User-Agent, in characters, as healthchecks.io does.
const AGENT_CHARS: usize = 200;
/// How long ago at most a ping can have happened that is delivered late.
const OLDEST: Duration = Duration::from_hours(72);
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
    let Some((whose, action)) = address(rest) else {
        return say(StatusCode::NOT_FOUND, "not found");
    };
    if matches!(whose, Whose::Name { name, .. } if name.bytes().any(|byte| byte.is_ascii_uppercase()))
    {
        return say(StatusCode::BAD_REQUEST, "invalid url format");
    }
    let (target, heard_last) = match whose.find(app, request.uri.query()) {
        Found::One(watched) => {
            let beat = watched.record.beat.as_ref();
            (Target::Known(watched.id), beat.and_then(heard_last))
        }
        Found::New(slug) => (Target::New(slug), None),
        Found::Many => return say(StatusCode::CONFLICT, "ambiguous slug"),
        Found::Nobody => return say(StatusCode::NOT_FOUND, "not found"),
    };
    let Some(signal) = action else {
        return say(StatusCode::BAD_REQUEST, "invalid url format");
    };
    let now = app.clock.now();
    let body = match take(body, PING_KEPT, PING_BYTES, app.limits.body).await {
        Intake::Whole(bytes) | Intake::Cut(bytes) => bytes,
        Intake::TooLarge => return say(StatusCode::PAYLOAD_TOO_LARGE, "body too large"),
        Intake::TooSlow => return say(StatusCode::REQUEST_TIMEOUT, "body too slow"),
        Intake::Broken => return say(StatusCode::BAD_REQUEST, "body incomplete"),
    };
    let Ok(rid) = run_id(request.uri.query()) else {
        return say(StatusCode::BAD_REQUEST, "invalid uuid format");
    };
    let at = happened(request.uri.query(), now);
    // What happened before the last that was heard is no news of how it is: it is kept as a note.
    let is_old = heard_last.is_some_and(|last| at < last);
    let signal = if is_old { Signal::Log } else { signal };
    let agent = request.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    let agent = agent.map(|agent| text::line(&String::from_utf8_lossy(agent), AGENT_CHARS));
    let ping = Ping {
        at,
        signal,
        rid,
        method: request.method.as_str().into(),
        remote: peer.to_canonical().to_string().into(),
        agent: agent.unwrap_or_default().into(),
        body: Arc::from(body.as_ref()),
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
                Some(uuid) if app.view.borrow().engine.beat(&uuid).is_some() => {
                    say(StatusCode::CREATED, "Created")
                }
                Some(_) | None => say(StatusCode::OK, "OK"),
            }
        }
        // It is gone by now, or there are too many to make another.
        Answer::Nothing => say(StatusCode::NOT_FOUND, "not found"),
        Answer::NotDurable | Answer::Busy => {
            app.vitals.pings_refused.bump();
            let refused = say(StatusCode::SERVICE_UNAVAILABLE, "not recorded, try again");
            respond::retry_after(refused, RETRY)
        }
    }
}

fn say(status: StatusCode, text: &'static str) -> Response<Body> {
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

/// Whose ping it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose<'a> {
    Uuid(Uuid),
    /// By its name, with a key of the configuration.
    Name {
        key: &'a str,
        name: &'a str,
    },
}

impl Whose<'_> {
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
    if let (Some(uuid), None) = (hyphenated(first), third)
        && let Some(signal) = signal(second.unwrap_or_default())
    {
        return Some((Whose::Uuid(uuid), signal));
    }
    let (key, name) = (first, second?);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(plain);
    if !is_plain(key) || !is_plain(name) || third == Some("") {
        return None;
    }
    Some((
        Whose::Name { key, name },
        signal(third.unwrap_or_default())?,
    ))
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

/// A UUID in the one form that counts, with hyphens.
fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == 36)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
}

/// The newest that a heartbeat has heard.
fn heard_last(beat: &Beat) -> Option<Time> {
    let started = beat.last_start.map(|(at, _)| at);
    beat.last_ping.max(started)
}

/// When what a ping tells of happened: now, or `at` (milliseconds since 1970), for one that waited until we were
/// there again. What cannot be (it is to come, it is older than [`OLDEST`], it is no number) is the nearest that can.
fn happened(query: Option<&str>, now: Time) -> Time {
    let mut pairs = query.unwrap_or_default().split('&');
    let said = pairs.find_map(|pair| pair.strip_prefix("at=")?.parse().ok());
    let said = said.map(Time::from_millis);
    said.map_or(now, |said| said.max(now - OLDEST).min(now))
}

/// Whether a query has `create=1`; of several values the last counts.
fn wants_one(query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&').rev();
    pairs.find_map(|pair| pair.strip_prefix("create=")) == Some("1")
}

/// The `rid` of a query. `Err` when there is one and it is no UUID.
fn run_id(query: Option<&str>) -> Result<Option<Uuid>, ()> {
    let mut pairs = query.unwrap_or_default().split('&').rev();
    let rid = pairs.find_map(|pair| pair.strip_prefix("rid="));
    rid.map(|rid| hyphenated(rid).ok_or(())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_heartbeat_and_a_signal() {
        let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
        let known = Uuid::try_parse(uuid).expect("a uuid");
        for (action, signal) in [
            ("", Some(Signal::Success)),
            ("/", Some(Signal::Success)),
            ("/start", Some(Signal::Start)),
            ("/fail", Some(Signal::Fail)),
            ("/log", Some(Signal::Log)),
            ("/0", Some(Signal::Exit(0))),
            ("/007", Some(Signal::Exit(7))),
            ("/255", Some(Signal::Exit(255))),
            ("/256", None),
            ("/99999999999999999999999", None),
        ] {
            assert_eq!(
                address(&format!("{uuid}{action}")),
                Some((Whose::Uuid(known), signal)),
                "{action}"
            );
        }
        for rest in [
            String::new(),
            "x".to_owned(),
            uuid.replace('-', ""),
            format!("{{{uuid}}}"),
            format!("{uuid}/start/"),
            format!("{uuid}//"),
            format!("{uuid}/start/"),
            "key/".to_owned(),
            "key/backup/".to_owned(),
            "key/backup/stop".to_owned(),
            "key/backup/start/now".to_owned(),
            "k.y/backup".to_owned(),
            "key/back%20up".to_owned(),
        ] {
            assert_eq!(address(&rest), None, "{rest}");
        }
    }

    #[test]
    fn an_address_with_a_key_names_a_heartbeat_by_its_name() {
        let key = "kB2d0xQ8mT-4_zzW1abcDE";
        for (action, signal) in [
            ("", Some(Signal::Success)),
            ("/start", Some(Signal::Start)),
            ("/fail", Some(Signal::Fail)),
            ("/log", Some(Signal::Log)),
            ("/7", Some(Signal::Exit(7))),
            ("/256", None),
        ] {
            let whose = Whose::Name {
                key,
                name: "nightly-backup",
            };
            let rest = format!("{key}/nightly-backup{action}");
            assert_eq!(address(&rest), Some((whose, signal)), "{action}");
        }
        // A key may look like a UUID; then only what is no action is a name.
        let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
        let rest = format!("{uuid}/backup");
        let (whose, _) = address(&rest).expect("an address");
        let name = "backup";
        assert_eq!(whose, Whose::Name { key: uuid, name });
    }

    #[test]
    fn a_late_ping_says_when_it_happened_within_reason() {
        let now = Time::from_millis(1_795_435_200_000);
        let ago = |minutes| now - Duration::from_mins(minutes);
        let at = |time: Time| format!("rid=7&at={}", time.millis());
        let of = |query: &str| happened(Some(query), now);
        assert_eq!(happened(None, now), now);
        assert_eq!(of("at=yesterday"), now);
        assert_eq!(of(&at(ago(9))), ago(9));
        assert_eq!(of(&at(now + Duration::from_mins(9))), now);
        assert_eq!(of("at=0"), now - OLDEST);
        assert_eq!(of("at=99999999999999999999"), now);
    }

    #[test]
    fn a_run_id_is_a_uuid_in_either_case() {
        let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
        let known = Uuid::try_parse(uuid).ok();
        assert_eq!(run_id(None), Ok(None));
        assert_eq!(run_id(Some("create=1")), Ok(None));
        assert_eq!(run_id(Some(&format!("a=b&rid={uuid}"))), Ok(known));
        assert_eq!(
            run_id(Some(&format!("rid={}", uuid.to_uppercase()))),
            Ok(known)
        );
        for query in ["rid=", "rid=7", "rid=5d2f1a1e7f3d4a539d3a0c8c0f4d2a11"] {
            assert_eq!(run_id(Some(query)), Err(()), "{query}");
        }
    }
}
