//! Somebody leaves the page open, and it updates itself: a stream of server-sent events, held for a while.

use std::sync::Arc;
use std::time::Duration;

use goose::goose::{
    GooseMethod, GooseRequest, GooseUser, Transaction, TransactionFunction, TransactionResult,
};
use tokio::time::{Instant, timeout_at};

use super::{Tally, step};
use crate::plan::Share;
use crate::target::Target;

pub(super) const REQUESTS: [&str; 1] = ["GET live stream"];

pub(super) fn steps(target: &Target, share: &Share, tally: &Tally) -> Vec<Transaction> {
    let url: Arc<str> = format!("{}/events", target.status).into();
    let hold = share.hold.map(|hold| hold.0).unwrap_or_default();
    let tally = tally.clone();
    let act: TransactionFunction = Arc::new(move |user| {
        let (url, tally) = (Arc::clone(&url), tally.clone());
        Box::pin(async move { watch(user, &url, hold, &tally).await })
    });
    vec![step("live stream", act)]
}

/// Opens a stream and counts its events until the time is over. One that ends by itself has failed.
async fn watch(
    user: &mut GooseUser,
    url: &str,
    hold: Duration,
    tally: &Tally,
) -> TransactionResult {
    let request = user
        .get_request_builder(&GooseMethod::Get, url)?
        .header("accept", "text/event-stream");
    let request = GooseRequest::builder()
        .name("live stream")
        .set_request_builder(request)
        .build();
    let mut opened = user.request(request).await?;
    let mut response = match opened.response {
        Ok(response) if opened.request.success => response,
        // Goose has counted it as failed already.
        Ok(_) => return Ok(()),
        Err(error) => return Err(Box::new(error.into())),
    };
    tally.streams.add(1);
    let end = Instant::now() + hold;
    let mut events = Events::default();
    while let Ok(chunk) = timeout_at(end, response.chunk()).await {
        let Ok(Some(bytes)) = chunk else {
            let why = "the stream ended by itself";
            return user.set_failure(why, &mut opened.request, None, None);
        };
        tally.events.add(events.count(&bytes));
    }
    Ok(())
}

/// Counts the events of a stream that arrives in pieces: an empty line after a line of `data` ends one.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    data: bool,
}

/// What of a line is kept: enough to see how it begins.
const BEGINNING: usize = 8;

impl Events {
    /// How many ended within this piece.
    fn count(&mut self, piece: &[u8]) -> usize {
        let mut ended = 0;
        for byte in piece.iter().copied().filter(|byte| *byte != b'\r') {
            if byte != b'\n' {
                if self.line.len() < BEGINNING {
                    self.line.push(byte);
                }
                continue;
            }
            if self.line.is_empty() {
                ended += usize::from(std::mem::take(&mut self.data));
            }
            self.data |= self.line.starts_with(b"data:");
            self.line.clear();
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_the_stream_is_cut() {
        let stream =
            b": hello\n\nevent: check\ndata: a\ndata: b\n\nid: 7\n\ndata: c\r\n\r\ndata: open";
        for size in 1..stream.len() {
            let mut events = Events::default();
            let counted: usize = stream.chunks(size).map(|piece| events.count(piece)).sum();
            assert_eq!(counted, 2, "in pieces of {size}");
        }
    }
}
