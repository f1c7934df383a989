//! Who may do what: reading is for everybody who reaches the port, operating for whoever sits at this machine.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{FORWARDED, HOST, HeaderName, ORIGIN, VIA};
use http::request::Parts;

/// The access rule of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Public,
    Operator,
}

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a reverse proxy adds: then the peer is the proxy, and whoever is behind it does not sit here.
const PROXIED: [HeaderName; 5] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// Whether the reader sits at this machine: the peer is a loopback address, no proxy stands between, and the
/// address that the browser believes to be talking to is ours. The last keeps out foreign pages whose name
/// was made to point to 127.0.0.1 (DNS rebinding).
pub(super) fn is_operator(peer: IpAddr, request: &Parts, listen: &[SocketAddr]) -> bool {
    peer.to_canonical().is_loopback()
        && !PROXIED
            .iter()
            .any(|name| request.headers.contains_key(name))
        && authority(request).is_some_and(|host| is_ours(host, listen))
}

/// Whether a request that changes something comes from our own page, or from no page at all.
///
/// Our pages send no referrer, and browsers then send `Origin: null` with a form; what they say in
/// `Sec-Fetch-Site` cannot be made up by a page and goes first.
pub(super) fn is_same_origin(request: &Parts) -> bool {
    let headers = &request.headers;
    if let Some(site) = text(headers, &FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let origin = text(headers, &ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| authority(request) == Some(host))
}

/// The host that was asked for. Two of them are none.
fn authority(request: &Parts) -> Option<&str> {
    if request.headers.get_all(HOST).iter().count() > 1 {
        return None;
    }
    text(&request.headers, &HOST)
        .or_else(|| request.uri.authority().map(http::uri::Authority::as_str))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_ours(host: &str, listen: &[SocketAddr]) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "80"),
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    bare.parse::<IpAddr>().is_ok_and(|ip| {
        let listens = |at: &SocketAddr| at.ip() == ip && at.port().to_string() == port;
        ip.to_canonical().is_loopback() || listen.iter().any(listens)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn an_operator_asks_from_this_machine_by_a_name_of_this_machine() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let listen = ["192.0.2.7:8080".parse().expect("an address")];
        for (peer, host, may) in [
            (here, "localhost:8080", true),
            (here, "LocalHost.", true),
            (here, "127.0.0.1:8080", true),
            (here, "127.9.9.9", true),
            (here, "[::1]:8080", true),
            (here, "[::1]", true),
            (here, "192.0.2.7:8080", true),
            (here, "192.0.2.7:81", false),
            (here, "192.0.2.8:8080", false),
            (here, "evil.example", false),
            (here, "evil.example:8080", false),
            (here, "localhost.evil.example", false),
            (here, "127.0.0.1.evil.example", false),
            (here, "notlocalhost", false),
            (here, "", false),
            (IpAddr::from([192, 0, 2, 9]), "localhost:8080", false),
            (
                "::ffff:127.0.0.1".parse().expect("an address"),
                "localhost",
                true,
            ),
        ] {
            let request = parts(&[("host", host)]);
            assert_eq!(is_operator(peer, &request, &listen), may, "{peer} {host}");
        }
        assert!(!is_operator(here, &parts(&[]), &listen));
        let two = parts(&[("host", "localhost"), ("host", "evil.example")]);
        assert!(!is_operator(here, &two, &listen));
    }

    #[test]
    fn who_comes_through_a_proxy_does_not_sit_here() {
        let here = IpAddr::from([127, 0, 0, 1]);
        for header in [
            "x-forwarded-for",
            "Forwarded",
            "Via",
            "X-Real-IP",
            "x-forwarded-host",
        ] {
            let request = parts(&[("host", "127.0.0.1:8080"), (header, "192.0.2.9")]);
            assert!(!is_operator(here, &request, &[]), "{header}");
        }
    }

    #[test]
    fn foreign_pages_change_nothing() {
        let host = ("host", "localhost:8080");
        for (headers, may) in [
            (vec![host], true),
            (vec![host, ("origin", "http://localhost:8080")], true),
            (vec![host, ("origin", "http://localhost:3000")], false),
            (vec![host, ("origin", "http://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (
                vec![host, ("origin", "null"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (vec![host, ("sec-fetch-site", "none")], true),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (
                vec![
                    host,
                    ("origin", "http://localhost:8080"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
        ] {
            assert_eq!(is_same_origin(&parts(&headers)), may, "{headers:?}");
        }
    }
}
