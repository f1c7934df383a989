//! Commands out, replies in. Everything that a server says is bounded here.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use crate::core::text;

/// What is kept of a line of a reply; RFC 5321 allows 512 octets.
const LINE_BYTES: usize = 1_024;
/// How much more of a line is read and dropped: who writes more has no end in mind.
const SKIPPED_BYTES: usize = 64 << 10;
/// Most lines of one reply; the longest EHLO seen in the wild has some thirty.
const REPLY_LINES: usize = 100;

/// A connection, plain or not.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The connection with what was read and not used yet.
pub(super) struct Wire {
    stream: Box<dyn Duplex>,
    read: Vec<u8>,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// 200 to 599.
    pub(super) code: u16,
    /// The text of each line, cleaned.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// All of it on one line, shortened.
    pub(super) fn text(&self) -> String {
        let said = format!("{} {}", self.code, self.lines.join(" "));
        text::line(&said, text::MESSAGE_CHARS)
    }

    /// Subject and detail of its enhanced status code (RFC 3463), where it has one: in front of the text, or
    /// further back as qmail writes it: `sorry, that is not allowed (#5.7.1)`.
    pub(super) fn status(&self) -> Option<(u16, u16)> {
        let first = self.lines.first()?;
        let mut words = first.split_ascii_whitespace();
        let leading = words.next().and_then(status);
        leading.or_else(|| {
            words.find_map(|word| status(word.trim_start_matches('(').strip_prefix('#')?))
        })
    }
}

/// Subject and detail of `5.7.1` or `4.7.1`.
fn status(word: &str) -> Option<(u16, u16)> {
    let mut numbers = word.trim_end_matches([')', '.', ':', ';', ',']).split('.');
    let class = numbers.next()?;
    let (subject, detail) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    (matches!(class, "4" | "5") && numbers.next().is_none()).then_some((subject, detail))
}

impl Wire {
    pub(super) fn new(stream: impl Duplex + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            read: Vec::new(),
        }
    }

    /// The bare connection, for TLS to be put on it. None if the server has already said more than it
    /// should have: that would be taken for part of the protected talk (CVE-2011-0411).
    pub(super) fn into_stream(self) -> Option<Box<dyn Duplex>> {
        self.read.is_empty().then_some(self.stream)
    }

    /// Sends bytes within `within`.
    pub(super) async fn send(&mut self, bytes: &[u8], within: Duration) -> Result<(), String> {
        match timeout(within, self.write(bytes)).await {
            Ok(sent) => sent,
            Err(_) => Err("did not take what was sent in time".to_owned()),
        }
    }

    /// Reads one whole reply within `within`, however slowly it trickles.
    pub(super) async fn reply(&mut self, within: Duration) -> Result<Reply, String> {
        match timeout(within, self.read_reply()).await {
            Ok(reply) => reply,
            Err(_) => Err("said nothing (or not all) in time".to_owned()),
        }
    }

    /// Sends a command and reads its reply, both within `within`.
    pub(super) async fn ask(&mut self, command: &str, within: Duration) -> Result<Reply, String> {
        // A reply that nobody asked for would be taken for the answer to this.
        if !self.read.is_empty() {
            return Err("said more than it was asked".to_owned());
        }
        let talk = async {
            self.write(command.as_bytes()).await?;
            self.read_reply().await
        };
        match timeout(within, talk).await {
            Ok(reply) => reply,
            Err(_) => Err("said nothing (or not all) in time".to_owned()),
        }
    }

    /// Whether the server has said something or hung up, as far as is known without waiting.
    pub(super) async fn has_spoken(&mut self) -> bool {
        if !self.read.is_empty() {
            return true;
        }
        let mut chunk = [0; LINE_BYTES];
        let mut heard = ReadBuf::new(&mut chunk);
        let stream = &mut self.stream;
        let listen =
            |cx: &mut Context<'_>| Poll::Ready(Pin::new(&mut *stream).poll_read(cx, &mut heard));
        let polled = poll_fn(listen).await;
        self.read.extend_from_slice(heard.filled());
        polled.is_ready()
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = match self.stream.write_all(bytes).await {
            Ok(()) => self.stream.flush().await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| broken(&error))
    }

    async fn read_reply(&mut self) -> Result<Reply, String> {
        let mut lines = Vec::new();
        let mut first = None;
        while lines.len() < REPLY_LINES {
            let line = self.read_line().await?;
            let (code, last, said) = parse(&line).ok_or("said something that is no SMTP")?;
            if *first.get_or_insert(code) != code {
                return Err("said two things at once".to_owned());
            }
            lines.push(text::line(said, LINE_BYTES));
            if last {
                return Ok(Reply { code, lines });
            }
        }
        Err(format!("said more than {REPLY_LINES} lines"))
    }

    /// One line without its end. Of one that is too long the beginning: the code is what counts, above all in
    /// the reply to the dot, where not to understand a yes means a second copy.
    async fn read_line(&mut self) -> Result<String, String> {
        let (mut line, mut skipped) = (Vec::new(), 0);
        loop {
            let end = self.read.iter().position(|&byte| byte == b'\n');
            let piece = end.map_or(self.read.len(), |end| end + 1);
            let room = piece.min(LINE_BYTES - line.len());
            line.extend_from_slice(&self.read[..room]);
            self.read.drain(..piece);
            skipped += piece - room;
            // What follows of a line without end is no reply, and ends the talk at the next question.
            if end.is_some() || skipped > SKIPPED_BYTES {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            let mut chunk = [0; LINE_BYTES];
            match self.stream.read(&mut chunk).await {
                Ok(0) => return Err("closed the connection".to_owned()),
                Ok(n) => self.read.extend_from_slice(&chunk[..n]),
                Err(error) => return Err(broken(&error)),
            }
        }
    }
}

