//! What is taken of a body: the beginning is kept, the rest is counted, all of it within limits.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

/// How much of a body is kept: a page larger than this is judged by its beginning.
pub(super) const BODY: usize = 1 << 20;
/// How much of a body is read where its size or checksum is asked for: more than a check should fetch.
pub(super) const LARGEST: u64 = 64 << 20;

/// What to do with the body of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keep {
    /// Keep it, for conditions on what it says. Else it is only seen that it comes to its end.
    pub(super) text: bool,
    /// What of it is measured.
    pub(super) measure: Measure,
    /// Unpack it though nobody wants to know what is in it: whether that can be done is what is asked.
    pub(super) unpack: bool,
    /// Keep the head, too.
    pub(super) head: bool,
}

/// What is measured of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Measure {
    /// Whether it comes to its end, within [`BODY`].
    #[default]
    Nothing,
    /// Its size, up to [`LARGEST`].
    Size,
    /// That, and its checksum.
    Sum,
}

/// What was taken of a body, after it was unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// The beginning of it, where that was asked for.
    pub(super) text: Bytes,
    /// How many bytes were read.
    pub(super) size: u64,
    /// Whether it is longer than what was read.
    pub(super) cut: bool,
    /// SHA-256 of all of it in hex.
    pub(super) sum: Option<String>,
    /// Why it could not be unpacked.
    pub(super) packed: Option<String>,
}

impl Body {
    /// Whether only its beginning was kept.
    pub(super) fn is_beginning(&self) -> bool {
        self.cut || self.size > BODY as u64
    }
}

/// Takes a body piece by piece.
#[derive(Default)]
pub(super) struct Sink {
    keep: Keep,
    kept: BytesMut,
    size: u64,
    cut: bool,
    sum: Option<Box<Sha256>>,
}

impl Sink {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            sum: (keep.measure == Measure::Sum).then(Box::default),
            ..Self::default()
        }
    }

    /// Takes the next piece. False where it is enough.
    pub(super) fn take(&mut self, data: &[u8]) -> bool {
        let most = match self.keep.measure {
            Measure::Nothing => BODY as u64,
            Measure::Size | Measure::Sum => LARGEST,
        };
        let left = usize::try_from(most - self.size).unwrap_or(usize::MAX);
        self.cut = data.len() > left;
        let data = data.get(..left).unwrap_or(data);
        self.size += data.len() as u64;
        if let Some(sum) = &mut self.sum {
            sum.update(data);
        }
        let room = BODY - self.kept.len();
        if self.keep.text && room > 0 {
            self.kept
                .extend_from_slice(data.get(..room).unwrap_or(data));
        }
        !self.cut
    }

    /// How much was taken so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether more came than was wanted.
    pub(super) fn is_full(&self) -> bool {
        self.cut
    }

    /// What was taken; `packed` says why there is no more of it.
    pub(super) fn end(self, packed: Option<String>) -> Body {
        let whole = !self.cut && packed.is_none();
        let sum = self.sum.filter(|_| whole);
        Body {
            text: self.kept.freeze(),
            size: self.size,
            cut: self.cut,
            sum: sum.map(|sum| hex(&sum.finalize())),
            packed,
        }
    }
}

/// What unpacks writes here; an error says that it is enough.
impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.take(data) {
            Ok(data.len())
        } else {
            Err(io::ErrorKind::FileTooLarge.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `bytes` in lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes anything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_up_to_a_mebibyte_and_counted_on_where_asked() {
        let text = Keep {
            text: true,
            ..Keep::default()
        };
        let mut sink = Sink::new(text);
        assert!(sink.take(&vec![b'a'; BODY]));
        assert!(!sink.take(b"b"));
        let body = sink.end(None);
        assert_eq!(
            (body.text.len(), body.size, body.cut),
            (BODY, 1 << 20, true)
        );

        let mut sink = Sink::new(Keep {
            measure: Measure::Size,
            ..text
        });
        assert!(sink.take(&vec![b'a'; BODY - 1]) && sink.take(b"bc"));
        let body = sink.end(None);
        assert_eq!((body.text.len(), body.size), (BODY, (1 << 20) + 1));
        assert!(!body.cut && body.text.ends_with(b"ab"));
    }

    #[test]
    fn a_checksum_is_of_the_whole_body_or_there_is_none() {
        let keep = Keep {
            measure: Measure::Sum,
            ..Keep::default()
        };
        let mut sink = Sink::new(keep);
        assert!(sink.take(b"he") && sink.take(b"llo"));
        let sum = sink.end(None).sum.unwrap();
        assert_eq!(
            sum,
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
        let mut sink = Sink::new(keep);
        let piece = vec![0; 1 << 20];
        assert!((0..64).all(|_| sink.take(&piece)) && !sink.take(b"x"));
        let body = sink.end(None);
        assert_eq!((body.sum, body.size, body.cut), (None, LARGEST, true));
    }
}
