//! The content of a mail on the wire: where it ends, and what of it is kept.
//!
//! Only a dot alone between two CR LF ends it (RFC 5321, section 4.1.1.4). A line that ends in LF or CR alone ends
//! nothing, whatever follows it: servers that disagree about that let one mail hide another (SMTP smuggling,
//! CVE-2023-51764). A mail with such a line is refused as a whole.

use super::limits::{KEPT_BYTES, MAIL_BYTES};

/// Where in a line the last byte was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The next byte is the first of a line.
    Start,
    /// A dot at the beginning of a line, which belongs to nobody.
    Dot,
    /// A CR behind it.
    DotCr,
    Inside,
    Cr,
}

/// A mail that is being read.
#[derive(Debug)]
pub(super) struct Content {
    at: At,
    kept: Vec<u8>,
    bytes: usize,
    is_loose: bool,
}

impl Content {
    pub(super) fn new() -> Self {
        Self {
            at: At::Start,
            kept: Vec::new(),
            bytes: 0,
            is_loose: false,
        }
    }

    /// Takes what came. Returns how much of it belongs to this mail, where it ends in it.
    pub(super) fn take(&mut self, came: &[u8]) -> Option<usize> {
        for (place, &byte) in came.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::DotCr, b'\n') => return Some(place + 1),
                (At::Start, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::Cr, b'\n') => {
                    self.keep(b"\r\n");
                    At::Start
                }
                (At::Start | At::Inside, b'\r') => At::Cr,
                (At::Cr | At::DotCr, b'\r') => {
                    self.loose(b"\r");
                    At::Cr
                }
                (At::Cr | At::DotCr, _) => {
                    self.loose(&[b'\r', byte]);
                    At::Inside
                }
                (At::Start | At::Dot | At::Inside, b'\n') => {
                    self.loose(b"\n");
                    At::Inside
                }
                (At::Start | At::Dot | At::Inside, _) => {
                    self.keep(&[byte]);
                    At::Inside
                }
            };
        }
        None
    }

    /// Keeps what ends a line where nothing does.
    fn loose(&mut self, bytes: &[u8]) {
        self.is_loose = true;
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        let room = KEPT_BYTES.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept
            .extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    /// How much came, dots that belong to nobody aside.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are lines that end in LF or CR alone.
    pub(super) fn is_loose(&self) -> bool {
        self.is_loose
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.bytes > MAIL_BYTES
    }

    /// The first part of it.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept and whether lines were loose, in whatever pieces it comes; none where it does not end at its end.
    fn read(text: &str) -> Option<(String, bool)> {
        let mut all: Vec<Option<(String, bool)>> = Vec::new();
        for size in [1, 2, 3, text.len()] {
            let mut content = Content::new();
            let mut ends = text
                .as_bytes()
                .chunks(size)
                .map(|piece| content.take(piece));
            let is_end = ends.by_ref().find_map(|end| end).is_some() && ends.next().is_none();
            let kept = String::from_utf8_lossy(content.kept()).into_owned();
            all.push(is_end.then(|| (kept, content.is_loose())));
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn only_a_dot_between_two_whole_line_ends_is_the_end() {
        for (text, kept) in [
            ("a\r\n.\r\n", "a\r\n"),
            (".\r\n", ""),
            ("..a\r\n.b\r\n...\r\n.\r\n", ".a\r\nb\r\n..\r\n"),
            ("a\r\n\r\n.\r\n", "a\r\n\r\n"),
        ] {
            assert_eq!(read(text), Some((kept.to_owned(), false)), "{text:?}");
        }
    }

    #[test]
    fn nothing_that_only_looks_like_an_end_is_one() {
        for text in [
            "a\n.\n",
            "a\n.\r\n",
            "a\r\n.\n",
            "a\r.\r",
            "a\r.\r\n",
            "a\r\n.\r",
            "a\n.\r",
            "a\r\n\0.\r\n",
            "a\r\n.\r\r\n",
            "a\r\r\n.x\r\n",
            "\n.\r\n",
            "a.\r\n",
        ] {
            let mut content = Content::new();
            assert_eq!(content.take(text.as_bytes()), None, "{text:?}");
            // And whatever it was, the real end is found, and the mail is known as what it is.
            let is_whole = matches!(text, "a\r\n\0.\r\n" | "a.\r\n" | "a\r\n.\r");
            let more: &[u8] = b"\r\n.\r\nQUIT\r\n";
            let mut content = Content::new();
            content.take(text.as_bytes());
            let end = content.take(more).expect(text);
            assert!(end <= 5, "{text:?}");
            assert!(is_whole || content.is_loose(), "{text:?}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_rest_counted() {
        let mut content = Content::new();
        let line = [b'x'; 1_000];
        for _ in 0..1_100 {
            assert_eq!(content.take(&line), None);
        }
        assert_eq!(content.kept().len(), KEPT_BYTES);
        assert_eq!(content.bytes(), 1_100_000);
        assert!(content.is_too_large());
    }
}
