//! Looks at a host with echo requests: how many come back, and how long they take.
//!
//! Over the system's ping sockets (`SOCK_DGRAM` with `IPPROTO_ICMP`), which need no privilege, only that our
//! group is let.

use std::time::Duration;

use super::address::{Address, Host};
use super::env::Env;
use super::error::Looked;
use super::level::{Levels, Scale};
use super::peer::Peer;
use super::trace::Trace;
use crate::core::outcome::Outcome;
use crate::names::Family;
use crate::settings::Section;

mod echo;
mod ping;
mod verdict;

pub(super) use ping::{NOT_ALLOWED, patience, ping_until};

/// How many requests are sent, and how many can be.
const COUNT: i64 = 3;
const MOST: i64 = 20;
/// How much is in a request beside its header: what ping(8) sends, and most that fits one Ethernet frame.
const SIZE: i64 = 56;
const LARGEST: i64 = 1_452;
/// From one request to the next, and from the last to the end; both are shortened to fit the time of a look.
const INTERVAL: Duration = Duration::from_millis(200);
const WAIT: Duration = Duration::from_secs(1);

const LOSS: Scale = Scale {
    warn: "loss_warn",
    fail: "loss_fail",
    range: 0.0..=100.0,
    usual: Levels {
        warn: Some(20.0),
        fail: Some(100.0),
    },
};

/// Round-trip times that have levels.
const TIMES: [(&str, (&str, &str)); 3] = [
    ("least", ("least_warn", "least_fail")),
    ("mean", ("mean_warn", "mean_fail")),
    ("most", ("most_warn", "most_fail")),
];

/// `icmp = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The port has no meaning.
    address: Address,
    name: String,
    count: u16,
    size: usize,
    interval: Duration,
    wait: Duration,
    loss: Levels,
    /// In the order of [`TIMES`].
    times: [Levels; TIMES.len()],
}

impl Settings {
    /// Reads the table of an `icmp` key. Keys: a warn and a fail level for each of [`TIMES`], and
    ///
    /// - `host`: a name or an address; must be there
    /// - `count`, `size`, `interval`: how many requests, how large, how far apart
    /// - `wait`: how long replies are waited for after the last
    /// - `loss_warn`, `loss_fail`: in percent, default 20 and 100
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let name = section.required("host");
        let host = name.as_deref().map(Host::parse);
        if let Some(None) = host {
            let hint = "write host = \"web.example.org\", or an address";
            section.refuse("host", "\"host\" is no name or address", hint);
        }
        let count = section.integer("count", 1..=MOST).unwrap_or(COUNT);
        // The least holds the mark by which we know our own.
        let size = section.integer("size", 16..=LARGEST).unwrap_or(SIZE);
        let range = Duration::from_millis(10)..=Duration::from_secs(10);
        let interval = section.duration("interval", range.clone());
        let wait = section.duration("wait", range);
        let loss = Levels::read(&mut section, &LOSS);
        let most = Duration::from_mins(1);
        let times =
            TIMES.map(|(_, keys)| Levels::read_times(&mut section, keys, most, Levels::default()));
        let family = Family::read(&mut section);
        section.finish();
        let mut address = Address::new(host.flatten()?, 0);
        address.family = family;
        Some(Self {
            address,
            name: name?,
            count: u16::try_from(count).ok()?,
            size: usize::try_from(size).ok()?,
            interval: interval.unwrap_or(INTERVAL),
            wait: wait.unwrap_or(WAIT),
            loss,
            times,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.address)
    }

    /// The host, for people.
    pub fn target(&self) -> String {
        self.name.clone()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let seen = ping::ping(self, env, trace).await?;
        Ok(verdict::judge(self, &seen, trace))
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn what_is_wrong_is_said() {
        for (keys, part) in [
            ("host = \"a:1\"", "\"host\" is no name or address"),
            ("count = 3", "\"host\" is missing"),
            (
                "host = \"a\", count = 100",
                "write a whole number from 1 to 20",
            ),
            (
                "host = \"a\", mean_warn = \"2s\", mean_fail = \"1s\"",
                "\"mean_warn\" is above",
            ),
            (
                "host = \"a\", loss_warn = 120",
                "write a number from 0 to 100",
            ),
        ] {
            let (_, problems) = read(&format!("icmp = {{ {keys} }}"));
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
    }
}
