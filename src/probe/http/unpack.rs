//! Bodies that come packed (`Content-Encoding`, RFC 9110, section 8.4), unpacked within the limits of any other.
//!
//! All that is kept while unpacking is what the sink keeps and one window: 32 KiB of gzip and deflate, at most 16 MiB
//! of brotli (RFC 7932, section 9.1; its large windows are for files), 8 MiB of zstd (RFC 9659). It is done in turns,
//! in none of which much comes out; brotli may fill one window before anything does.

use std::io::{self, Write};

use ::http::HeaderMap;
use ::http::header::CONTENT_ENCODING;
use bytes::{Buf, Bytes};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::{Body, Keep, Measure, Sink};
use crate::core::text;

mod brotli;
mod zstd;

use brotli::Brotli;
use zstd::Zstd;

/// What is asked for with `compressed = true`.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// How much goes in, and how much comes out, in one turn; the others, and the deadline, have theirs between. A few bytes
/// may hold a thousand times as much in gzip, and in brotli and zstd as much as the sink takes.
const IN: usize = 4 << 10;
const OUT: u64 = 256 << 10;
/// Longest name of an encoding in a message.
const NAME_CHARS: usize = 40;

/// Takes a body as it comes over the wire.
pub(super) enum Unpack {
    Plain(Sink),
    Gzip(Box<MultiGzDecoder<Sink>>),
    /// Which of both kinds of deflate it is, the first byte tells.
    Deflate(Option<Sink>),
    Zlib(Box<ZlibDecoder<Sink>>),
    Raw(Box<DeflateDecoder<Sink>>),
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
    /// Packed in a way that we cannot unpack.
    Strange(String),
}

/// What became of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All of it was taken.
    More,
    /// The turn is over. There is more in what is left of the piece, or in what was taken of it.
    Rest,
    Enough,
    /// It cannot be unpacked, because …
    Broken(String),
}

impl Unpack {
    /// For an answer with these headers. What nobody looks into is not unpacked.
    pub(super) fn new(headers: &HeaderMap, keep: Keep) -> Self {
        let sink = Sink::new(keep);
        if !keep.text && !keep.unpack && keep.measure == Measure::Nothing {
            return Self::Plain(sink);
        }
        let mut said = headers.get_all(CONTENT_ENCODING).iter();
        let (first, second) = (said.next(), said.next());
        let first = first.map_or("", |value| value.to_str().unwrap_or("?"));
        match first.trim().to_ascii_lowercase().as_str() {
            _ if second.is_some() => Self::Strange("several encodings".to_owned()),
            "" | "identity" => Self::Plain(sink),
            "gzip" | "x-gzip" => Self::Gzip(Box::new(MultiGzDecoder::new(sink))),
            "deflate" => Self::Deflate(Some(sink)),
            "br" => Self::Brotli(Box::new(Brotli::new(sink))),
            "zstd" => Self::Zstd(Box::new(Zstd::new(sink))),
            other => Self::Strange(text::line(other, NAME_CHARS)),
        }
    }

    /// Takes of the next piece what makes one turn; all of it where there is nothing to unpack.
    pub(super) fn take(&mut self, data: &mut Bytes) -> Taken {
        if let Self::Plain(sink) = self {
            let is_enough = !sink.take(&std::mem::take(data));
            return if is_enough {
                Taken::Enough
            } else {
                Taken::More
            };
        }
        self.begin(data);
        let before = self.size();
        let mut left = IN;
        while !data.is_empty() || self.has_more() {
            if left == 0 || self.size() - before >= OUT {
                return Taken::Rest;
            }
            let piece = data.get(..left).unwrap_or(data);
            match self.step(piece) {
                Ok(read) => {
                    data.advance(read);
                    left = left.saturating_sub(read);
                }
                Err(error) => return self.broken(&error),
            }
        }
        Taken::More
    }

    /// Which of both kinds of deflate it is.
    fn begin(&mut self, data: &[u8]) {
        if let Self::Deflate(sink) = self
            && let Some(first) = data.first()
        {
            let sink = sink.take().unwrap_or_default();
            // RFC 1950, section 2.2: the method, which is always 8. Some servers leave that head out.
            *self = if first & 0x0f == 8 {
                Self::Zlib(Box::new(ZlibDecoder::new(sink)))
            } else {
                Self::Raw(Box::new(DeflateDecoder::new(sink)))
            };
        }
    }

