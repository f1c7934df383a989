//! The body of an answer: bytes that are there already, or events as they come.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as Content, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::pulse::Busy;

/// A body.
#[derive(Debug)]
pub enum Body {
    /// All of it; empty once it was handed over.
    Whole(Bytes),
    /// Events, until the sender is gone.
    Feed(Feed),
}

/// The receiving end of one watcher.
#[derive(Debug)]
pub struct Feed {
    pub(super) events: mpsc::Receiver<Bytes>,
    /// The watcher's seat, free again when this is dropped.
    _seat: OwnedSemaphorePermit,
    /// Keeps the connection from being taken for idle.
    pub(super) busy: Option<Busy>,
}

impl Feed {
    /// A feed of what arrives at `events`.
    pub fn new(events: mpsc::Receiver<Bytes>, seat: OwnedSemaphorePermit) -> Self {
        Self {
            events,
            _seat: seat,
            busy: None,
        }
    }
}

impl Body {
    /// No body.
    pub const EMPTY: Self = Self::Whole(Bytes::new());

    /// How long it is, where that is known.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Whole(bytes) => Some(bytes.len()),
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
            Self::Feed(feed) => feed
                .events
                .poll_recv(cx)
                .map(|event| event.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Feed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Feed(_) => SizeHint::default(),
        }
    }
}
