//! The two protocols of a connection: what hyper is told of them, which one a peer speaks, and how it comes to its end.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::limits::{BUFFER_BYTES, HEAD_BYTES, RESETS, STREAMS, WINDOW_BYTES};
use super::pulse::Pulse;

/// Runs the streams of HTTP/2, each on a task that the server waits for.
#[derive(Clone, Debug)]
pub(super) struct Streams(pub(super) TaskTracker);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}

/// What hyper is told, for either protocol.
pub(super) struct Protocols {
    pub(super) one: http1::Builder,
    pub(super) two: http2::Builder<Streams>,
}

impl Protocols {
    /// hyper's own timeout of heads is off, see [`super::pulse`]. At most a hundred header lines are its default,
    /// and more is answered with 431.
    pub(super) fn new(streams: Streams) -> Self {
        let mut one = http1::Builder::new();
        one.timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(HEAD_BYTES)
            .max_buf_size(BUFFER_BYTES);
        let mut two = http2::Builder::new(streams);
        two.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_pending_accept_reset_streams(RESETS)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(BUFFER_BYTES)
            .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        Self { one, two }
    }
}

/// Whether the peer begins as HTTP/2 does, seen without reading it. A peer that sends less than four bytes at
/// first, and those of HTTP/2, is looked at again a little later.
pub(super) async fn is_framed(stream: &TcpStream, pulse: &Pulse) -> std::io::Result<bool> {
    const PREFACE: &[u8; 4] = b"PRI ";
    loop {
        let mut first = [0; PREFACE.len()];
        let len = stream.peek(&mut first).await?;
        pulse.read();
        if len == 0 || !PREFACE.starts_with(first.get(..len).unwrap_or_default()) {
            return Ok(false);
        }
        if len == PREFACE.len() {
            return Ok(true);
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Polls a connection to its end, which `end` asks for. That is looked at when it begins and when the server ends:
/// each look takes two locks, and a connection is polled several times for a request.
///
/// hyper closes a connection that has asked for nothing yet as soon as it is told, though its request may be on its
/// way; it is told after the first.
pub(super) async fn gracefully<C: GracefulConnection>(
    connection: C,
    pulse: &Pulse,
    end: CancellationToken,
) -> Result<(), C::Error> {
    let (mut connection, mut cancelled) = (pin!(connection), pin!(end.cancelled()));
    let (mut is_new, mut is_over, mut is_told) = (true, false, false);
    poll_fn(|cx| {
        let ended = connection.as_mut().poll(cx);
        if ended.is_ready() || is_told {
            return ended;
        }
        if !is_over && (std::mem::take(&mut is_new) || pulse.ticks().have_ended()) {
            is_over = cancelled.as_mut().poll(cx).is_ready();
        }
        if is_over && pulse.has_asked() {
            is_told = true;
            connection.as_mut().graceful_shutdown();
            return connection.as_mut().poll(cx);
        }
        Poll::Pending
    })
    .await
}
