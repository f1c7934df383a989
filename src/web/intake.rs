//! Reading the body of a request, under a limit and a deadline.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

/// What came of reading a body.
#[derive(Debug)]
pub(super) enum Intake {
    Whole(Bytes),
    /// The first part of a body that was read to its end.
    Cut(Bytes),
    TooLarge,
    TooSlow,
    /// The peer went away, or what it sent is not a body.
    Broken,
}

/// Reads `body` to its end, keeps the first `kept` bytes, gives up beyond `limit` bytes or after `within`.
pub(super) async fn take(body: Incoming, kept: usize, limit: usize, within: Duration) -> Intake {
    if body.is_end_stream() {
        return Intake::Whole(Bytes::new());
    }
    // Says how long it is: nobody has to wait for the rest of what is too long anyway.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Intake::TooLarge;
    }
    timeout(within, collect(body, kept, limit))
        .await
        .unwrap_or(Intake::TooSlow)
}

async fn collect(mut body: Incoming, kept: usize, limit: usize) -> Intake {
    let mut start = BytesMut::new();
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Intake::Broken;
        };
        let Ok(data) = frame.into_data() else {
            continue; // Trailers.
        };
        total = total.saturating_add(data.len());
        if total > limit {
            return Intake::TooLarge;
        }
        let room = kept.saturating_sub(start.len()).min(data.len());
        start.extend_from_slice(data.get(..room).unwrap_or_default());
    }
    if total > start.len() {
        Intake::Cut(start.freeze())
    } else {
        Intake::Whole(start.freeze())
    }
}
