//! The addresses at which jobs report in that were written for other services. Each dialect is one file that reads
//! a request into a [`Said`] and words the answer; one ping comes of all of them, and it is recorded as every ping is.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use uuid::Uuid;

use super::App;
use super::body::Body;
use super::ping::{self, Heard, Report, Whose};
use super::{query, respond};
use crate::core::heartbeat::Signal;

mod cronitor;
mod gatus;
mod kuma;
mod snitch;

/// All of them: a file each, and a row each in [`Dialect::tongue`] and in the table of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Cronitor,
    Gatus,
    Kuma,
    Snitch,
}

/// How a dialect is understood and spoken.
struct Tongue {
    read: for<'a> fn(&Asked<'a>) -> Result<Said<'a>, Reply>,
    answer: fn(&Heard) -> Reply,
    content: &'static str,
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

impl Dialect {
    const fn tongue(self) -> &'static Tongue {
        match self {
            Self::Cronitor => &cronitor::TONGUE,
            Self::Gatus => &gatus::TONGUE,
            Self::Kuma => &kuma::TONGUE,
            Self::Snitch => &snitch::TONGUE,
        }
    }
}

/// The dialect of what has the form of a ping, if its query is one that only the clients of another service send:
/// Cronitor's for Node ask for `/ping/KEY/NAME?state=…`, those of Dead Man's Snitch for `/TOKEN?s=…&m=…`. In the grammar
/// of healthchecks.io these keys mean nothing, and a failure would be taken for a success.
pub(super) fn of_ping(rest: &str, query: Option<&str>) -> Option<Dialect> {
    let query = query?;
    let says = |keys: &[&str]| query::pairs(query).any(|(key, _)| keys.contains(&key.as_str()));
    let is_uuid = |token| Whose::of_uuid(token).is_some();
    match rest.trim_end_matches('/').split_once('/') {
        None if says(&["s", "m"]) && is_uuid(rest.trim_end_matches('/')) => Some(Dialect::Snitch),
        Some((key, name)) if says(&["state"]) && !(is_uuid(key) && ping::is_action(name)) => {
            Whose::of_key(key, name).map(|_| Dialect::Cronitor)
        }
        _ => None,
    }
}

/// A request, as far as dialects read it.
struct Asked<'a> {
    request: &'a Parts,
    /// What the address has in place of its `{}` or `*`.
    part: &'a str,
}

impl Asked<'_> {
    /// The value of a key of the query, decoded; of several the last.
    fn value(&self, key: &str) -> Option<String> {
        let query = self.request.uri.query().unwrap_or_default();
        let mut pairs = query::pairs(query).rev();
        pairs.find_map(|(name, value)| (name == key).then_some(value))
    }

    /// The same, unless it is empty.
    fn text(&self, key: &str) -> Option<String> {
        self.value(key).filter(|text| !text.is_empty())
    }

    /// What the query measures as `metric=NAME:VALUE`; of several the last.
    fn metric(&self, name: &str) -> Option<String> {
        let query = self.request.uri.query().unwrap_or_default();
        let mut metrics = query::pairs(query).rev().filter(|(key, _)| key == "metric");
        metrics.find_map(|(_, said)| Some(said.strip_prefix(name)?.strip_prefix(':')?.to_owned()))
    }
}

/// What a request says, whatever the dialect.
struct Said<'a> {
    whose: Whose<'a>,
    signal: Signal,
    /// The run that it belongs to.
    rid: Option<Uuid>,
    /// Kept as the body of the ping; where it is empty, the body of the request is.
    message: String,
    /// How long the run took.
    took: Option<Duration>,
}

/// An answer: its status, and its body in the dialect's content type.
type Reply = (StatusCode, Cow<'static, str>);

/// Takes a report; `part` is what the address has in place of its `{}` or `*`.
pub(super) async fn take(
    app: &App,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    (dialect, part): (Dialect, &str),
) -> Response<Body> {
    let tongue = dialect.tongue();
    let (reply, retry) = match (tongue.read)(&Asked { request, part }) {
        Err(reply) => (reply, None),
        Ok(said) => {
            let report = Report {
                signal: said.signal,
                rid: said.rid,
                message: Some(said.message).filter(|message| !message.is_empty()),
                took: said.took,
            };
            let heard = ping::hear(app, peer, request, body, (said.whose, report)).await;
            ((tongue.answer)(&heard), heard.retry())
        }
    };
    let (status, text) = reply;
    let mut response = match text {
        Cow::Borrowed(text) => ping::say(status, text),
        Cow::Owned(text) => ping::say(status, text),
    };
    let content = HeaderValue::from_static(tongue.content);
    response.headers_mut().insert(CONTENT_TYPE, content);
    match retry {
        Some(seconds) => respond::retry_after(response, seconds),
        None => response,
    }
}

/// What a dialect that has no words of its own for trouble answers.
fn trouble(heard: &Heard) -> Reply {
    let (status, text) = heard.plain();
    (status, text.into())
}
