//! One request and its answer on one connection, within fixed limits.

use std::future::poll_fn;
use std::io;

use ::http::header::LOCATION;
use ::http::{Request, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::core::outcome::Outcome;
use crate::probe::carrier::alongside;
use crate::probe::error::{self, Looked};
use crate::probe::trace::{Stage, Trace};

/// How much of a body is read: a page larger than this is judged by its beginning.
const BODY: usize = 1 << 20;
/// Largest head of an answer, and most headers in it: more than browsers take.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 100;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    /// The body as far as it was read and asked for.
    pub(super) body: Bytes,
    /// Whether the body is longer than what was read.
    pub(super) cut: bool,
}

/// What to do with the body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Read it, to see that it comes to its end.
    Nothing,
    /// Read and keep it, for a pattern.
    Body,
}

/// Asks, and reads the answer. A redirect that will be followed (`is_way`) is not read beyond its head.
pub(super) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    keep: Keep,
    is_way: impl Fn(StatusCode) -> bool,
    (trace, at): (&mut Trace, &str),
) -> Looked<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    trace.enter(Stage::FirstByte);
    let (mut sender, mut connection) = http1::Builder::new()
        .max_header_size(HEAD)
        .max_headers(HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| explain(&error, at))?;
    // Dropping the connection closes it; a shutdown before that is one more call to the system.
    let carrier = poll_fn(move |cx| connection.poll_without_shutdown(cx));
    let (answer, _) = alongside(&mut Some(carrier), async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| explain(&error, at))?;
        trace.enter(Stage::Transfer);
        let (head, body) = response.into_parts();
        let location = head.headers.get(LOCATION);
        let location = location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
        let (body, cut) = if is_way(head.status) {
            (Bytes::new(), false)
        } else {
            let read = read(body, keep).await;
            read.map_err(|error| broke_off(&error, at))?
        };
        Ok(Answer {
            status: head.status,
            location,
            body,
            cut,
        })
    })
    .await;
    answer
}

async fn read(mut body: Incoming, keep: Keep) -> hyper::Result<(Bytes, bool)> {
    let mut kept = BytesMut::new();
    let mut left = BODY;
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame?.into_data() else {
            continue;
        };
        let cut = data.len() > left;
        data.truncate(left);
        left -= data.len();
        if keep == Keep::Body {
            kept.extend_from_slice(&data);
        }
        if cut {
            return Ok((kept.freeze(), true));
        }
    }
    Ok((kept.freeze(), false))
}

fn error_of(error: &hyper::Error) -> Option<&io::Error> {
    use std::error::Error;
    error.source().and_then(|source| source.downcast_ref())
}

/// What a body without its end says.
fn broke_off(error: &hyper::Error, at: &str) -> Outcome {
    match error_of(error) {
        Some(error) if error::is_ours(error) => error::outcome(error, at),
        Some(_) | None => Outcome::fail(&format!("{at} broke off in the middle of the body")),
    }
}

/// What an exchange that came to no answer says.
pub(in crate::probe) fn explain(error: &hyper::Error, at: &str) -> Outcome {
    if let Some(error) = error_of(error) {
        return error::outcome(error, at);
    }
    let message = if error.is_parse_too_large() {
        format!(
            "{at} answers with a head of more than {} KiB or {HEADERS} headers",
            HEAD >> 10
        )
    } else if error.is_parse() {
        format!("{at} does not speak HTTP/1.1 ({error})")
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        format!("{at} closed the connection without an answer")
    } else {
        format!("asking {at}: {error}")
    };
    Outcome::fail(&message)
}
