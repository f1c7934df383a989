//! Looks at a UDP port: whether it answers what it should, or at least whether nobody says that nothing is there.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::address::Address;
use super::datagram::{self, Asked};
use super::env::Env;
use super::error::{self, Looked};
use super::escape;
use super::finding::Finding;
use super::http::read_slow;
use super::level::Judgement;
use super::pattern::Pattern;
use super::peer::Peer;
use super::trace::{Stage, Trace};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::names::Family;
use crate::settings::Section;

/// How long "port unreachable" is waited for where no answer is expected; half of the time at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest piece of an answer or pattern in a message.
const PIECE_CHARS: usize = 60;

/// `udp = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    address: Address,
    send: Bytes,
    expect: Option<Pattern>,
    slow: Option<Duration>,
}

impl Settings {
    /// Reads the table of a `udp` key. Keys:
    ///
    /// - `address`: `host:port`; must be there
    /// - `send`: what is sent, default an empty datagram
    /// - `expect`: a regular expression that one answer must match
    /// - `slow`: warns when it took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let address = Address::read(&mut section, "address", None);
        let send = escape::read(&mut section, "send").into();
        let expect = Pattern::read_lines(&mut section, "expect");
        let slow = read_slow(&mut section);
        if slow.is_some() && !section.has("expect") {
            let hint = "add expect = \"…\", so that there is an answer to wait for";
            section.refuse("slow", "\"slow\" without \"expect\"", hint);
        }
        let family = Family::read(&mut section);
        section.finish();
        let mut address = address?;
        address.family = family;
        Some(Self {
            address,
            send,
            expect,
            slow,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.address)
    }

    /// The address, for people.
    pub fn target(&self) -> String {
        self.address.text.to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let at = &*self.address.text;
        let socket = datagram::connect(&self.address, env, trace).await?;
        let Some(pattern) = &self.expect else {
            trace.enter(Stage::FirstByte);
            let sent = socket.send(&self.send).await;
            sent.map_err(|error| error::outcome(&error, at))?;
            let patience = PATIENCE.min(trace.left() / 2);
            let heard = timeout(patience, socket.recv(&mut [0])).await;
            let found = match heard {
                Ok(Ok(_)) => "an answer",
                Ok(Err(error)) => return Err(error::outcome(&error, at)),
                Err(_) => "nothing",
            };
            trace.note(|| Finding::new("port", "not unreachable", found, true));
            return Ok(match heard {
                Ok(_) => Outcome::timed(Verdict::Pass, trace.took(), "answered", ""),
                Err(_) => Outcome::pass("sent; nobody says that nothing listens"),
            });
        };
        let ask = || (self.send.to_vec(), ());
        let take = |(): &(), answer: &[u8]| pattern.matches(answer).then(|| told(answer));
        let asked = datagram::ask(&socket, at, trace, ask, take).await?;
        let took = trace.took();
        let wanted = text::line(pattern.as_str(), PIECE_CHARS);
        trace.note(|| {
            let (found, holds) = match &asked {
                Asked::Answer(answer) => (answer.clone(), true),
                Asked::Other(answer) => (told(answer), false),
                Asked::Silence => ("nothing".to_owned(), false),
            };
            Finding::new("answer", format!("/{wanted}/"), found, holds)
        });
        match asked {
            Asked::Answer(_) => {
                let mut judgement = Judgement::default();
                judgement.slow(trace, self.slow, took);
                Ok(judgement.timed(took, "answered as expected"))
            }
            Asked::Other(answer) => {
                let got = told(&answer);
                Err(Outcome::fail(&format!(
                    "{at} answered \"{got}\", which does not match /{wanted}/"
                )))
            }
            Asked::Silence => Err(trace.silence(None)),
        }
    }
}

fn told(answer: &[u8]) -> String {
    text::line(&String::from_utf8_lossy(answer), PIECE_CHARS)
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn what_is_wrong_is_said() {
        for (keys, part) in [
            ("address = \"a\"", "\"address\" is not a host and port"),
            (
                "address = \"a:1\", slow = \"1s\"",
                "\"slow\" without \"expect\"",
            ),
            (
                "address = \"a:1\", send = '\\y'",
                "has an escape that is none",
            ),
        ] {
            let (_, problems) = read(&format!("udp = {{ {keys} }}"));
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
    }
}
