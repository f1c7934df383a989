//! An address of a page, taken apart once; and where a redirect leads.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use ::http::Uri;
use ::http::header::HeaderValue;
use ::http::uri::PathAndQuery;
use rustls::pki_types::ServerName;

use crate::probe::address::{Address, Host};

/// The longest address: what servers commonly take.
const LONGEST: usize = 8 << 10;

/// Where a page is.
#[derive(Clone, PartialEq)]
pub(in crate::probe) struct Target {
    pub(in crate::probe) address: Address,
    /// The name that the certificate must be for; none without TLS.
    pub(super) tls: Option<ServerName<'static>>,
    /// Path and query, as a request names them.
    pub(in crate::probe) uri: Uri,
    pub(in crate::probe) host_header: HeaderValue,
    /// Without what may be a secret, for people.
    pub(in crate::probe) text: Arc<str>,
}

impl Target {
    /// Takes `url` apart. The error says what to write.
    pub(in crate::probe) fn parse(url: &str) -> Result<Self, &'static str> {
        const FORM: &str = "write http://… or https://…, with other characters than ASCII percent-encoded (and a host's as xn--…)";
        if url.len() > LONGEST {
            return Err("write an address of at most 8 KiB");
        }
        let uri: Uri = url.parse().map_err(|_| FORM)?;
        let (scheme, tls) = match uri.scheme_str() {
            Some("http") => ("http", false),
            Some("https") => ("https", true),
            Some(_) | None => return Err(FORM),
        };
        let authority = uri.authority().ok_or(FORM)?;
        if authority.as_str().contains('@') {
            return Err("write them as basic = { user = \"…\", password = { file = \"…\" } }");
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() != authority.host() => 0,
            None if tls => 443,
            None => 80,
        };
        if port == 0 {
            return Err("write a port from 1 to 65535");
        }
        let host = Host::parse(authority.host()).ok_or(FORM)?;
        let server = match &host {
            Host::Ip(ip) => ServerName::IpAddress((*ip).into()),
            Host::Name(name) => ServerName::try_from(name.to_string()).map_err(|_| FORM)?,
        };
        let path = uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self {
            address: Address::new(host, port),
            tls: tls.then_some(server),
            host_header: HeaderValue::from_str(authority.as_str()).map_err(|_| FORM)?,
            text: without_secrets(&format!("{scheme}://{authority}{path}")).into(),
            uri: Uri::from(path),
        })
    }

    /// Where a redirect from here to `location` leads. The error says why nowhere.
    pub(super) fn join(&self, location: &str) -> Result<Self, &'static str> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let here = format!(
            "{scheme}://{}",
            self.host_header.to_str().unwrap_or_default()
        );
        let location = location.split('#').next().unwrap_or_default();
        let has_scheme = location.split_once(':').is_some_and(|(before, _)| {
            !before.is_empty() && !before.contains(['/', '?']) && !before.starts_with(['.'])
        });
        let url = if has_scheme {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{here}{location}")
        } else if location.starts_with('?') {
            format!("{here}{}{location}", self.uri.path())
        } else {
            let folder = self
                .uri
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            format!("{here}{folder}/{location}")
        };
        let mut next = Self::parse(&url).map_err(|_| "not an http or https address")?;
        next.address.family = self.address.family;
        next.address.named = self.address.named;
        Ok(next)
    }

    /// All of it, with what may be a secret.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let host = self.host_header.to_str().unwrap_or_default();
        format!("{scheme}://{host}{}", self.uri)
    }

    /// Whether both are at the same scheme, host and port.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.tls == other.tls
            && self.address.host == other.address.host
            && self.address.port == other.address.port
    }
}

/// An address as it may stand on pages, in mails and in the log: without user and password, and without query
/// and fragment, where tokens and sessions stand.
pub(super) fn without_secrets(url: &str) -> Cow<'_, str> {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = bare.split_once("//") else {
        return bare.into();
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}//{host}{path}").into(),
        None => bare.into(),
    }
}

/// Shows no more than people may see.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_once() {
        let target = Target::parse("https://shop.example/health?a=b#top").unwrap();
        assert_eq!(&*target.address.text, "shop.example:443");
        assert_eq!(target.uri.to_string(), "/health?a=b");
        assert!(target.tls.is_some());
        assert_eq!(&*target.text, "https://shop.example/health");

        let target = Target::parse("http://[::1]:8080").unwrap();
        assert_eq!(&*target.address.text, "[::1]:8080");
        assert_eq!(target.uri.to_string(), "/");
        assert_eq!(target.host_header, "[::1]:8080");
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for url in [
            "",
            "shop.example",
            "/health",
            "ftp://a/",
            "file:///etc/passwd",
            "http://",
            "http:///x",
            "http://u:p@a/",
            "http://a:0/",
            "http://a:70000/",
            "http://a:/",
            "http://a b/",
            "http://münchen.example/",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        assert!(Target::parse(&format!("http://a/{}", "x".repeat(9_000))).is_err());
    }

    #[test]
    fn redirects_lead_where_a_browser_would_go() {
        let here = Target::parse("https://a.example/shop/cart?x=1").unwrap();
        for (location, leads) in [
            ("http://b.example/", Ok("http://b.example/")),
            ("//b.example/y", Ok("https://b.example/y")),
            ("/login", Ok("https://a.example/login")),
            ("list", Ok("https://a.example/shop/list")),
            ("?page=2", Ok("https://a.example/shop/cart")),
            ("/a?next=http://x/#frag", Ok("https://a.example/a")),
            ("file:///etc/passwd", Err(())),
            ("javascript:alert(1)", Err(())),
            ("gopher://x/", Err(())),
        ] {
            let next = here.join(location);
            let text = next.as_ref().map(|next| &*next.text).map_err(|_| ());
            assert_eq!(text, leads, "{location}");
        }
        let next = here.join("?page=2#top").unwrap();
        assert_eq!(next.uri.to_string(), "/shop/cart?page=2");
        let next = here.join("/a?next=http://x/#frag").unwrap();
        assert_eq!(next.uri.to_string(), "/a?next=http://x/");
    }

    #[test]
    fn what_may_be_a_secret_is_asked_with_and_never_shown() {
        let target = Target::parse("https://a.example/status?key=hunter2#x").unwrap();
        assert_eq!(target.uri.to_string(), "/status?key=hunter2");
        assert!(!format!("{target:?}{}", target.text).contains("hunter2"));
        for (url, shown) in [
            ("https://u:hunter2@a.example/b?c", "https://a.example/b"),
            ("//u:hunter2@a.example", "//a.example"),
            ("https://a.example/b@c", "https://a.example/b@c"),
            ("/login?session=hunter2", "/login"),
            ("?key=hunter2", ""),
            ("/a#token=hunter2", "/a"),
            ("/a?back=//u:p@b", "/a"),
        ] {
            assert_eq!(without_secrets(url), shown, "{url}");
        }
    }
}
