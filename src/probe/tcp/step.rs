//! Something that is said, and what should come back.

use std::io::ErrorKind;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout_at;

use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::error::{self, Looked};
use crate::probe::escape;
use crate::probe::finding::Finding;
use crate::probe::pattern::Pattern;
use crate::probe::trace::{Stage, Trace};
use crate::settings::Section;

/// How much of an answer is read; a greeting is a line, the capabilities of a server some dozen.
const ANSWER: usize = 4 << 10;
/// How much is read at once: an answer in one packet is seen, and told, whole.
const PIECE: usize = 1 << 10;
/// Most steps of a dialogue.
const STEPS: usize = 20;
/// Longest piece of an answer or pattern in a message.
const PIECE_CHARS: usize = 60;

/// One step of a dialogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    pub(super) send: Bytes,
    pub(super) expect: Option<Pattern>,
    /// An answer that says no, so that nothing else need be waited for.
    pub(super) refuse: Option<Pattern>,
}

/// A step of our own, as it stands in a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) send: &'static [u8],
    pub(super) expect: &'static str,
    /// Empty for nothing.
    pub(super) refuse: &'static str,
}

/// Sends nothing, and expects a greeting.
pub(super) const fn hear(expect: &'static str, refuse: &'static str) -> Line {
    say(b"", expect, refuse)
}

/// Sends, and expects an answer.
pub(super) const fn say(send: &'static [u8], expect: &'static str, refuse: &'static str) -> Line {
    Line {
        send,
        expect,
        refuse,
    }
}

impl From<&Line> for Step {
    fn from(line: &Line) -> Self {
        let pattern = |text: &'static str| (!text.is_empty()).then(|| Pattern::ours(text));
        Self {
            send: Bytes::from_static(line.send),
            expect: pattern(line.expect),
            refuse: pattern(line.refuse),
        }
    }
}

impl Step {
    /// Reads `send` and `expect`, or `steps`, which has them several times.
    pub(super) fn read_all(section: &mut Section<'_>) -> Vec<Self> {
        let single = Self::read(section);
        let Some(tables) = section.tables("steps") else {
            return single.into_iter().collect();
        };
        if single.is_some() {
            let hint = "write it as the first of the steps";
            section.refuse("steps", "\"send\" or \"expect\" beside \"steps\"", hint);
        }
        if tables.len() > STEPS {
            section.refuse("steps", "too many steps", format!("at most {STEPS}"));
        }
        let mut steps = Vec::with_capacity(tables.len());
        for mut table in tables {
            let step = Self::read(&mut table);
            if step.is_none() && !table.has("expect") && !table.has("send") {
                let (source, span) = (table.source, table.span());
                let hint = "write { send = \"…\", expect = \"…\" }".to_owned();
                let message = "a step that neither sends nor expects".to_owned();
                table.report.at(source, span, message, Some(hint));
            }
            steps.extend(step);
            table.finish();
        }
        steps
    }

    fn read(section: &mut Section<'_>) -> Option<Self> {
        let send = escape::read(section, "send");
        let expect = Pattern::read_lines(section, "expect");
        (!send.is_empty() || expect.is_some()).then(|| Self {
            send: send.into(),
            expect,
            refuse: None,
        })
    }
}

/// Goes through the steps. Says how many bytes came that no step has asked for.
///
/// An answer is what came since the end of the match before it: a server may send two answers at once, and a
/// match need not be the whole of one.
pub(super) async fn run<S>(
    stream: &mut S,
    steps: &[Step],
    at: &str,
    trace: &mut Trace,
) -> Looked<usize>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut unread = BytesMut::new();
    for (number, step) in steps.iter().enumerate() {
        if !step.send.is_empty() {
            let sent = stream.write_all(&step.send).await;
            sent.map_err(|error| error::outcome(&error, at))?;
            let sent = stream.flush().await;
            sent.map_err(|error| error::outcome(&error, at))?;
        }
        if let Some(pattern) = &step.expect {
            if number == 0 {
                trace.enter(Stage::FirstByte);
            }
            let place = if steps.len() > 1 {
                format!(" (step {} of {})", number + 1, steps.len())
            } else {
                String::new()
            };
            let left = unread.len();
            let heard = Heard::listen(stream, step, pattern, &mut unread, trace).await;
            // What is left of an answer before is none to what was said since.
            let is_answer = unread.len() > left || (left > 0 && step.send.is_empty());
            let wanted = || text::line(pattern.as_str(), PIECE_CHARS);
            let got = || text::line(&String::from_utf8_lossy(&unread), PIECE_CHARS);
            let holds = matches!(heard, Ok(Heard::Match(_)));
            trace.note(|| {
                let expected = format!("/{}/", wanted());
                Finding::new(format!("answer{place}"), expected, got(), holds)
            });
            match heard.map_err(|error| error::outcome(&error, at))? {
                Heard::Match(end) => unread.advance(end),
                Heard::Silence if !is_answer => return Err(trace.silence(None)),
                Heard::End if !is_answer => {
                    let text = if number == 0 {
                        format!("{at} closed the connection before it sent anything")
                    } else {
                        format!("{at} closed the connection without an answer{place}")
                    };
                    return Err(Outcome::fail(&text));
                }
                other @ (Heard::Wrong | Heard::End | Heard::Silence) => {
                    let (got, wanted) = (got(), wanted());
                    let more = match other {
                        Heard::Silence => ", and no more came in time",
                        Heard::Wrong | Heard::End | Heard::Match(_) => "",
                    };
                    return Err(Outcome::fail(&format!(
                        "{at} answered \"{got}\", which does not match /{wanted}/{place}{more}"
                    )));
                }
            }
        }
    }
    Ok(unread.len())
}

/// What came of waiting for an answer.
enum Heard {
    /// It is there, and ends here.
    Match(usize),
    /// It is another one.
    Wrong,
    /// The other end closed the connection.
    End,
    /// The time is over.
    Silence,
}

impl Heard {
    /// Reads until the answer matches, or cannot match any more.
    async fn listen<S: AsyncRead + Unpin>(
        stream: &mut S,
        step: &Step,
        pattern: &Pattern,
        unread: &mut BytesMut,
        trace: &Trace,
    ) -> std::io::Result<Self> {
        loop {
            if !unread.is_empty() {
                if let Some(end) = pattern.end(unread) {
                    return Ok(Self::Match(end));
                }
                let refuses = |no: &Pattern| no.matches(unread);
                if unread.len() >= ANSWER || step.refuse.as_ref().is_some_and(refuses) {
                    return Ok(Self::Wrong);
                }
            }
            unread.reserve(PIECE);
            let mut room = (&mut *stream).take((ANSWER - unread.len()) as u64);
            match timeout_at(trace.deadline(), room.read_buf(unread)).await {
                Ok(Ok(0)) => return Ok(Self::End),
                Ok(Ok(_)) => {}
                // What came before a reset is an answer all the same, and TLS ends in many ways.
                Ok(Err(error)) => {
                    let is_reset = error.kind() == ErrorKind::ConnectionReset;
                    let is_end = error.kind() == ErrorKind::UnexpectedEof;
                    return if is_end || (is_reset && !unread.is_empty()) {
                        Ok(Self::End)
                    } else {
                        Err(error)
                    };
                }
                Err(_) => return Ok(Self::Silence),
            }
        }
    }
}
