//! Answers: status, headers for safety and caching, body. The headers of each kind are made once.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::Body;

/// What pages may do: load style, script and pictures from here, talk to here, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types belfry";
/// What everything else may do when a browser shows it: nothing.
const DATA_POLICY: &str =
    "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

static PAGE: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = safe(PAGE_POLICY, "text/html; charset=utf-8", "no-cache");
    // The buttons depend on who asks.
    headers.insert(
        VARY,
        HeaderValue::from_static("accept-encoding, host, authorization"),
    );
    // Other sites learn nothing; but where nothing is said to ourselves either, browsers send `Origin: null`
    // with our own forms, which any page can have sent.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers
});
static JSON: LazyLock<HeaderMap> =
    LazyLock::new(|| safe(DATA_POLICY, "application/json", "no-store"));
static PLAIN: LazyLock<HeaderMap> =
    LazyLock::new(|| safe(DATA_POLICY, "text/plain; charset=utf-8", "no-store"));
static METRICS: LazyLock<HeaderMap> = LazyLock::new(|| {
    safe(
        DATA_POLICY,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "no-store",
    )
});
static FEED: LazyLock<HeaderMap> =
    LazyLock::new(|| safe(DATA_POLICY, "text/event-stream; charset=utf-8", "no-store"));

/// The headers that every answer has, with the policy, type and caching of this kind.
pub(crate) fn safe(
    policy: &'static str,
    content: &'static str,
    caching: &'static str,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in [
        (CONTENT_TYPE, content),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (OPENER, "same-origin"),
        (RESOURCE, "same-origin"),
        (
            PERMISSIONS,
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// An answer with these headers.
pub(crate) fn with(
    status: StatusCode,
    headers: HeaderMap,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::Whole(body.into()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A page.
pub(crate) fn page(status: StatusCode, html: String) -> Response<Body> {
    with(status, PAGE.clone(), html)
}

/// The headers of a page, for those that are kept.
pub(crate) fn page_headers() -> HeaderMap {
    PAGE.clone()
}

/// JSON.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    with(status, JSON.clone(), value.to_string())
}

/// A mistake, as the API says it.
pub(crate) fn json_error(status: StatusCode, error: &str, hint: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "error": error, "hint": hint }))
}

/// Text of our own.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    with(status, PLAIN.clone(), text)
}

/// Text that was put together.
pub(crate) fn text(status: StatusCode, text: String) -> Response<Body> {
    with(status, PLAIN.clone(), text)
}

/// Bytes of somebody else, shown as text.
pub(crate) fn bytes(status: StatusCode, bytes: Vec<u8>) -> Response<Body> {
    with(status, PLAIN.clone(), bytes)
}

/// Figures for Prometheus.
pub(crate) fn metrics(text: String) -> Response<Body> {
    with(StatusCode::OK, METRICS.clone(), text)
}

/// Events as they come.
pub(crate) fn feed(feed: super::body::Feed) -> Response<Body> {
    let mut response = with(StatusCode::OK, FEED.clone(), Bytes::new());
    *response.body_mut() = Body::Feed(feed);
    response
}

/// On to another page of ours, with GET. `path` is percent-encoded.
pub(crate) fn see_other(path: &str) -> Response<Body> {
    let mut response = plain(StatusCode::SEE_OTHER, "");
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// With the methods that there are.
pub(crate) fn allow(mut response: Response<Body>, methods: &'static str) -> Response<Body> {
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// Says that the token that was shown is none of ours (RFC 6750, section 3.1), so that whoever has another, or may do
/// without, tries that.
pub(super) fn for_another_token(mut response: Response<Body>) -> Response<Body> {
    let said = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, said);
    response
}

/// With the seconds after which it may go better.
pub(crate) fn retry_after(mut response: Response<Body>, seconds: u64) -> Response<Body> {
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

/// JSON that was put together elsewhere.
pub(crate) fn json_text(text: String) -> Response<Body> {
    with(StatusCode::OK, JSON.clone(), text)
}
