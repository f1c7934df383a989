//! The management API of healthchecks.io, versions 1, 2 and 3: `/compat/healthchecks/api/v3/checks/` and what is
//! beside it. Grammar, answers and errors are those of its documentation and its views; where it answers without
//! a body, so do we.
//!
//! Heartbeats that were made while running are changed here; those of the configuration are only read.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, HOST, HeaderName,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use super::App;
use super::body::Body;
use super::intake::{Intake, take};
use super::limits::API_BYTES;
use super::respond;
use crate::config::Rights;
use crate::core::engine::Watched;

mod address;
mod change;
mod list;
mod past;
mod show;
mod slug;
mod spec;

use address::Target;

/// Where a key is shown, in lower case.
const KEY_HEADER: &str = "x-api-key";
/// How long keys are at healthchecks.io.
const KEY_CHARS: usize = 32;
/// When to try again after a 503, in seconds.
const RETRY: u64 = 5;

/// Why something cannot be done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// `{"error": "…"}`.
    Says(StatusCode, String),
    /// A status without a body.
    Bare(StatusCode),
    /// A text, where healthchecks.io answers in one.
    Text(StatusCode, &'static str),
    /// It counts, but not on the disk, or the journal does not answer: to be tried again.
    Busy,
}

impl Refusal {
    fn says(status: StatusCode, error: impl Into<String>) -> Self {
        Self::Says(status, error.into())
    }

    fn not_found() -> Self {
        Self::Bare(StatusCode::NOT_FOUND)
    }

    fn answer(self) -> Response<Body> {
        match self {
            Self::Says(status, error) => respond::json(status, &json!({ "error": error })),
            Self::Bare(status) => respond::plain(status, ""),
            Self::Text(status, text) => respond::plain(status, text),
            Self::Busy => {
                let error = json!({ "error": "not recorded, try again" });
                let busy = respond::json(StatusCode::SERVICE_UNAVAILABLE, &error);
                respond::retry_after(busy, RETRY)
            }
        }
    }
}

/// One request, as far as it is the same for all addresses.
#[derive(Clone)]
pub(super) struct Call {
    app: Arc<App>,
    /// 1, 2 or 3.
    version: u8,
    rights: Rights,
    /// What addresses in answers begin with: where the status page is reached.
    root: String,
    query: String,
    /// Who asks.
    by: Arc<str>,
}

impl Call {
    /// Does what looks at every heartbeat beside the reactor.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let call = self.clone();
        let done = self.app.aside(move || work(&call)).await;
        done.map_err(|_| Refusal::Busy)
    }

    async fn by_key(&self, key: String) -> Result<Arc<Watched>, Refusal> {
        self.aside(move |call| call.by_unique_key(&key)).await?
    }
}

