//! The body of an answer: bytes that are there already, or events as they come.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as Content, Frame, SizeHint};
use tokio::sync::mpsc;

use super::limits::PIECE_BYTES;
use super::pulse::{Busy, Pulse};
use super::unsent::Unsent;

/// A body.
#[derive(Debug)]
pub enum Body {
    /// All of it; empty once it was handed over.
    Whole(Bytes),
    /// What is not handed over yet of a body that is counted until it is.
    Counted(Counted),
    /// Events, until the sender is gone.
    Feed(Feed),
}

/// A large body on its way.
#[derive(Debug)]
pub struct Counted {
    rest: Bytes,
    unsent: Unsent,
}

/// The receiving end of one watcher.
#[derive(Debug)]
pub struct Feed {
    pub(super) events: mpsc::Receiver<Bytes>,
    /// Where the watcher finds the connection, to end it when nothing is taken from it any more.
    line: Line,
    /// Keeps the connection from being taken for idle.
    busy: Option<Busy>,
}

/// The connection that a feed goes to, once it is known.
pub(super) type Line = Arc<OnceLock<Arc<Pulse>>>;

impl Feed {
    /// A feed of what arrives at `events`.
    pub(super) fn new(events: mpsc::Receiver<Bytes>, line: Line) -> Self {
        Self {
            events,
            line,
            busy: None,
        }
    }

    /// It goes to the connection of this request.
    pub(super) fn connect(&mut self, busy: Busy) {
        // A feed is the answer to one request; a second connection is not possible.
        drop(self.line.set(busy.pulse()));
        self.busy = Some(busy);
    }
}

impl Body {
    /// No body.
    pub const EMPTY: Self = Self::Whole(Bytes::new());

    /// A body that is counted as long as it is not all handed over.
    pub(super) fn counted(rest: Bytes, unsent: Unsent) -> Self {
        Self::Counted(Counted { rest, unsent })
    }

    /// How long it is, where that is known.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Whole(bytes) => Some(bytes.len()),
            Self::Counted(counted) => Some(counted.rest.len()),
            Self::Feed(_) => None,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}

impl Content for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Counted(counted) if counted.rest.is_empty() => Poll::Ready(None),
            Self::Counted(Counted { rest, unsent }) => {
                unsent.moved();
                let piece = rest.split_to(rest.len().min(PIECE_BYTES));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Self::Feed(feed) => feed
                .events
                .poll_recv(cx)
                .map(|event| event.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, |len| {
            SizeHint::with_exact(u64::try_from(len).unwrap_or(u64::MAX))
        })
    }
}