/// `250-text` or `250 text` or `250`: the code, whether it is the last line, and the text.
fn parse(line: &str) -> Option<(u16, bool, &str)> {
    let code: u16 = line.get(..3)?.parse().ok()?;
    let (last, said) = match line.as_bytes().get(3) {
        None => (true, ""),
        Some(b' ') => (true, line.get(4..)?),
        Some(b'-') => (false, line.get(4..)?),
        Some(_) => return None,
    };
    (200..600).contains(&code).then_some((code, last, said))
}

/// An error of the network in words.
pub(super) fn broken(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, UnexpectedEof};
    let said = [
        (ConnectionReset, "cut off the connection"),
        (BrokenPipe, "cut off the connection"),
        (UnexpectedEof, "closed the connection"),
        (ConnectionRefused, "refused the connection: is it running?"),
    ];
    let known = said.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(
        || text::message(&error.to_string()).to_string(),
        |(_, words)| (*words).to_owned(),
    )
}

/// The final dot, which stands on a line of its own.
pub(super) const DOT: &[u8] = b".\r\n";

/// The content as it goes over the wire before the final dot: lines that begin with a dot get another one,
/// and the last line is ended.
pub(super) fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / 64 + 5);
    let mut begins = true;
    for &byte in content {
        if begins && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        begins = byte == b'\n';
    }
    if !content.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_reply_is_code_mark_and_text() {
        assert_eq!(parse("250-SIZE 10"), Some((250, false, "SIZE 10")));
        assert_eq!(parse("354 go"), Some((354, true, "go")));
        assert_eq!(parse("221"), Some((221, true, "")));
        for line in [
            "",
            "25",
            "250x",
            "199 no",
            "600 no",
            "+50 no",
            "äöü no",
            "2\u{e9}0 no",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_status_stands_in_front_or_behind_a_number_sign() {
        let status = |line: &str| {
            let lines = vec![line.to_owned()];
            Reply { code: 550, lines }.status()
        };
        assert_eq!(status("5.7.1 relaying denied"), Some((7, 1)));
        assert_eq!(status("sorry, not allowed (#5.7.1)"), Some((7, 1)));
        assert_eq!(
            status("no mailbox here by that name. #5.1.1;"),
            Some((1, 1))
        );
        for none in [
            "",
            "relay not permitted",
            "5.7 no",
            "5.7.1.9 is listed",
            "we run 4.92.3",
        ] {
            assert_eq!(status(none), None, "{none}");
        }
    }

    #[test]
    fn a_dot_at_the_beginning_of_a_line_never_ends_the_mail() {
        assert_eq!(stuffed(b".\r\n..a\r\nb."), b"..\r\n...a\r\nb.\r\n");
        assert_eq!(stuffed(b"x\r\n"), b"x\r\n");
        assert_eq!(stuffed(b"x\n.\ny"), b"x\n..\ny\r\n");
        assert_eq!(stuffed(b""), b"\r\n");
    }
}
