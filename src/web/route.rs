//! Every address of the status page in one table, and how a request finds its row.

use http::Method;
use percent_encoding::percent_decode_str;

use super::access::Access::{self, Operator, Public};
use super::dialect::Dialect;
use super::limits::{API_BYTES, FORM_BYTES, PING_BYTES};

/// What answers. One row of [`ROUTES`] each, one arm of the match in `web.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Ping,
    /// A ping in the words of another service.
    Dialect(Dialect),
    /// The management API of healthchecks.io.
    Healthchecks,
    Overview,
    Check,
    Incidents,
    Incident,
    Heartbeats,
    /// What a job said, whole.
    PingBody,
    Mail,
    MailOne,
    About,
    Badge,
    Events,
    ApiStatus,
    ApiChecks,
    ApiCheck,
    ApiOutcomes,
    ApiSeries,
    ApiIncidents,
    ApiIncident,
    ApiOutbox,
    Metrics,
    Health,
    Ready,
    Asset,
    Operate(Operation, Form),
}

impl Endpoint {
    /// Whether it tells nothing of what is watched, or only to whoever shows a key, so that it does not matter by
    /// which name it is asked.
    pub(super) fn is_for_any_name(self) -> bool {
        matches!(
            self,
            Self::Ping | Self::Dialect(_) | Self::Healthchecks | Self::Health | Self::Ready
        )
    }
}

/// What an operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Acknowledge,
    Run,
    Pause,
    Resume,
    /// Another address for a heartbeat.
    Rotate,
    /// The same, and those before are not heard any more.
    RotateNow,
    TestMail,
}

/// How the answer to an operation looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON.
    Api,
    /// On to the page that shows what was done.
    Page,
}

/// Which methods a row takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    /// GET and HEAD.
    Read,
    Post,
    Any,
}

impl Methods {
    fn take(self, method: &Method) -> bool {
        match self {
            Self::Read => matches!(*method, Method::GET | Method::HEAD),
            Self::Post => *method == Method::POST,
            Self::Any => true,
        }
    }
}

/// One address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) methods: Methods,
    /// `{}` stands for one part that is not empty, percent-decoded; `*` at the end for the rest as it is.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// Longest body, in bytes.
    pub(super) body: usize,
    pub(super) to: Endpoint,
}

const fn read(path: &'static str, to: Endpoint) -> Route {
    let (methods, access) = (Methods::Read, Public);
    Route {
        methods,
        path,
        access,
        body: FORM_BYTES,
        to,
    }
}

const fn operate(path: &'static str, operation: Operation, form: Form) -> Route {
    Route {
        methods: Methods::Post,
        path,
        access: Operator,
        body: FORM_BYTES,
        to: Endpoint::Operate(operation, form),
    }
}

const fn dialect(path: &'static str, dialect: Dialect) -> Route {
    Route {
        path,
        to: Endpoint::Dialect(dialect),
        ..*PING
    }
}

/// The row of pings.
const PING: &Route = &Route {
    methods: Methods::Any,
    path: "/ping/*",
    access: Public,
    body: PING_BYTES,
    to: Endpoint::Ping,
};
/// Shortest first part of an address that can be a UUID or a ping key.
const KEY_BYTES: usize = 22;

/// All of them; the first that fits.
pub(super) const ROUTES: &[Route] = &[
    *PING,
    dialect("/api/push/{}", Dialect::Kuma),
    dialect("/api/push/{}/", Dialect::Kuma),
    dialect("/api/v1/endpoints/{}/external", Dialect::Gatus),
    dialect("/snitch/{}", Dialect::Snitch),
    dialect("/snitch/{}/", Dialect::Snitch),
    dialect("/compat/kuma/api/push/{}", Dialect::Kuma),
    dialect("/compat/gatus/api/v1/endpoints/{}/external", Dialect::Gatus),
    dialect("/compat/deadmanssnitch/{}", Dialect::Snitch),
    dialect("/compat/cronitor/p/*", Dialect::Cronitor),
    dialect("/p/*", Dialect::Cronitor),
    Route {
        methods: Methods::Any,
        path: "/compat/healthchecks/api/*",
        access: Public,
        body: API_BYTES,
        to: Endpoint::Healthchecks,
    },
    read("/", Endpoint::Overview),
    read("/assets/*", Endpoint::Asset),
    read("/healthz", Endpoint::Health),
    read("/readyz", Endpoint::Ready),
    read("/metrics", Endpoint::Metrics),
    read("/events", Endpoint::Events),
    read("/checks/{}", Endpoint::Check),
    read("/incidents", Endpoint::Incidents),
    read("/incidents/{}", Endpoint::Incident),
    read("/heartbeats", Endpoint::Heartbeats),
    read("/pings/*", Endpoint::PingBody),
    read("/mail", Endpoint::Mail),
    read("/mail/{}", Endpoint::MailOne),
    read("/about", Endpoint::About),
    read("/badge/*", Endpoint::Badge),
    read("/api/v1/status", Endpoint::ApiStatus),
    read("/api/v1/checks", Endpoint::ApiChecks),
    read("/api/v1/checks/{}", Endpoint::ApiCheck),
    read("/api/v1/checks/{}/outcomes", Endpoint::ApiOutcomes),
    read("/api/v1/checks/{}/series", Endpoint::ApiSeries),
    read("/api/v1/incidents", Endpoint::ApiIncidents),
    read("/api/v1/incidents/{}", Endpoint::ApiIncident),
    read("/api/v1/outbox", Endpoint::ApiOutbox),
    operate(
        "/api/v1/incidents/{}/ack",
        Operation::Acknowledge,
        Form::Api,
    ),
    operate("/api/v1/checks/{}/run", Operation::Run, Form::Api),
    operate("/api/v1/checks/{}/pause", Operation::Pause, Form::Api),
    operate("/api/v1/checks/{}/resume", Operation::Resume, Form::Api),
    operate("/api/v1/checks/{}/rotate", Operation::Rotate, Form::Api),
    operate(
        "/api/v1/checks/{}/rotate-now",
        Operation::RotateNow,
        Form::Api,
    ),
    operate("/checks/{}/rotate", Operation::Rotate, Form::Page),
    operate("/api/v1/mail/test", Operation::TestMail, Form::Api),
    operate("/incidents/{}/ack", Operation::Acknowledge, Form::Page),
    operate("/checks/{}/run", Operation::Run, Form::Page),
    operate("/checks/{}/pause", Operation::Pause, Form::Page),
    operate("/checks/{}/resume", Operation::Resume, Form::Page),
    operate("/mail/test", Operation::TestMail, Form::Page),
];

