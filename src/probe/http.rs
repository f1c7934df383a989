//! Looks at a web page: status, body, certificate, and how long it took.
//!
//! Each look opens a connection of its own: what a new visitor would meet.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT,
};
use ::http::{HeaderMap, Method};
use bytes::Bytes;

use super::env::Env;
use super::error::Looked;
use super::pattern::Pattern;
use super::peer::Peer;
use super::tls::Days;
use super::trace::Trace;
use crate::core::outcome::Outcome;
use crate::names::Family;
use crate::settings::Section;

mod body;
mod condition;
mod exchange;
mod explain;
mod follow;
mod header;
mod json;
mod login;
mod more;
mod oauth;
mod pace;
mod proxy;
mod target;
mod two;
mod unpack;
mod verdict;
mod way;

pub(super) use exchange::explain;
pub(super) use target::Target;

use more::More;

/// Most redirects that can be asked for; browsers give up after 20.
const MAX_REDIRECTS: i64 = 20;
const REDIRECTS: u32 = 5;
/// Largest request body.
const MAX_SEND: usize = 64 << 10;
/// Most headers of a request.
const MAX_HEADERS: usize = 50;

/// `http = { … }`: what to ask for, and what the answer should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    target: Target,
    method: Method,
    /// What the first request has beside [`headers_for`]. A map of headers weighs a kilobyte, so that it is made
    /// when it is needed; clones share these.
    headers: Arc<[(HeaderName, HeaderValue)]>,
    send: Bytes,
    /// Accepted statuses; none for 200 to 299.
    status: Option<Vec<u16>>,
    body: Option<Pattern>,
    redirects: u32,
    days: Days,
    slow: Option<Duration>,
    more: Option<Arc<More>>,
}

impl Settings {
    /// Reads the table of an `http` key. Keys:
    ///
    /// - `url`: `http://` or `https://`; must be there
    /// - `method`: default `GET`, or `POST` where there is something to `send`
    /// - `headers`: a table; `Host` may be among them
    /// - `send`: the body of the request
    /// - `status`: accepted statuses, default 200 to 299. A redirect is followed unless its own status is
    ///   listed
    /// - `body`: a regular expression that the first MiB of the body must match
    /// - `redirects`: how many are followed, default 5. Headers go along within the same scheme, host and
    ///   port only
    /// - `certificate_days`: warns when the certificate ends sooner, default 14; 0 for never
    /// - `chain_days`: the same for the certificates of its authorities, default as `certificate_days`
    /// - `certificate_fail_days`: fails when either ends sooner, default 3
    /// - `slow`: warns when the answer took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    /// - `body_not`, `json`, `expect_headers`, `size_…`, `age_…`, `checksum`, `location`: conditions on the
    ///   answer, read in `http/condition.rs`
    /// - `slow_fail`, `p50` to `p99`: levels of latency, read in `http/pace.rs`
    /// - `compressed`: asks for a packed body
    /// - `basic`, `bearer`, `oauth2`: who asks, read in `http/login.rs`
    /// - `version`, `proxy`: by which way, read in `http/way.rs`
    /// - `verify`, `ca`, `client_certificate`, `client_key`, `pin`: TLS, read in `probe/tls/own.rs`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let target = read_target(&mut section);
        let send = read_send(&mut section);
        let method = read_method(&mut section, !send.is_empty());
        let mut headers = read_headers(&mut section);
        let login = login::read(&mut section, &mut headers);
        let status = section.integers("status", 100..=599).map(|list| {
            let codes = list.into_iter();
            codes.filter_map(|code| u16::try_from(code).ok()).collect()
        });
        let body = Pattern::read(&mut section, "body");
        let redirects = small(section.integer("redirects", 0..=MAX_REDIRECTS));
        let days = Days::read(&mut section);
        let slow = read_slow(&mut section);
        let family = Family::read(&mut section);
        let more = More::read(&mut section, target.as_ref(), slow, login).map(Arc::new);
        section.finish();
        let mut target = target?;
        target.address.family = family;
        Some(Self {
            target,
            method,
            headers: headers.into(),
            send,
            status,
            body,
            redirects: redirects.unwrap_or(REDIRECTS),
            days,
            slow,
            more,
        })
    }

    /// A GET of `target` that should answer 200, no redirects followed.
    pub(super) fn of(target: Target) -> Self {
        Self {
            headers: Arc::default(),
            target,
            method: Method::GET,
            send: Bytes::new(),
            status: Some(vec![200]),
            body: None,
            redirects: 0,
            days: Days::NEVER,
            slow: None,
            more: None,
        }
    }

    /// All headers of the first request.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = headers_with(&self.target, &self.headers);
        if self.more.as_ref().is_some_and(|more| more.compressed) {
            headers
                .entry(ACCEPT_ENCODING)
                .or_insert(HeaderValue::from_static(unpack::ACCEPTED));
        }
        headers
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.target.address)
    }

    /// The address, for people.
    pub fn target(&self) -> String {
        self.target.text.to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let grant = self.more.as_ref().and_then(|more| more.grant.as_ref());
        let (answer, before) = match grant {
            None => (
                follow::follow(self, None, env, trace).await?,
                Duration::ZERO,
            ),
            Some(grant) => Box::pin(grant.follow(self, env, trace)).await?,
        };
        // What it took to get a token is none of the time of the page.
        let took = trace.took().saturating_sub(before);
        let now = env.clock.now();
        explain::explain(self, &answer, (took, now), trace);
        Ok(verdict::judge(self, &answer, (took, now), trace))
    }
}

