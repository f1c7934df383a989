//! What is said over an open websocket: one message, and those that come until one matches.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout_at;
use uuid::Uuid;

use super::Settings;
use super::frame::{self, Frame, Kind, LONGEST};
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::error::{self, Looked};
use crate::probe::finding::Finding;
use crate::probe::pattern::Pattern;
use crate::probe::trace::{Stage, Trace};

/// Most frames that are looked at; a feed that never says what is expected is told as such.
const FRAMES: usize = 1_000;
/// How much is read at once.
const PIECE: usize = 4 << 10;
/// Longest piece of a message or pattern in a message of ours.
const PIECE_CHARS: usize = 60;

/// Says and hears what the settings want, and takes leave.
pub(super) async fn talk<S>(settings: &Settings, stream: &mut S, trace: &mut Trace) -> Looked<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let at = &*settings.target.address.text;
    if !settings.send.is_empty() {
        say(stream, 1, &settings.send, at).await?;
    }
    if let Some(pattern) = &settings.expect {
        trace.enter(Stage::Transfer);
        hear(stream, pattern, at, trace).await?;
    }
    // Good manners, no part of the look: 1000, normal closure.
    drop(say(stream, 8, &1_000_u16.to_be_bytes(), at).await);
    Ok(())
}

async fn say<S: AsyncWrite + Unpin>(
    stream: &mut S,
    opcode: u8,
    payload: &[u8],
    at: &str,
) -> Looked<()> {
    let [a, b, c, d, ..] = Uuid::new_v4().into_bytes();
    let frame = frame::write(opcode, payload, [a, b, c, d]);
    let written = stream.write_all(&frame).await;
    written.map_err(|error| error::outcome(&error, at))?;
    let flushed = stream.flush().await;
    flushed.map_err(|error| error::outcome(&error, at))
}

/// Reads messages until one matches.
async fn hear<S>(stream: &mut S, pattern: &Pattern, at: &str, trace: &mut Trace) -> Looked<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let wanted = text::line(pattern.as_str(), PIECE_CHARS);
    let mut unread = BytesMut::new();
    let mut message = Vec::new();
    let mut last: Option<String> = None;
    for _ in 0..FRAMES {
        if !whole(stream, &mut unread, at, trace).await? {
            return Err(match last {
                None => trace.silence(None),
                Some(last) => unmatched(at, &wanted, &last),
            });
        }
        let frame = Frame::read(&unread).ok().flatten();
        let frame = frame.expect("it was seen to be whole");
        let (payload, length) = (frame.payload, frame.length);
        match frame.kind {
            Kind::Ping => say(stream, 10, payload, at).await?,
            Kind::Pong => {}
            Kind::Close => return Err(closed(payload, at)),
            Kind::Message | Kind::Continuation => {
                if frame.kind == Kind::Message {
                    message.clear();
                }
                if message.len() + payload.len() > LONGEST {
                    return Err(Outcome::fail(&format!(
                        "{at} sent a message of more than 64 KiB"
                    )));
                }
                message.extend_from_slice(payload);
                if frame.is_last {
                    let told = text::line(&String::from_utf8_lossy(&message), PIECE_CHARS);
                    let holds = pattern.matches(&message);
                    trace.note(|| {
                        let expected = format!("/{wanted}/");
                        let finding = Finding::new("message", expected, told.as_str(), true);
                        // Another may match yet.
                        if holds {
                            finding
                        } else {
                            Finding {
                                found: format!("{told} (another)"),
                                ..finding
                            }
                        }
                    });
                    if holds {
                        return Ok(());
                    }
                    last = Some(told);
                    message.clear();
                }
            }
        }
        unread.advance(length);
    }
    Err(match last {
        None => Outcome::fail(&format!("{at} sent {FRAMES} frames, and no message")),
        Some(last) => unmatched(at, &wanted, &last),
    })
}

fn unmatched(at: &str, wanted: &str, last: &str) -> Outcome {
    Outcome::fail(&format!(
        "{at} sent no message that matches /{wanted}/; the last was \"{last}\""
    ))
}

/// Reads until a whole frame is there; false when the time is over.
async fn whole<S: AsyncRead + Unpin>(
    stream: &mut S,
    unread: &mut BytesMut,
    at: &str,
    trace: &Trace,
) -> Looked<bool> {
    loop {
        let frame = Frame::read(unread);
        let frame = frame.map_err(|wrong| Outcome::fail(&format!("{at} sent {wrong}")))?;
        if frame.is_some() {
            return Ok(true);
        }
        unread.reserve(PIECE);
        let Ok(read) = timeout_at(trace.deadline(), stream.read_buf(unread)).await else {
            return Ok(false);
        };
        if read.map_err(|error| error::outcome(&error, at))? == 0 {
            let text = format!("{at} cut the connection without closing the websocket");
            return Err(Outcome::fail(&text));
        }
    }
}

/// What a close frame says (section 5.5.1).
fn closed(payload: &[u8], at: &str) -> Outcome {
    let why = payload.split_first_chunk().map(|(code, reason)| {
        let reason = text::line(&String::from_utf8_lossy(reason), PIECE_CHARS);
        let space = if reason.is_empty() { "" } else { " " };
        format!(" ({}{space}{reason})", u16::from_be_bytes(*code))
    });
    Outcome::fail(&format!(
        "{at} closed the websocket{}",
        why.unwrap_or_default()
    ))
}
