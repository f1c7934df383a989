//! Zstd (RFC 8878) piece by piece, one block at a time, so that never more than a window and a block are kept.

use std::io::{self, ErrorKind, Read, Write};

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::super::body::Sink;

/// The largest window that a sender may use (RFC 9659).
const WINDOW: u64 = 8 << 20;
/// The largest block (RFC 8878, section 3.1.1.2.4).
const BLOCK: usize = 128 << 10;
/// The length of a block's head, and of the checksum behind the last.
const BLOCK_HEAD: usize = 3;
const CHECKSUM: usize = 4;

/// How much is handed on at a time.
const HANDED: usize = 16 << 10;

/// Unpacks into a sink. Reports a window that is too large as [`ErrorKind::OutOfMemory`].
pub(in crate::probe::http) struct Zstd {
    sink: Sink,
    decoder: FrameDecoder,
    at: At,
    /// What is not a whole head or block yet: at most [`BLOCK`] and a little.
    unread: Vec<u8>,
    out: Vec<u8>,
    /// Whether more comes out, or goes on, without more going in.
    has_more: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Frame,
    Block {
        has_checksum: bool,
    },
    /// So many bytes of a frame that is to be skipped.
    Skipped(usize),
}

impl Zstd {
    pub(super) fn new(sink: Sink) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self {
            sink,
            decoder,
            at: At::Frame,
            unread: Vec::new(),
            out: vec![0; HANDED],
            has_more: false,
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut Sink {
        &mut self.sink
    }

    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Hands on at most [`HANDED`] bytes, or else reads one thing. Says how much of `data` was taken: nothing, while
    /// there is something to be done with what was taken before.
    pub(super) fn step(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.decoder.can_collect() > 0 {
            let handed = self.decoder.read(&mut self.out)?;
            self.sink
                .write_all(self.out.get(..handed).unwrap_or_default())?;
            return Ok(0);
        }
        let taken = if self.has_more { 0 } else { data.len() };
        self.unread
            .extend_from_slice(data.get(..taken).unwrap_or_default());
        let read = self.read()?;
        self.unread.drain(..read.unwrap_or_default());
        self.has_more = read.is_some();
        Ok(taken)
    }

    /// There must be nothing more to come.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.sink.is_full() {
            Err(ErrorKind::FileTooLarge.into())
        } else if self.at == At::Frame && self.unread.is_empty() {
            self.sink.flush()
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }

    /// Reads one thing of what is unread: says how long it is; none where it is not whole.
    fn read(&mut self) -> io::Result<Option<usize>> {
        let unread = self.unread.as_slice();
        match self.at {
            At::Skipped(left) => {
                let step = left.min(unread.len());
                self.at = match left - step {
                    0 => At::Frame,
                    left => At::Skipped(left),
                };
                Ok((step > 0).then_some(step))
            }
            At::Frame => {
                let Some(length) = head_length(unread) else {
                    return Ok(None);
                };
                let Some(mut head) = unread.get(..length) else {
                    return Ok(None);
                };
                if let Some(skipped) = skipped(head) {
                    self.at = At::Skipped(skipped);
                    if skipped == 0 {
                        self.at = At::Frame;
                    }
                    return Ok(Some(length));
                }
                let has_checksum = head.get(4).is_some_and(|descriptor| descriptor & 4 != 0);
                self.decoder
                    .init(&mut head)
                    .map_err(|error| wrong(&error))?;
                self.at = At::Block { has_checksum };
                Ok(Some(length))
            }
            At::Block { has_checksum } => {
                let Some((length, is_last)) = block(unread)? else {
                    return Ok(None);
                };
                let length = length + if is_last && has_checksum { CHECKSUM } else { 0 };
                let Some(block) = unread.get(..length) else {
                    return Ok(None);
                };
                self.decoder
                    .decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| wrong(&error))?;
                if is_last {
                    self.at = At::Frame;
                }
                Ok(Some(length))
            }
        }
    }
}

/// The length of the head of a frame that begins so (section 3.1.1.1), or of one that is to be skipped.
fn head_length(frame: &[u8]) -> Option<usize> {
    let descriptor = *frame.get(4)?;
    if is_skipped(frame) {
        return Some(8);
    }
    let is_single = descriptor & 0x20 != 0;
    let window = usize::from(!is_single);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = match descriptor >> 6 {
        0 => usize::from(is_single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    Some(5 + window + dictionary + size)
}

/// A magic number of `0x184D2A50` to `0x184D2A5F` (section 3.1.2).
fn is_skipped(frame: &[u8]) -> bool {
    matches!(frame, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

fn skipped(head: &[u8]) -> Option<usize> {
    let size = is_skipped(head).then(|| head.last_chunk::<4>())??;
    usize::try_from(u32::from_le_bytes(*size)).ok()
}

/// The whole length of the block that begins so, and whether it is the last (section 3.1.1.2).
fn block(unread: &[u8]) -> io::Result<Option<(usize, bool)>> {
    let Some([a, b, c]) = unread.first_chunk::<BLOCK_HEAD>() else {
        return Ok(None);
    };
    let head = u32::from_le_bytes([*a, *b, *c, 0]);
    let size = usize::try_from(head >> 3).unwrap_or(usize::MAX);
    if size > BLOCK {
        return Err(ErrorKind::InvalidData.into());
    }
    // Repeated, one byte stands for all.
    let content = if head >> 1 & 3 == 1 { 1 } else { size };
    Ok(Some((BLOCK_HEAD + content, head & 1 == 1)))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum that is not exhaustive; all else is no zstd"
)]
fn wrong(error: &FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } => ErrorKind::OutOfMemory.into(),
        _ => ErrorKind::InvalidData.into(),
    }
}
