//! Bodies that come packed (`Content-Encoding`, RFC 9110, section 8.4), unpacked within the limits of any other.
//!
//! All that is kept while unpacking is what the sink keeps and one window: 32 KiB of gzip and deflate, at most 16 MiB
//! of brotli (RFC 7932, section 9.1; its large windows are for files), 8 MiB of zstd (RFC 9659).

use std::io::{self, Write};

use ::http::HeaderMap;
use ::http::header::CONTENT_ENCODING;
use brotli_decompressor::{BrotliDecoderParameter, DecompressorWriter};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::{Body, Keep, Measure, Sink};
use crate::core::text;

mod zstd;

use zstd::Zstd;

/// What is asked for with `compressed = true`.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// How much is unpacked at a time; the deadline is looked at between. A thousand times as much may come out of gzip,
/// of brotli and zstd as much as the sink takes.
pub(super) const PIECE: usize = 4 << 10;
/// Longest name of an encoding in a message.
const NAME_CHARS: usize = 40;
/// How much brotli hands on at a time.
const HANDED: usize = 16 << 10;

/// Takes a body as it comes over the wire.
pub(super) enum Unpack {
    Plain(Sink),
    Gzip(Box<MultiGzDecoder<Sink>>),
    /// Which of both kinds of deflate it is, the first byte tells.
    Deflate(Option<Sink>),
    Zlib(Box<ZlibDecoder<Sink>>),
    Raw(Box<DeflateDecoder<Sink>>),
    Brotli(Box<DecompressorWriter<Sink>>),
    Zstd(Box<Zstd>),
    /// Packed in a way that we cannot unpack.
    Strange(String),
}

/// What became of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    More,
    Enough,
    /// It cannot be unpacked, because …
    Broken(String),
}

impl Unpack {
    /// For an answer with these headers. What nobody looks into is not unpacked.
    pub(super) fn new(headers: &HeaderMap, keep: Keep) -> Self {
        let sink = Sink::new(keep);
        if !keep.text && keep.measure == Measure::Nothing {
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
            "br" => {
                let mut decoder = DecompressorWriter::new(sink, HANDED);
                let off = decoder
                    .set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                debug_assert!(off, "nothing was written yet");
                Self::Brotli(Box::new(decoder))
            }
            "zstd" => Self::Zstd(Box::new(Zstd::new(sink))),
            other => Self::Strange(text::line(other, NAME_CHARS)),
        }
    }

    /// Whether it makes more of what it gets.
    pub(super) fn is_packed(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// Takes the next piece, at most [`PIECE`] where it is packed.
    pub(super) fn take(&mut self, data: &[u8]) -> Taken {
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
        let written = match self {
            Self::Plain(sink) => sink.write_all(data),
            Self::Gzip(decoder) => decoder.write_all(data),
            Self::Zlib(decoder) => decoder.write_all(data),
            Self::Raw(decoder) => decoder.write_all(data),
            Self::Brotli(decoder) => decoder.write_all(data),
            Self::Zstd(decoder) => decoder.write_all(data),
            Self::Deflate(_) => Ok(()),
            Self::Strange(name) => {
                let why = format!("is packed with {name}, which is not unpacked here");
                return Taken::Broken(why);
            }
        };
        self.taken(written)
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
            Self::Brotli(decoder) if broken.is_none() => decoder.close(),
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
        let broken = broken.or_else(|| match self.taken(ended) {
            Taken::Broken(why) => Some(why),
            Taken::More | Taken::Enough => None,
        });
        self.sink()
            .map(std::mem::take)
            .unwrap_or_default()
            .end(broken)
    }

    fn taken(&mut self, written: io::Result<()>) -> Taken {
        match written {
            Ok(()) => Taken::More,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Taken::Enough,
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                Taken::Broken("is packed with a window of more than 8 MiB (RFC 9659)".to_owned())
            }
            Err(_) => {
                let name = match self {
                    Self::Gzip(_) => "gzip",
                    Self::Brotli(_) => "brotli",
                    Self::Zstd(_) => "zstd",
                    Self::Plain(_)
                    | Self::Deflate(_)
                    | Self::Zlib(_)
                    | Self::Raw(_)
                    | Self::Strange(_) => "deflate",
                };
                Taken::Broken(format!("says it is {name}, and is not"))
            }
        }
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