    /// Takes a part of `data`, out of which not much comes, and says how long it is.
    fn step(&mut self, data: &[u8]) -> io::Result<usize> {
        let read = match self {
            Self::Gzip(decoder) => decoder.write(data)?,
            Self::Zlib(decoder) => decoder.write(data)?,
            Self::Raw(decoder) => decoder.write(data)?,
            Self::Brotli(decoder) => return decoder.step(data),
            Self::Zstd(decoder) => return decoder.step(data),
            Self::Plain(_) | Self::Deflate(_) | Self::Strange(_) => 0,
        };
        if read == 0 {
            // Something behind the end.
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(read)
    }

    fn has_more(&self) -> bool {
        match self {
            Self::Brotli(decoder) => decoder.has_more(),
            Self::Zstd(decoder) => decoder.has_more(),
            Self::Plain(_)
            | Self::Gzip(_)
            | Self::Deflate(_)
            | Self::Zlib(_)
            | Self::Raw(_)
            | Self::Strange(_) => false,
        }
    }

    /// How much came out so far.
    fn size(&mut self) -> u64 {
        self.sink().map_or(0, |sink| sink.size())
    }

    /// What was taken where nothing came: an answer to HEAD names the encoding of what it does not send.
    pub(super) fn nothing(mut self) -> Body {
        self.sink()
            .map(std::mem::take)
            .unwrap_or_default()
            .end(None)
    }

    /// What was taken, when there is no more, or `broken` says why it ends.
    pub(super) fn end(mut self, broken: Option<String>) -> Body {
        let ended = match &mut self {
            Self::Gzip(decoder) if broken.is_none() => decoder.try_finish(),
            Self::Zlib(decoder) if broken.is_none() => decoder.try_finish(),
            Self::Raw(decoder) if broken.is_none() => decoder.try_finish(),
            Self::Brotli(decoder) if broken.is_none() => decoder.finish(),
            Self::Zstd(decoder) if broken.is_none() => decoder.finish(),
            Self::Plain(_)
            | Self::Gzip(_)
            | Self::Deflate(_)
            | Self::Zlib(_)
            | Self::Raw(_)
            | Self::Brotli(_)
            | Self::Zstd(_)
            | Self::Strange(_) => Ok(()),
        };
        let broken = broken.or_else(|| match self.broken(&ended.err()?) {
            Taken::Broken(why) => Some(why),
            Taken::More | Taken::Rest | Taken::Enough => None,
        });
        self.sink()
            .map(std::mem::take)
            .unwrap_or_default()
            .end(broken)
    }

    fn broken(&self, error: &io::Error) -> Taken {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return Taken::Enough;
        }
        if error.kind() == io::ErrorKind::OutOfMemory {
            let why = "is packed with a window of more than 8 MiB (RFC 9659)";
            return Taken::Broken(why.to_owned());
        }
        let name = match self {
            Self::Gzip(_) => "gzip",
            Self::Brotli(_) => "brotli",
            Self::Zstd(_) => "zstd",
            Self::Strange(name) => {
                let why = format!("is packed with {name}, which is not unpacked here");
                return Taken::Broken(why);
            }
            Self::Plain(_) | Self::Deflate(_) | Self::Zlib(_) | Self::Raw(_) => "deflate",
        };
        Taken::Broken(format!("says it is {name}, and is not, or is damaged"))
    }

    fn sink(&mut self) -> Option<&mut Sink> {
        match self {
            Self::Plain(sink) => Some(sink),
            Self::Gzip(decoder) => Some(decoder.get_mut()),
            Self::Zlib(decoder) => Some(decoder.get_mut()),
            Self::Raw(decoder) => Some(decoder.get_mut()),
            Self::Brotli(decoder) => Some(decoder.get_mut()),
            Self::Zstd(decoder) => Some(decoder.get_mut()),
            Self::Deflate(sink) => sink.as_mut(),
            Self::Strange(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