/// What became of looking for a row.
#[derive(Debug)]
pub(super) enum Found {
    /// A row, and what its `{}` or `*` stands for.
    Row(&'static Route, String),
    /// The path has rows, for these methods only.
    Method(&'static str),
    Nothing,
}

/// The row for a request.
pub(super) fn find(method: &Method, path: &str) -> Found {
    let mut others = (false, false);
    for route in ROUTES {
        let Some(part) = fit(route.path, path) else {
            continue;
        };
        if route.methods.take(method) {
            return Found::Row(route, part);
        }
        match route.methods {
            Methods::Read => others.0 = true,
            Methods::Post => others.1 = true,
            Methods::Any => {}
        }
    }
    match others {
        (true, true) => Found::Method("GET, HEAD, POST"),
        (true, false) => Found::Method("GET, HEAD"),
        (false, true) => Found::Method("POST"),
        (false, false) => bare(path).map_or(Found::Nothing, |rest| Found::Row(PING, rest)),
    }
}

/// A ping without `/ping` in front, as at hc-ping.com: `/UUID` and `/KEY/SLUG`. No page of ours begins with a part
/// as long as these.
fn bare(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    let first = rest.split('/').next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_key = first.len() >= KEY_BYTES && first.bytes().all(plain);
    is_key.then(|| rest.to_owned())
}

/// What the placeholder of `pattern` stands for in `path`; empty where it has none, none where it does not fit.
/// A part is split off before it is decoded, so that a name may have a slash in it.
fn fit(pattern: &str, path: &str) -> Option<String> {
    if let Some(start) = pattern.strip_suffix('*') {
        return path.strip_prefix(start).map(str::to_owned);
    }
    let Some((before, after)) = pattern.split_once("{}") else {
        return (pattern == path).then(String::new);
    };
    let part = path.strip_prefix(before)?.strip_suffix(after)?;
    if part.is_empty() || part.contains('/') {
        return None;
    }
    let decoded = percent_decode_str(part).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: &Method, path: &str) -> Option<(Endpoint, String)> {
        match find(method, path) {
            Found::Row(route, part) => Some((route.to, part)),
            Found::Method(_) | Found::Nothing => None,
        }
    }

    #[test]
    fn a_name_may_have_any_character() {
        for (path, name) in [
            ("/checks/shop", "shop"),
            ("/checks/a%2Fb", "a/b"),
            ("/checks/%C3%BC%20%3F%25", "ü ?%"),
            ("/checks/%2e%2e", ".."),
            ("/checks/a+b", "a+b"),
            ("/checks/%2541", "%41"),
        ] {
            assert_eq!(
                row(&Method::GET, path),
                Some((Endpoint::Check, name.to_owned())),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_not_a_name_is_not_found() {
        for path in [
            "/checks/",
            "/checks/%ff",
            "/checks/a/b",
            "/checks",
            "//",
            "",
            "/Checks/a",
        ] {
            assert_eq!(row(&Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn a_ping_needs_nothing_in_front() {
        let (uuid, key) = (
            "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11",
            "kB2d0xQ8mT-4_zzW1abcDE",
        );
        for rest in [
            uuid.to_owned(),
            format!("{uuid}/start"),
            format!("{key}/nightly-backup/fail"),
        ] {
            let found = row(&Method::POST, &format!("/{rest}"));
            assert_eq!(found, Some((Endpoint::Ping, rest)));
        }
        let longest = ROUTES
            .iter()
            .filter_map(|route| route.path.split('/').nth(1));
        assert!(
            longest
                .max_by_key(|part| part.len())
                .is_some_and(|part| part.len() < KEY_BYTES)
        );
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        for (method, path, allowed) in [
            (Method::DELETE, "/", "GET, HEAD"),
            (Method::GET, "/api/v1/checks/a/run", "POST"),
            (Method::POST, "/incidents", "GET, HEAD"),
            // A notification could be called `test`.
            (Method::PUT, "/mail/test", "GET, HEAD, POST"),
        ] {
            let found = find(&method, path);
            assert!(
                matches!(found, Found::Method(methods) if methods == allowed),
                "{method} {path}: {found:?}"
            );
        }
    }

    #[test]
    fn every_row_that_changes_something_is_for_operators_or_has_keys_of_its_own() {
        for route in ROUTES {
            match route.methods {
                Methods::Read => assert_eq!(route.access, Public, "{}", route.path),
                Methods::Post => assert_eq!(route.access, Operator, "{}", route.path),
                Methods::Any => {
                    let keyed = matches!(
                        route.to,
                        Endpoint::Ping | Endpoint::Dialect(_) | Endpoint::Healthchecks
                    );
                    assert!(keyed, "{}", route.path);
                }
            }
        }
    }
}