/// Reads `slow`, the latency that is warned of.
pub(super) fn read_slow(section: &mut Section<'_>) -> Option<Duration> {
    section.duration("slow", Duration::from_millis(1)..=Duration::from_hours(1))
}

fn small(number: Option<i64>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

fn read_target(section: &mut Section<'_>) -> Option<Target> {
    let url = section.required("url")?;
    match Target::parse(&url) {
        Ok(target) => Some(target),
        Err(hint) => {
            section.refuse("url", "\"url\" is not an address that can be asked", hint);
            None
        }
    }
}

fn read_send(section: &mut Section<'_>) -> Bytes {
    let send = section.string("send").unwrap_or_default();
    if send.len() > MAX_SEND {
        section.refuse("send", "\"send\" is too long", "at most 64 KiB");
    }
    Bytes::from(send)
}

fn read_method(section: &mut Section<'_>, sends: bool) -> Method {
    let default = if sends { Method::POST } else { Method::GET };
    let Some(text) = section.string("method") else {
        return default;
    };
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if method != Method::CONNECT && text == text.to_ascii_uppercase() => method,
        Ok(_) | Err(_) => {
            section.refuse(
                "method",
                format!("\"{text}\" is not a method that can be asked with"),
                "write \"GET\", \"HEAD\", \"POST\", …",
            );
            default
        }
    }
}

/// What every request has. A new connection each time, and no answer in a form that must be unpacked.
pub(super) fn headers_for(target: &Target) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(HOST, target.host_header.clone());
    let agent = concat!("belfry/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers
}

/// What a request to `target` has with these headers.
pub(super) fn headers_with(target: &Target, own: &[(HeaderName, HeaderValue)]) -> HeaderMap {
    let mut headers = headers_for(target);
    for (name, value) in own {
        headers.insert(name, value.clone());
    }
    headers
}

/// Reads `headers`, beside which stands what every request has.
pub(super) fn read_headers(section: &mut Section<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    let pairs = section.pairs("headers").unwrap_or_default();
    if pairs.len() > MAX_HEADERS {
        section.refuse("headers", "too many headers", "at most 50");
    }
    for (name, value) in pairs.into_iter().take(MAX_HEADERS) {
        let parsed = HeaderName::try_from(&name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        match parsed {
            Some((known, _)) if is_framing(&known) => section.refuse(
                "headers",
                format!("the header \"{name}\" is set by Belfry itself"),
                "leave it out",
            ),
            Some((known, mut value)) => {
                // A value may be a token; this keeps it out of whatever prints the settings.
                value.set_sensitive(true);
                headers.push((known, value));
            }
            None => section.refuse(
                "headers",
                format!(
                    "\"{}\" is not a header, or its value has a line break",
                    name.escape_debug()
                ),
                "write headers = { Accept = \"text/html\" }",
            ),
        }
    }
    headers
}

/// Headers that say where a request ends, and those of the connection; wrong ones would make us misread
/// the answer.
fn is_framing(name: &HeaderName) -> bool {
    use ::http::header::{CONTENT_LENGTH, EXPECT, TE, TRANSFER_ENCODING, UPGRADE};
    [
        CONNECTION,
        CONTENT_LENGTH,
        EXPECT,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ]
    .contains(name)
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        let (probe, problems) = read(concat!(
            "[http]\nurl = \"ftp://a/\"\nmethod = \"get\"\nstatus = [20]\nbody = \"(\"\n",
            "redirects = 99\nip = \"5\"\nslow = 3\nheaders = { \"a b\" = \"c\", Content-Length = \"3\" }\n",
        ));
        assert_eq!(probe, None);
        for part in [
            ":2:7: \"url\" is not an address that can be asked; write http://… or https://…",
            ":3:10: \"get\" is not a method",
            ":4:10: \"status\" is not a list",
            ":5:8: \"body\" is not a regular expression; unclosed group",
            ":6:13: \"redirects\"",
            ":7:6: \"ip\" names no family",
            ":8:8: \"slow\" needs a unit",
            ":9:11: \"a b\" is not a header",
            ":9:11: the header \"Content-Length\" is set by Belfry itself",
        ] {
            assert!(
                problems.iter().any(|p| p.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
        assert_eq!(problems.len(), 9, "{problems:#?}");
    }

    /// Ten thousand checks carry it: what few of them say stands behind a pointer.
    #[test]
    fn a_plain_check_carries_no_more_than_it_says() {
        let weight = size_of::<super::Settings>();
        assert!(weight <= 392, "{weight} bytes");
        let (plain, _) = read("http = { url = \"https://a/\", body = \"ok\", slow = \"1s\" }");
        let Some(crate::probe::Probe::Http(plain)) = plain else {
            panic!("an http probe was read");
        };
        assert_eq!(plain.more, None);
    }

    #[test]
    fn settings_that_are_written_the_same_are_equal_and_hide_their_headers() {
        let text = concat!(
            "[http]\nurl = \"https://a.example/health?x=1\"\nbody = \"ok\"\n",
            "headers = { Authorization = \"Bearer abc\" }\n",
        );
        let (one, two) = (read(text).0.unwrap(), read(text).0.unwrap());
        assert_eq!(one, two);
        assert_eq!(one.target(), "https://a.example/health");
        assert!(!format!("{one:?}").contains("abc"), "{one:?}");
        assert!(!format!("{one:?}").contains("x=1"), "{one:?}");
        let other = read(&text.replace("ok", "okay")).0.unwrap();
        assert_ne!(one, other);
    }
}
