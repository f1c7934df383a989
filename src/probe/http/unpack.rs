//! Bodies that come packed (`Content-Encoding`, RFC 9110, section 8.4), unpacked within the limits of any other.
//!
//! Brotli and zstd are never asked for, and not unpacked: whoever sends them can send gzip, and their
//! dictionaries and windows weigh more than all the rest of a look.

use std::io::{self, Write};

use ::http::HeaderMap;
use ::http::header::CONTENT_ENCODING;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::{Body, Keep, Measure, Sink};
use crate::core::text;

/// What is asked for with `compressed = true`.
pub(super) const ACCEPTED: &str = "gzip, deflate";
/// How much is unpacked at a time: a thousand times as much may come out, and the deadline is looked at between.
pub(super) const PIECE: usize = 4 << 10;
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
            Self::Plain(_)
            | Self::Gzip(_)
            | Self::Deflate(_)
            | Self::Zlib(_)
            | Self::Raw(_)
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
            Err(_) => {
                let is_gzip = matches!(self, Self::Gzip(_));
                let name = if is_gzip { "gzip" } else { "deflate" };
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
            Self::Deflate(sink) => sink.as_mut(),
            Self::Strange(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::super::body::{BODY, LARGEST};
    use super::*;

    const TEXT: Keep = Keep {
        text: true,
        measure: Measure::Nothing,
        head: false,
    };

    fn unpacked(encoding: &str, data: &[u8], keep: Keep) -> Body {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        let mut unpack = Unpack::new(&headers, keep);
        for piece in data.chunks(7) {
            match unpack.take(piece) {
                Taken::More => {}
                Taken::Enough => break,
                Taken::Broken(why) => return unpack.end(Some(why)),
            }
        }
        unpack.end(None)
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_way_of_packing_is_unpacked() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(b"hello").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(b"hello").unwrap();
        for (encoding, data) in [
            ("GZip", gzip(b"hello")),
            ("gzip", [gzip(b"he"), gzip(b"llo")].concat()),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("identity", b"hello".to_vec()),
        ] {
            let body = unpacked(encoding, &data, TEXT);
            assert_eq!(
                (&*body.text, body.packed),
                (&b"hello"[..], None),
                "{encoding}"
            );
        }
    }

    #[test]
    fn what_cannot_be_unpacked_says_so() {
        let whole = gzip(&[b'a'; 500]);
        let (half, _) = whole.split_at(whole.len() - 6);
        for (encoding, data, said) in [
            ("gzip", &b"hello"[..], "says it is gzip, and is not"),
            ("gzip", half, "says it is gzip, and is not"),
            ("deflate", b"\x07ello", "says it is deflate, and is not"),
            (
                "br",
                b"hello",
                "is packed with br, which is not unpacked here",
            ),
            (
                "gzip, gzip",
                b"hello",
                "is packed with gzip, gzip, which is not unpacked here",
            ),
        ] {
            let body = unpacked(encoding, data, TEXT);
            assert_eq!(body.packed.as_deref(), Some(said), "{encoding}");
        }
        assert_eq!(unpacked("br", b"hello", Keep::default()).packed, None);
    }

    #[test]
    fn a_bomb_ends_at_the_limit_whatever_is_asked_of_it() {
        // 100 MiB of zeros, packed 1:1000.
        let bomb = gzip(&vec![0; 100 << 20]);
        assert!(bomb.len() < 110 << 10);
        let body = unpacked("gzip", &bomb, TEXT);
        assert_eq!((body.text.len(), body.cut, body.packed), (BODY, true, None));
        let body = unpacked(
            "gzip",
            &bomb,
            Keep {
                measure: Measure::Size,
                ..TEXT
            },
        );
        assert_eq!(
            (body.size, body.cut, body.text.len()),
            (LARGEST, true, BODY)
        );
    }
}