/// Answers a request; `rest` is the address after `/compat/healthchecks/api/`.
pub(super) async fn healthchecks(
    app: &Arc<App>,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    rest: &str,
) -> Response<Body> {
    let Some((version, target)) = address::read(rest) else {
        return Refusal::not_found().answer();
    };
    let methods = target.methods();
    let mut answer = if request.method == Method::OPTIONS {
        respond::plain(StatusCode::NO_CONTENT, "")
    } else if methods.split(", ").any(|known| known == request.method) {
        let answer = answer(app, peer, request, body, (version, target)).await;
        answer.unwrap_or_else(Refusal::answer)
    } else {
        respond::plain(StatusCode::METHOD_NOT_ALLOWED, "")
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "X-Api-Key"),
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_MAX_AGE, "600"),
        // Pages of others may read it: they have to know a key.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    peer: IpAddr,
    request: &Parts,
    body: Incoming,
    (version, target): (u8, Target),
) -> Result<Response<Body>, Refusal> {
    if target == Target::Status {
        return list::status(app).await;
    }
    if target == Target::Metrics {
        // Its key is a setting that there is not.
        return Err(Refusal::Bare(StatusCode::FORBIDDEN));
    }
    let fields = match request.method {
        Method::POST => fields(app, body).await?,
        _ => Map::new(),
    };
    let (rights, name) = rights(app, request, &fields, target.needs(&request.method))?;
    let call = Call {
        app: Arc::clone(app),
        version,
        rights,
        root: root(app, request),
        query: request.uri.query().unwrap_or_default().to_owned(),
        by: format!("{name} at {}", peer.to_canonical()).into(),
    };
    let value = match target {
        Target::Checks if request.method == Method::POST => {
            let (status, check) = call.create(&fields).await?;
            return Ok(respond::json(status, &check));
        }
        Target::Checks => {
            let list = call.aside(|call| call.checks().to_string()).await?;
            return Ok(respond::json_text(list));
        }
        Target::One(uuid) if request.method == Method::POST => call.update(uuid, &fields).await?,
        Target::One(uuid) if request.method == Method::DELETE => call.delete(uuid).await?,
        Target::One(uuid) => call.check(&*call.by_uuid(uuid)?),
        Target::ByKey(key) => call.check(&*call.by_key(key).await?),
        Target::Pause(uuid) => call.pause(uuid).await?,
        Target::Resume(uuid) => call.resume(uuid).await?,
        Target::Pings(uuid) => call.pings(uuid).await?,
        Target::PingBody(uuid, n) => return call.ping_body(uuid, n).await,
        Target::Flips(uuid) => call.flips(&*call.by_uuid(uuid)?).await?,
        Target::FlipsByKey(key) => call.flips(&*call.by_key(key).await?).await?,
        Target::Channels => call.channels(),
        Target::Badges => call.badges(),
        Target::Status | Target::Metrics => return Err(Refusal::not_found()),
    };
    Ok(respond::json(StatusCode::OK, &value))
}

/// The JSON object of a body; without a body an empty one.
async fn fields(app: &App, body: Incoming) -> Result<Map<String, Value>, Refusal> {
    let bytes = match take(body, API_BYTES, API_BYTES, app.limits.body).await {
        Intake::Whole(bytes) => bytes,
        Intake::Cut(_) | Intake::TooLarge => {
            return Err(Refusal::says(
                StatusCode::PAYLOAD_TOO_LARGE,
                "request body is too large",
            ));
        }
        Intake::TooSlow => {
            return Err(Refusal::says(
                StatusCode::REQUEST_TIMEOUT,
                "request body is too slow",
            ));
        }
        Intake::Broken => {
            return Err(Refusal::says(
                StatusCode::BAD_REQUEST,
                "could not parse request body",
            ));
        }
    };
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(spec::invalid("value is not an object")),
        Err(_) => Err(Refusal::says(
            StatusCode::BAD_REQUEST,
            "could not parse request body",
        )),
    }
}

/// What the key of a request opens, if that is as much as is `needed`, and the name of its token.
fn rights(
    app: &App,
    request: &Parts,
    fields: &Map<String, Value>,
    needed: Rights,
) -> Result<(Rights, Arc<str>), Refusal> {
    let shown = match request.headers.get(KEY_HEADER) {
        Some(key) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
        None => match fields.get("api_key") {
            Some(Value::String(key)) => key.clone(),
            Some(_) | None => String::new(),
        },
    };
    let refused = |why| Refusal::says(StatusCode::UNAUTHORIZED, why);
    match app.tokens.borrow().find(&shown) {
        Some(token) if needed == Rights::Read || token.rights == Rights::Write => {
            Ok((token.rights, Arc::clone(&token.name)))
        }
        // Longer ones can be tokens here.
        None if shown.chars().count() != KEY_CHARS => Err(refused("missing api key")),
        Some(_) | None => Err(refused("wrong api key")),
    }
}

/// Where the status page is reached: as the configuration says, else as this request did.
fn root(app: &App, request: &Parts) -> String {
    if let Some(url) = &app.facts.borrow().url {
        return url.to_string();
    }
    let host = request.headers.get(HOST).map(HeaderValue::to_str);
    let named = request.uri.authority().map(http::uri::Authority::as_str);
    let host = named.or(host.and_then(Result::ok)).unwrap_or("localhost");
    format!("http://{host}")
}
