//! Who may do what. Reading is for everybody who reaches the port; operating for whoever shows the token, and,
//! where nobody is served but this machine, for whoever sits at it.
//!
//! Both questions fail closed: what cannot be told is taken for a stranger.

use std::net::{IpAddr, SocketAddr};

use http::header::{AUTHORIZATION, FORWARDED, HOST, HeaderName, ORIGIN, VIA};
use http::request::Parts;
use http::{HeaderMap, Version};

/// The access rule of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Public,
    Operator,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Reader,
    /// Sits at this machine.
    Here,
    /// Shows the token, from wherever.
    Token,
}

impl Standing {
    pub(super) fn is_operator(self) -> bool {
        self != Self::Reader
    }
}

/// How this daemon is reached, as far as it decides who is who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Where the status page listens: names of ours, beside those of loopback.
    pub listen: Vec<SocketAddr>,
    /// The names that this host is asked by: the daemon's, the host's, and that of `[page] url`.
    pub names: Vec<String>,
    /// Whether `[page] url` names another place than this machine. Then a proxy stands between, most often on
    /// this machine, and being here says nothing of who asks.
    pub is_published: bool,
}

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a reverse proxy adds: then the peer is the proxy, and whoever is behind it does not sit here.
const PROXIED: [HeaderName; 6] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];
/// Whom a proxy asks for, each behind the one before it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How all the others begin.
const PROXIED_PREFIX: &str = "x-forwarded-";

/// Who asks; `opens` tells whether a token makes an operator. The reader sits at this machine when the peer is a loopback address, no proxy stands between, and
/// the address that the browser believes to be talking to is ours. The last keeps out foreign pages whose name
/// was made to point to 127.0.0.1 (DNS rebinding).
///
/// A proxy need not say that it is one: nginx as it comes asks in HTTP/1.0, by our own address, and adds no
/// header. Nobody who sits here asks so.
pub(super) fn standing(
    reached: &Reached,
    opens: impl FnOnce(&str) -> bool,
    request: &Parts,
    peer: IpAddr,
) -> Standing {
    if request.headers.contains_key(AUTHORIZATION) {
        return if bearer(&request.headers).is_some_and(opens) {
            Standing::Token
        } else {
            Standing::Reader
        };
    }
    let is_here = !reached.is_published
        && peer.to_canonical().is_loopback()
        && request.version >= Version::HTTP_11
        && !is_proxied(&request.headers)
        && matches!(host(request), Ok(Some(host)) if is_ours(host, &reached.listen));
    if is_here {
        Standing::Here
    } else {
        Standing::Reader
    }
}

/// Whether a request from this machine asks for a host that we are not: a page of somebody else whose name was
/// made to point here would read everything otherwise. From elsewhere the name is the business of the network.
pub(super) fn is_misdirected(reached: &Reached, request: &Parts, peer: IpAddr) -> bool {
    if !peer.to_canonical().is_loopback() {
        return false;
    }
    match host(request) {
        // Only programs leave it out.
        Ok(None) => false,
        Ok(Some(host)) => {
            let (name, _) = parted(host);
            !(is_local(name)
                || address(name).is_some()
                || reached
                    .names
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name)))
        }
        Err(()) => true,
    }
}

/// Whether a request that changes something comes from our own page, as browsers say in `Origin` (and newer
/// ones in `Sec-Fetch-Site`, which no page can make up). Without an `Origin` it may come from anywhere.
pub(super) fn is_same_origin(request: &Parts) -> bool {
    let headers = &request.headers;
    let is_of_us = match one(headers, &FETCH_SITE) {
        Ok(site) => site.is_none_or(|site| matches!(site, "same-origin" | "none")),
        Err(()) => false,
    };
    let origin = one(headers, &ORIGIN).ok().flatten();
    let origin = origin.and_then(|origin| origin.strip_prefix("http://"));
    let host = host(request).ok().flatten();
    is_of_us
        && origin
            .zip(host)
            .is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

/// Whether `name` means this machine wherever it is resolved.
pub fn is_local(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || address(&name).is_some_and(|ip| ip.to_canonical().is_loopback())
}

fn is_proxied(headers: &HeaderMap) -> bool {
    PROXIED.iter().any(|name| headers.contains_key(name))
        || headers
            .keys()
            .any(|name| name.as_str().starts_with(PROXIED_PREFIX))
}

/// Whose request it is, as far as limits and histories go: behind a reverse proxy on this machine, the address that
/// the proxy wrote. That is the last one; those before it are what the proxy was told.
pub(super) fn origin(headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    if !peer.to_canonical().is_loopback() {
        return peer;
    }
    let last = headers.get_all(&FORWARDED_FOR).iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    last.and_then(|text| text.trim().parse().ok())
        .unwrap_or(peer)
}

/// The host that was asked for, with its port; none where nothing is said. `Err` when several things are said.
fn host(request: &Parts) -> Result<Option<&str>, ()> {
    let header = one(&request.headers, &HOST)?;
    let target = request.uri.authority().map(http::uri::Authority::as_str);
    match (header, target) {
        (Some(header), Some(target)) if !header.eq_ignore_ascii_case(target) => Err(()),
        (header, target) => Ok(header.or(target)),
    }
}

/// The value of a header that may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// The token that is shown.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = one(headers, &AUTHORIZATION).ok()??.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A host without its port, and the port.
fn parted(host: &str) -> (&str, &str) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "80"),
    };
    (name.strip_suffix('.').unwrap_or(name), port)
}

/// The address that a host is, with or without brackets.
fn address(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}

fn is_ours(host: &str, listen: &[SocketAddr]) -> bool {
    let (name, port) = parted(host);
    is_local(name)
        || address(name).is_some_and(|ip| {
            let listens = |at: &SocketAddr| at.ip() == ip && at.port().to_string() == port;
            listen.iter().any(listens)
        })
}

#[cfg(test)]
mod tests;
