//! Looks at a time server: whether it is synchronised, and how far our clock is from its.

use std::time::Duration;

use uuid::Uuid;

use super::address::Address;
use super::datagram::{self, Asked};
use super::env::Env;
use super::error::Looked;
use super::level::{Levels, Scale};
use super::peer::Peer;
use super::trace::Trace;
use crate::clock;
use crate::core::outcome::Outcome;
use crate::names::Family;
use crate::settings::Section;

mod packet;
mod verdict;

use packet::Reply;

/// Where time servers listen (RFC 5905).
const PORT: u16 = 123;
/// Beyond 128 ms a clock is stepped and not slewed (RFC 5905, STEPT); a second breaks tokens and certificates.
const OFFSET: Levels = Levels::of(0.128, 1.0);

const STRATUM: Scale = Scale {
    warn: "stratum_warn",
    fail: "stratum_fail",
    range: 1.0..=16.0,
    // Unsynchronised (RFC 5905, section 7.3).
    usual: Levels {
        warn: None,
        fail: Some(16.0),
    },
};

/// `ntp = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    server: Address,
    offset: Levels,
    stratum: Levels,
}

impl Settings {
    /// Reads the table of an `ntp` key. Keys:
    ///
    /// - `server`: `host` or `host:port`; must be there
    /// - `offset_warn`, `offset_fail`: how far our clock is from the server's, default 128 ms and 1 s
    /// - `stratum_warn`, `stratum_fail`: how many servers it is from a clock, the second 16 by default
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let server = Address::read(&mut section, "server", Some(PORT));
        let most = Duration::from_hours(24);
        let offset = Levels::read_times(&mut section, ("offset_warn", "offset_fail"), most, OFFSET);
        let stratum = Levels::read(&mut section, &STRATUM);
        let family = Family::read(&mut section);
        section.finish();
        let mut server = server?;
        server.family = family;
        Some(Self {
            server,
            offset,
            stratum,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.server)
    }

    /// The address, for people.
    pub fn target(&self) -> String {
        self.server.text.to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let at = &*self.server.text;
        let socket = datagram::connect(&self.server, env, trace).await?;
        // Each question has a number of its own, which the answer must repeat.
        let question = || {
            let (_, number) = Uuid::new_v4().as_u64_pair();
            (packet::question(number), (number, clock::wall_nanos()))
        };
        let take = |(number, sent): &(u64, i128), bytes: &[u8]| {
            Reply::read(bytes, *number, (*sent, clock::wall_nanos()))
        };
        match datagram::ask(&socket, at, trace, question, take).await? {
            Asked::Answer(reply) => {
                let took = trace.took();
                verdict::judge(self, &reply, at, trace).map(|outcome| outcome.took(took))
            }
            Asked::Other(_) => Err(Outcome::fail(&format!(
                "{at} answers, but not to our question in NTP"
            ))),
            Asked::Silence => Err(trace.silence(None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn a_server_has_a_usual_port_and_levels_a_range() {
        let (probe, problems) = read("ntp = { server = \"pool.ntp.org\" }");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(probe.unwrap().target(), "pool.ntp.org:123");
        for (keys, part) in [
            (
                "offset_warn = \"2s\", offset_fail = \"1s\"",
                "\"offset_warn\" is above \"offset_fail\"",
            ),
            ("offset_warn = 3", "\"offset_warn\" needs a unit"),
            ("stratum_fail = 17", "write a number from 1 to 16"),
        ] {
            let (_, problems) = read(&format!("ntp = {{ server = \"a\", {keys} }}"));
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
    }
}
