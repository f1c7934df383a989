//! One call over HTTP/2, within fixed limits.

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use percent_encoding::percent_decode;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Settings;
use super::message;
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::carrier::alongside;
use crate::probe::error::{self, Looked};
use crate::probe::trace::{Stage, Trace};

/// Largest head, and largest body, that is taken: the answer has a few bytes.
const HEAD: u32 = 16 << 10;
const BODY: usize = 4 << 10;
/// Longest text of a server in a message.
const PIECE_CHARS: usize = 80;

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status of gRPC; none where it did not say.
    pub(super) status: Option<u16>,
    /// What it said beside the status.
    pub(super) message: String,
    pub(super) body: Vec<u8>,
}

/// Asks for the health of the service over `stream`.
pub(super) async fn call<S>(
    settings: &Settings,
    stream: S,
    scheme: &str,
    trace: &mut Trace,
) -> Looked<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let at = &*settings.address.text;
    trace.enter(Stage::FirstByte);
    let shaken = Builder::new()
        .max_header_list_size(HEAD)
        .enable_push(false)
        .handshake(stream)
        .await;
    let (sender, connection) = shaken.map_err(|error| explain(&error, at))?;
    let mut carrier = Some(Box::pin(connection));
    let asking = ask(settings, sender, scheme, trace);
    let (answer, _) = alongside(&mut carrier, asking).await;
    answer
}

async fn ask(
    settings: &Settings,
    sender: SendRequest<Bytes>,
    scheme: &str,
    trace: &mut Trace,
) -> Looked<Answer> {
    let at = &*settings.address.text;
    let wrong = |error: h2::Error| explain(&error, at);
    let mut sender = sender.ready().await.map_err(wrong)?;
    let request = request(scheme, at)?;
    let (response, mut body) = sender.send_request(request, false).map_err(wrong)?;
    let message = Bytes::from(message::request(&settings.service));
    body.send_data(message, true).map_err(wrong)?;
    let (head, mut body) = response.await.map_err(wrong)?.into_parts();
    if head.status != StatusCode::OK {
        return Err(Outcome::fail(&format!(
            "{at} answers {} where a gRPC server would answer 200",
            head.status
        )));
    }
    let kind = head.headers.get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
        return Err(Outcome::fail(&format!("{at} speaks HTTP/2, but not gRPC")));
    }
    let mut answer = Answer::default();
    answer.take(&head.headers);
    trace.enter(Stage::Transfer);
    answer.body = read(&mut body, at).await?;
    if let Some(trailers) = body.trailers().await.map_err(wrong)? {
        answer.take(&trailers);
    }
    Ok(answer)
}

fn request(scheme: &str, at: &str) -> Looked<Request<()>> {
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(at)
        .path_and_query("/grpc.health.v1.Health/Check")
        .build();
    let uri = uri.map_err(|error| Outcome::unknown(&format!("{at} cannot be asked: {error}")))?;
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let agent = concat!("belfry/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    Ok(request)
}

async fn read(body: &mut RecvStream, at: &str) -> Looked<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| explain(&error, at))?;
        if all.len() + data.len() > BODY {
            let text = format!("{at} answers with more than {} KiB", BODY >> 10);
            return Err(Outcome::fail(&text));
        }
        all.extend_from_slice(&data);
        // It was received, so there was room for it.
        let released = body.flow_control().release_capacity(data.len());
        released.map_err(|error| explain(&error, at))?;
    }
    Ok(all)
}

impl Answer {
    /// Takes in what a head or trailers say. A server that has nothing to send says it in the head.
    fn take(&mut self, headers: &HeaderMap) {
        let Some(status) = headers.get("grpc-status") else {
            return;
        };
        self.status = status.to_str().ok().and_then(|status| status.parse().ok());
        let message = headers.get("grpc-message").map(HeaderValue::as_bytes);
        let message = percent_decode(message.unwrap_or_default()).decode_utf8_lossy();
        self.message = text::line(&message, PIECE_CHARS);
    }
}

/// What a call that came to no answer says.
fn explain(error: &h2::Error, at: &str) -> Outcome {
    if let Some(error) = error.get_io() {
        return error::outcome(error, at);
    }
    let text = match error.reason() {
        Some(Reason::PROTOCOL_ERROR | Reason::FRAME_SIZE_ERROR | Reason::HTTP_1_1_REQUIRED) => {
            format!("{at} does not speak HTTP/2 ({error})")
        }
        Some(_) | None => format!("calling {at}: {error}"),
    };
    Outcome::fail(&text)
}
