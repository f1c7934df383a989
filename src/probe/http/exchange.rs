//! One request and its answer on one connection, within fixed limits.

use std::future::{Future, poll_fn};
use std::io;

use ::http::header::LOCATION;
use ::http::response::Parts;
use ::http::{HeaderMap, Request, StatusCode, Version};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::body::{Body, Keep};
use super::unpack::{Taken, Unpack};
use crate::core::outcome::Outcome;
use crate::probe::carrier::alongside;
use crate::probe::error::{self, Looked};
use crate::probe::trace::{Stage, Trace};

/// Largest head of an answer, and most headers in it: more than browsers take.
pub(super) const HEAD: u32 = 64 << 10;
const HEADERS: usize = 100;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) body: Body,
    /// The rest of the head, where that was asked for.
    pub(super) head: Option<Box<Head>>,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
}

/// Where the pieces of a body come from.
pub(super) trait Source {
    /// The next piece; none at the end.
    fn piece(&mut self) -> impl Future<Output = Option<Looked<Bytes>>> + Send;
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
        .max_header_size(HEAD as usize)
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
        take(head, Http1 { body, at }, keep, is_way).await
    })
    .await;
    answer
}

/// Makes an answer of a head and what follows it.
pub(super) async fn take(
    head: Parts,
    body: impl Source,
    keep: Keep,
    is_way: impl Fn(StatusCode) -> bool,
) -> Looked<Answer> {
    let location = head.headers.get(LOCATION);
    let location = location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
    let body = if is_way(head.status) {
        Body::default()
    } else {
        read(body, Unpack::new(&head.headers, keep)).await?
    };
    Ok(Answer {
        status: head.status,
        location,
        body,
        head: keep.head.then(|| {
            Box::new(Head {
                version: head.version,
                headers: head.headers,
            })
        }),
    })
}

async fn read(mut body: impl Source, mut unpack: Unpack) -> Looked<Body> {
    let mut is_empty = true;
    while let Some(data) = body.piece().await {
        let mut data = data?;
        is_empty &= data.is_empty();
        loop {
            match unpack.take(&mut data) {
                Taken::More => break,
                Taken::Rest => {}
                Taken::Enough => return Ok(unpack.end(None)),
                Taken::Broken(why) => return Ok(unpack.end(Some(why))),
            }
            // A little packed may be much to do; others, and the deadline, have their turn between.
            tokio::task::yield_now().await;
        }
    }
    Ok(if is_empty {
        unpack.nothing()
    } else {
        unpack.end(None)
    })
}

/// A body over HTTP/1.1.
struct Http1<'a> {
    body: Incoming,
    at: &'a str,
}

impl Source for Http1<'_> {
    async fn piece(&mut self) -> Option<Looked<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => return Some(Ok(data)),
                // Trailers.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(broke_off(&error, self.at))),
            }
        }
        None
    }
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
