//! The opening handshake (RFC 6455, section 4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::upgrade::{Upgraded, on};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::Settings;
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::carrier::alongside;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::http::explain;
use crate::probe::trace::{Stage, Trace};

/// Largest head of an answer, and most headers in it: more than browsers take.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 100;
/// What a server adds to the key before it makes the proof of it.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Longest piece of an answer in a message.
const PIECE_CHARS: usize = 60;

/// Opens the websocket over `stream`.
pub(super) async fn open<S>(
    settings: &Settings,
    stream: S,
    trace: &mut Trace,
) -> Looked<TokioIo<Upgraded>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let at = &*settings.target.address.text;
    let key = STANDARD.encode(Uuid::new_v4().as_bytes());
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = settings.target.uri.clone();
    *request.headers_mut() = settings.headers.clone();
    let value = HeaderValue::try_from(&key).expect("base64 has no other characters than a header");
    request.headers_mut().insert(SEC_WEBSOCKET_KEY, value);

    trace.enter(Stage::FirstByte);
    let (mut sender, connection) = http1::Builder::new()
        .max_header_size(HEAD)
        .max_headers(HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| explain(&error, at))?;
    let mut carrier = Some(connection.with_upgrades());
    let exchange = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| explain(&error, at))?;
        let proof = proof(&key);
        let wrong = wrong(response.status(), response.headers(), &proof, settings);
        trace.note(|| {
            let found = wrong.clone().unwrap_or_else(|| "so it is".to_owned());
            let expected = "101 with Sec-WebSocket-Accept of our key";
            Finding::new("handshake", expected, found, wrong.is_none())
        });
        if let Some(wrong) = wrong {
            return Err(Outcome::fail(&format!("{at} {wrong}")));
        }
        on(response).await.map_err(|error| explain(&error, at))
    };
    let (upgraded, _) = alongside(&mut carrier, exchange).await;
    Ok(TokioIo::new(upgraded?))
}

/// What a server that has read our key says of it.
fn proof(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// What is wrong with the answer to the handshake (section 4.1, the list at its end).
fn wrong(
    status: StatusCode,
    headers: &HeaderMap,
    proof: &str,
    settings: &Settings,
) -> Option<String> {
    let has = |name, word: &str| {
        let values = headers.get_all(name).iter();
        let mut words = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        words.any(|value| value.trim().eq_ignore_ascii_case(word))
    };
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Some(format!("does not open a websocket there: {status}"));
    }
    if !has(UPGRADE, "websocket") || !has(CONNECTION, "upgrade") {
        return Some("switches to something else than a websocket".to_owned());
    }
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept.as_bytes().trim_ascii() != proof.as_bytes()) {
        return Some("did not understand the handshake (Sec-WebSocket-Accept is wrong)".to_owned());
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Some("uses an extension that it was not offered".to_owned());
    }
    let chosen = headers.get(SEC_WEBSOCKET_PROTOCOL);
    if chosen != settings.protocol.as_ref() {
        let said = chosen.map_or("no subprotocol".into(), |chosen| {
            String::from_utf8_lossy(chosen.as_bytes())
        });
        return Some(format!("agrees to {}", text::line(&said, PIECE_CHARS)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Probe;
    use crate::probe::tests::read;

    #[test]
    fn the_proof_is_that_of_the_standard() {
        // RFC 6455, section 1.3.
        assert_eq!(
            proof("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn every_rule_of_the_handshake_is_kept() {
        let (probe, problems) = read("websocket = { url = \"ws://a/\", protocol = \"v1\" }");
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Probe::Websocket(settings)) = probe else {
            panic!("a websocket probe was read");
        };
        let good = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-accept", "abc="),
            ("sec-websocket-protocol", "v1"),
        ];
        let judged = |status: u16, change: (&'static str, &'static str)| {
            let mut headers = HeaderMap::new();
            for (name, value) in good {
                headers.insert(name, HeaderValue::from_static(value));
            }
            headers.insert(change.0, HeaderValue::from_static(change.1));
            let status = StatusCode::from_u16(status).unwrap();
            wrong(status, &headers, "abc=", &settings)
        };
        assert_eq!(judged(101, ("x", "y")), None);
        for (status, change, said) in [
            (
                404,
                ("x", "y"),
                "does not open a websocket there: 404 Not Found",
            ),
            (
                101,
                ("upgrade", "h2c"),
                "switches to something else than a websocket",
            ),
            (
                101,
                ("connection", "close"),
                "switches to something else than a websocket",
            ),
            (
                101,
                ("sec-websocket-accept", "abd="),
                "did not understand the handshake (Sec-WebSocket-Accept is wrong)",
            ),
            (
                101,
                ("sec-websocket-extensions", "x"),
                "uses an extension that it was not offered",
            ),
            (101, ("sec-websocket-protocol", "v2"), "agrees to v2"),
        ] {
            assert_eq!(judged(status, change).as_deref(), Some(said));
        }
    }
}
