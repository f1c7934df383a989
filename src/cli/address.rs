//! Whose ping it is: a heartbeat's name, or its whole address, which needs no configuration and no right to operate.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::answer::Answer;
use super::client;
use crate::core::text;
use crate::trust;

/// How long one of the addresses that a name has may take: where the first is in a network that we do not reach,
/// there is time for the next.
const CONNECT: Duration = Duration::from_secs(3);
/// What every ping address has behind the host.
const PING: &str = "/ping/";
/// What we speak over TLS (ALPN, RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// Whose ping it is.
#[derive(Debug)]
pub(super) enum Address {
    Name(String),
    /// `/ping/UUID` at the daemon that the configuration names, which needs no right to operate.
    Path(String),
    Url(Url),
}

/// `https://host:port/ping/UUID?query`.
#[derive(Debug)]
pub(super) struct Url {
    /// As it was given.
    text: String,
    secure: bool,
    /// With its brackets, where it is an address of IPv6.
    host: String,
    port: u16,
    /// As it is written in the address, for the head of the request.
    authority: String,
    /// Without a slash at its end.
    path: String,
    query: Option<String>,
}

impl Address {
    /// Of a name, of what begins as an address, or of the part of one that `belfry status` shows.
    pub(super) fn of(text: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !text.is_empty(),
            "give the name of a heartbeat, or its address"
        );
        let begins = |scheme: &str| {
            let beginning = text.get(..scheme.len());
            beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme))
        };
        let (secure, usual) = if begins("https://") {
            (true, 443)
        } else if begins("http://") {
            (false, 80)
        } else {
            return Ok(if text::uuid(text).is_some() {
                Self::Path(format!("{PING}{text}"))
            } else if text.starts_with(PING) {
                Self::Path(text.trim_end_matches('/').to_owned())
            } else {
                Self::Name(text.to_owned())
            });
        };
        let uri: Uri = text
            .parse()
            .with_context(|| format!("{text} is no address"))?;
        let authority = uri.authority().filter(|place| !place.host().is_empty());
        let authority = authority.context("the address has no host")?;
        anyhow::ensure!(
            !authority.as_str().contains('@'),
            "an address with a user and password is not spoken to; leave out what stands before the @"
        );
        anyhow::ensure!(!authority.host().is_empty(), "the address has no host");
        Ok(Self::Url(Url {
            text: text.to_owned(),
            secure,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(usual),
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
            query: uri.query().map(str::to_owned),
        }))
    }

    /// As it is read by [`Address::of`].
    pub(super) fn text(&self) -> String {
        match self {
            Self::Name(text) | Self::Path(text) => text.clone(),
            Self::Url(url) => url.text.clone(),
        }
    }
}

impl Url {
    /// Posts a ping: `suffix` stands behind the path (`/start`), `query` behind what the address has of its own.
    /// The caller has a deadline for it.
    pub(super) async fn post(
        &self,
        suffix: &str,
        query: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let path = self.path_of(suffix, query);
        let stream = self.connect().await?;
        let to = (self.scheme(), self.authority.as_str(), path.as_str());
        if !self.secure {
            return client::post(stream, to, body).await;
        }
        let bare = self.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(bare)
            .with_context(|| format!("{} is no name that a certificate can be for", self.host))?;
        let config = spawn_blocking(tls).await.context("reading certificates")?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        let stream = stream.with_context(|| format!("TLS with {}", self.authority))?;
        client::post(stream, to, body).await
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    fn path_of(&self, suffix: &str, query: &str) -> String {
        let own = self.query.as_deref().filter(|own| !own.is_empty());
        let queries: Vec<&str> = own.into_iter().chain([query]).collect();
        let mark = if query.is_empty() && own.is_none() {
            ""
        } else {
            "?"
        };
        let query = queries.join("&");
        format!("{}{suffix}{mark}{}", self.path, query.trim_end_matches('&'))
    }

    /// A connection to the first of its addresses where somebody answers.
    async fn connect(&self) -> anyhow::Result<TcpStream> {
        let place = format!("{}:{}", self.host, self.port);
        let found = lookup_host(&place).await;
        let found = found.with_context(|| format!("looking up {}", self.host))?;
        let mut last = anyhow::anyhow!("{} has no address", self.host);
        for address in found {
            last = match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => anyhow::anyhow!("{address}: {error}"),
                Err(_) => anyhow::anyhow!("{address}: no connection within {CONNECT:?}"),
            };
        }
        Err(last)
    }
}

/// Believes whom the daemon believes: the authorities of this machine (`SSL_CERT_FILE` and `SSL_CERT_DIR`
/// name others) and those of browsers.
fn tls() -> Arc<ClientConfig> {
    let mut config = trust::client(trust::roots());
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        match Address::of(text).expect("an address") {
            Address::Url(url) => url,
            Address::Name(text) | Address::Path(text) => panic!("{text} has no host"),
        }
    }

    #[test]
    fn an_address_says_whom_to_ask_for_what_and_whether_in_the_clear() {
        for (text, secure, host, port, path) in [
            (
                "http://web-1:8080/ping/x",
                false,
                "web-1",
                8080,
                "/ping/x/0?rid=7",
            ),
            ("http://web-1/p/", false, "web-1", 80, "/p/0?rid=7"),
            (
                "https://status.example.org/ping/x/",
                true,
                "status.example.org",
                443,
                "/ping/x/0?rid=7",
            ),
            (
                "https://[::1]:8443/ping/KEY/job?create=1",
                true,
                "[::1]",
                8443,
                "/ping/KEY/job/0?create=1&rid=7",
            ),
        ] {
            let url = url(text);
            assert_eq!((url.secure, url.port), (secure, port), "{text}");
            assert_eq!(url.host, host);
            assert_eq!(url.path_of("/0", "rid=7"), path);
            assert_eq!(Address::Url(url).text(), text);
        }
        let url = url("https://h/p?create=1");
        assert_eq!(url.path_of("", ""), "/p?create=1");
        assert_eq!(self::url("https://h/p").path_of("/start", ""), "/p/start");
    }

    #[test]
    fn what_follows_the_host_of_an_address_is_enough_for_the_daemon_of_the_configuration() {
        let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
        let path = format!("/ping/{uuid}");
        for text in [uuid, path.as_str(), &format!("{path}/")] {
            let address = Address::of(text).expect("an address");
            assert!(matches!(&address, Address::Path(found) if *found == path));
            assert_eq!(Address::of(&address.text()).expect("again").text(), path);
        }
        let named = Address::of("/ping/KEY/nightly").expect("an address");
        assert!(matches!(named, Address::Path(path) if path == "/ping/KEY/nightly"));
        for name in ["ping/x", "5d2f1a1e7f3d4a539d3a0c8c0f4d2a11", "/pong/x"] {
            assert!(matches!(Address::of(name), Ok(Address::Name(_))), "{name}");
        }
    }

    #[test]
    fn what_is_no_address_is_a_name_and_what_is_a_wrong_one_is_refused() {
        assert!(matches!(Address::of("backup"), Ok(Address::Name(_))));
        for text in [
            "https://",
            "http://:80/x",
            "https://a b/",
            "https://me:secret@h/p",
        ] {
            let error = Address::of(text).expect_err(text).to_string();
            assert!(!error.contains("me:secret"), "{error}");
        }
    }
}
