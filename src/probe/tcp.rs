//! Looks at a TCP port: whether it takes a connection, and answers what it should.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::address::Address;
use super::env::Env;
use super::error::{self, Looked};
use super::finding::Finding;
use super::http::read_slow;
use super::pattern::Pattern;
use super::trace::{Stage, Trace};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::core::time::human;
use crate::names::Family;
use crate::settings::Section;

/// How much of an answer is read; a greeting is a line.
const ANSWER: usize = 4 << 10;
/// Longest text to send.
const MAX_SEND: usize = 4 << 10;
/// Longest piece of an answer or pattern in a message.
const PIECE_CHARS: usize = 60;

/// `tcp = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    address: Address,
    send: Bytes,
    expect: Option<Pattern>,
    slow: Option<Duration>,
}

impl Settings {
    /// Reads the table of a `tcp` key. Keys:
    ///
    /// - `address`: `host:port`; must be there
    /// - `send`: a text that is sent first
    /// - `expect`: a regular expression that the first 4 KiB of the answer must match
    /// - `slow`: warns when it took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let address = section.required("address");
        let parsed = address.as_deref().map(Address::parse);
        if let Some(None) = parsed {
            section.refuse(
                "address",
                "\"address\" is not a host and port",
                "write address = \"db.example.org:5432\", or \"[::1]:5432\"",
            );
        }
        let send = section.string("send").unwrap_or_default();
        if send.len() > MAX_SEND {
            section.refuse("send", "\"send\" is too long", "at most 4 KiB");
        }
        let expect = Pattern::read(&mut section, "expect");
        let slow = read_slow(&mut section);
        let family = Family::read(&mut section);
        section.finish();
        let mut address = parsed.flatten()?;
        address.family = family;
        Some(Self {
            address,
            send: send.into(),
            expect,
            slow,
        })
    }

    /// The address, for people.
    pub fn target(&self) -> String {
        self.address.text.to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let at = &*self.address.text;
        let mut stream = self.address.connect(env, trace).await?;
        if !self.send.is_empty() {
            let sent = stream.write_all(&self.send).await;
            sent.map_err(|error| error::outcome(&error, at))?;
        }
        let seen = match &self.expect {
            Some(pattern) => {
                trace.enter(Stage::FirstByte);
                expect(&mut stream, pattern, at, trace).await?;
                "answered as expected"
            }
            None => "connected",
        };
        let took = trace.took();
        if let Some(slow) = self.slow {
            trace.note(|| {
                let finding = Finding::new(
                    "time",
                    format!("at most {}", human(slow)),
                    human(took),
                    true,
                );
                finding.worth(if took > slow {
                    Verdict::Warn
                } else {
                    Verdict::Pass
                })
            });
        }
        Ok(match self.slow.filter(|slow| took > *slow) {
            Some(slow) => {
                let after = format!(", slower than {}", human(slow));
                Outcome::timed(Verdict::Warn, took, seen, &after)
            }
            None => Outcome::timed(Verdict::Pass, took, seen, ""),
        })
    }
}

/// Reads until the answer matches, or cannot match any more.
async fn expect(
    stream: &mut TcpStream,
    pattern: &Pattern,
    at: &str,
    trace: &mut Trace,
) -> Looked<()> {
    let mut answer = BytesMut::with_capacity(ANSWER);
    let wanted = text::line(pattern.as_str(), PIECE_CHARS);
    let told = |answer: &[u8]| text::line(&String::from_utf8_lossy(answer), PIECE_CHARS);
    while answer.len() < ANSWER {
        let mut room = (&mut *stream).take((ANSWER - answer.len()) as u64);
        match room.read_buf(&mut answer).await {
            Ok(0) => break,
            Ok(_) if pattern.matches(&answer) => {
                trace.note(|| Finding::new("answer", format!("/{wanted}/"), told(&answer), true));
                return Ok(());
            }
            Ok(_) => {}
            // What came before a reset is an answer all the same.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => break,
            Err(error) => return Err(error::outcome(&error, at)),
        }
    }
    trace.note(|| Finding::new("answer", format!("/{wanted}/"), told(&answer), false));
    Err(Outcome::fail(&if answer.is_empty() {
        format!("{at} closed the connection before it sent anything")
    } else {
        let got = told(&answer);
        format!("{at} answered \"{got}\", which does not match /{wanted}/")
    }))
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn an_address_needs_a_port() {
        let (probe, problems) = read("tcp = { address = \"localhost\", expect = \"SSH\" }");
        assert_eq!(probe, None);
        assert_eq!(
            problems,
            [
                "t.toml:1:19: \"address\" is not a host and port; write address = \"db.example.org:5432\", or \"[::1]:5432\""
            ]
        );
        let (_, problems) = read("tcp = { expect = \"SSH\" }");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("\"address\" is missing"),
            "{problems:?}"
        );
    }
}
