//! Looks at a websocket (RFC 6455): whether it opens, and answers what it should.

use std::time::Duration;

use ::http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use ::http::{HeaderMap, Method};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::env::Env;
use super::error::Looked;
use super::http::{Target, headers_with, read_headers, read_slow};
use super::level::Judgement;
use super::pattern::Pattern;
use super::peer::Peer;
use super::tls::Secure;
use super::trace::Trace;
use crate::core::outcome::Outcome;
use crate::names::Family;
use crate::settings::Section;

mod frame;
mod handshake;
mod talk;

/// Longest text to send.
const MAX_SEND: usize = 4 << 10;

/// `websocket = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    target: Target,
    secure: Option<Secure>,
    /// All headers of the request but the key.
    headers: HeaderMap,
    protocol: Option<HeaderValue>,
    send: Bytes,
    expect: Option<Pattern>,
    slow: Option<Duration>,
}

impl Settings {
    /// Reads the table of a `websocket` key. Keys:
    ///
    /// - `url`: `ws://` or `wss://`; must be there
    /// - `headers`: a table; `Host` and `Origin` may be among them
    /// - `protocol`: a subprotocol that the server must agree to
    /// - `send`: a text message that is sent
    /// - `expect`: a regular expression that a message must match
    /// - `tls`, `certificate_days`, `chain_days`, `certificate_fail_days`: as for tcp, with `wss://`
    /// - `slow`: warns when it took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let target = read_target(&mut section);
        let is_secure = target.as_ref().is_some_and(|(_, is_secure)| *is_secure);
        let target = target.map(|(target, _)| target);
        let own = read_headers(&mut section);
        let with = |target: &Target| headers_with(target, &own);
        let mut headers = target.as_ref().map(with).unwrap_or_default();
        let protocol = read_protocol(&mut section);
        let secure = Secure::read(&mut section, is_secure);
        if target.is_some() && secure.is_some() != is_secure {
            let hint = "write wss:// with TLS, and ws:// without";
            section.refuse("tls", "\"tls\" and \"url\" contradict each other", hint);
        }
        let send = section.string("send").unwrap_or_default();
        if send.len() > MAX_SEND {
            section.refuse("send", "\"send\" is too long", "at most 4 KiB");
        }
        let expect = Pattern::read(&mut section, "expect");
        let slow = read_slow(&mut section);
        let family = Family::read(&mut section);
        section.finish();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.remove(SEC_WEBSOCKET_KEY);
        match &protocol {
            Some(protocol) => headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone()),
            None => headers.remove(SEC_WEBSOCKET_PROTOCOL),
        };
        let mut target = target?;
        target.address.family = family;
        Some(Self {
            target,
            secure,
            headers,
            protocol,
            send: send.into(),
            expect,
            slow,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.target.address)
    }

    /// The address, for people.
    pub fn target(&self) -> String {
        self.target.text.replacen("http", "ws", 1)
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let address = &self.target.address;
        let at = &*address.text;
        let mut judgement = Judgement::default();
        let stream = address.connect(env, trace).await?;
        match &self.secure {
            None => self.talk(stream, trace).await?,
            Some(secure) => {
                let host = (&address.host, at);
                let protocols: [&[u8]; 1] = [b"http/1.1"];
                let (stream, ends) = secure.shake(host, stream, &protocols, env, trace).await?;
                self.talk(stream, trace).await?;
                if let Some(ends) = ends {
                    secure.judge(&ends, env.clock.now(), &mut judgement, trace);
                }
            }
        }
        let took = trace.took();
        judgement.slow(trace, self.slow, took);
        let what = match self.expect {
            Some(_) => "answered as expected",
            None => "opened",
        };
        Ok(judgement.timed(took, what))
    }

    async fn talk<S>(&self, stream: S, trace: &mut Trace) -> Looked<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut socket = handshake::open(self, stream, trace).await?;
        talk::talk(self, &mut socket, trace).await
    }
}

/// The target, and whether it is with TLS. To HTTP, a websocket is a page by another scheme.
fn read_target(section: &mut Section<'_>) -> Option<(Target, bool)> {
    let url = section.required("url")?;
    let plain = url
        .strip_prefix("ws://")
        .map(|rest| format!("http://{rest}"));
    let secure = url
        .strip_prefix("wss://")
        .map(|rest| format!("https://{rest}"));
    let is_secure = secure.is_some();
    let target = plain.or(secure).and_then(|url| Target::parse(&url).ok());
    if target.is_none() {
        let hint = "write ws://… or wss://…, with other characters than ASCII percent-encoded";
        section.refuse("url", "\"url\" is not a websocket that can be opened", hint);
    }
    Some((target?, is_secure))
}

fn read_protocol(section: &mut Section<'_>) -> Option<HeaderValue> {
    let text = section.string("protocol")?;
    // A token (RFC 9110, section 5.6.2), as a method is.
    let token = Method::from_bytes(text.as_bytes()).ok();
    let value = token.and_then(|_| HeaderValue::try_from(text).ok());
    if value.is_none() {
        section.refuse(
            "protocol",
            "\"protocol\" is not one word",
            "write protocol = \"chat.v1\"",
        );
    }
    value
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn a_websocket_is_told_by_its_address_without_secrets() {
        let (probe, problems) = read("websocket = { url = \"wss://a.example/feed?key=1\" }");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(probe.unwrap().target(), "wss://a.example/feed");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (keys, part) in [
            ("url = \"http://a/\"", "write ws://… or wss://…"),
            ("url = \"ws://a/\", tls = true", "contradict each other"),
            ("url = \"wss://a/\", tls = false", "contradict each other"),
            (
                "url = \"ws://a/\", protocol = \"a b\"",
                "\"protocol\" is not one word",
            ),
            (
                "url = \"ws://a/\", headers = { Upgrade = \"x\" }",
                "is set by Belfry itself",
            ),
            (
                "url = \"ws://a/\", expect = \"(\"",
                "is not a regular expression",
            ),
        ] {
            let (_, problems) = read(&format!("websocket = {{ {keys} }}"));
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
    }
}
