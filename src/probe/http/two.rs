//! One request and its answer over HTTP/2 (RFC 9113), within the limits of any other.

use ::http::header::{CONNECTION, HOST, HeaderName};
use ::http::{Request, StatusCode, Uri, Version};
use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http_body_util::{BodyExt, Collected, Full};
use tokio::io::{AsyncRead, AsyncWrite};

use super::body::Keep;
use super::exchange::{Answer, HEAD, Source, take};
use crate::core::outcome::Outcome;
use crate::probe::carrier::alongside;
use crate::probe::error::{self, Looked};
use crate::probe::trace::{Stage, Trace};

/// Headers of a connection, which are none of HTTP/2's (RFC 9113, section 8.2.2).
const OF_CONNECTIONS: [HeaderName; 3] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Asks over `stream`, and reads the answer. In the clear the server must know beforehand (section 3.3).
pub(super) async fn exchange<S>(
    stream: S,
    (scheme, request): (&str, Request<Full<Bytes>>),
    keep: Keep,
    is_way: impl Fn(StatusCode) -> bool,
    (trace, at): (&mut Trace, &str),
) -> Looked<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    trace.enter(Stage::FirstByte);
    let shaken = Builder::new()
        .max_header_list_size(HEAD)
        .enable_push(false)
        .handshake(stream)
        .await;
    let (sender, connection) = shaken.map_err(|error| explain(&error, at))?;
    let mut carrier = Some(Box::pin(connection));
    let asking = ask(sender, (scheme, request), keep, is_way, (trace, at));
    let (answer, _) = alongside(&mut carrier, asking).await;
    answer
}

async fn ask(
    sender: SendRequest<Bytes>,
    (scheme, request): (&str, Request<Full<Bytes>>),
    keep: Keep,
    is_way: impl Fn(StatusCode) -> bool,
    (trace, at): (&mut Trace, &str),
) -> Looked<Answer> {
    let wrong = |error: h2::Error| explain(&error, at);
    let mut sender = sender.ready().await.map_err(wrong)?;
    let (mut head, send) = request.into_parts();
    // It is whole, and comes at once.
    let send = send.collect().await.map(Collected::to_bytes);
    let send = send.unwrap_or_default();
    let host = head.headers.remove(HOST);
    let host = host.as_ref().and_then(|host| host.to_str().ok());
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(host.unwrap_or(at))
        .path_and_query(head.uri.path_and_query().map_or("/", |path| path.as_str()))
        .build();
    head.uri = uri.map_err(|error| Outcome::unknown(&format!("{at} cannot be asked: {error}")))?;
    head.version = Version::HTTP_2;
    for name in OF_CONNECTIONS {
        head.headers.remove(name);
    }
    let ends = send.is_empty();
    let sent = sender.send_request(Request::from_parts(head, ()), ends);
    let (response, mut body) = sent.map_err(wrong)?;
    if !ends {
        body.send_data(send, true).map_err(wrong)?;
    }
    let (head, body) = response.await.map_err(wrong)?.into_parts();
    trace.enter(Stage::Transfer);
    take(head, Http2 { body, at }, keep, is_way).await
}

/// A body over HTTP/2.
struct Http2<'a> {
    body: RecvStream,
    at: &'a str,
}

impl Source for Http2<'_> {
    async fn piece(&mut self) -> Option<Looked<Bytes>> {
        let piece = self.body.data().await?.and_then(|data| {
            // It was received, so there was room for it.
            self.body.flow_control().release_capacity(data.len())?;
            Ok(data)
        });
        Some(piece.map_err(|error| match error.get_io() {
            Some(io) if error::is_ours(io) => error::outcome(io, self.at),
            Some(_) | None => {
                Outcome::fail(&format!("{} broke off in the middle of the body", self.at))
            }
        }))
    }
}

/// What an exchange that came to no answer says.
fn explain(error: &h2::Error, at: &str) -> Outcome {
    if let Some(error) = error.get_io() {
        return error::outcome(error, at);
    }
    let is_ours = error.is_library();
    let text = match error.reason() {
        // The library says no more of what it refuses: of an answer that would be one, its head.
        Some(_) if is_ours && error.is_reset() => format!(
            "{at} answers with a head of more than {} KiB, or one that HTTP/2 does not allow",
            HEAD >> 10
        ),
        Some(Reason::ENHANCE_YOUR_CALM | Reason::COMPRESSION_ERROR) if is_ours => format!(
            "{at} answers with a head of more than {} KiB, or with too many frames",
            HEAD >> 10
        ),
        Some(Reason::PROTOCOL_ERROR | Reason::FRAME_SIZE_ERROR | Reason::HTTP_1_1_REQUIRED) => {
            format!("{at} does not speak HTTP/2 ({error})")
        }
        Some(_) | None => format!("asking {at}: {error}"),
    };
    Outcome::fail(&text)
}
