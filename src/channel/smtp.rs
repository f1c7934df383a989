//! Handing a mail to a server, verb by verb, each with its own deadline.
//!
//! A client of our own, because the marker that the content is about to leave has to be durable between
//! the server's 354 and the content, because every verb needs its own deadline, and because what a server
//! says is bounded here in lines, length and time. Whatever happens, the caller learns one of the classes of
//! [`Delivered`], and never an error.

use std::time::Duration;

use lettre::Address;

use crate::names::Names;

pub mod settings;

mod login;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod wire;

pub use settings::{Security, Settings};
pub use tls::trust;

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Looking up the name and connecting, TLS handshakes each.
    pub connect: Duration,
    /// One command and its whole reply.
    pub verb: Duration,
    /// The content, beside what its size grants.
    pub content: Duration,
    /// The reply to the final dot.
    pub reply: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            // A relay that is there answers in a second, also across the world; three SYNs fit.
            connect: Duration::from_secs(10),
            // RFC 5321 grants five minutes, but an alert has other relays to try.
            verb: Duration::from_secs(30),
            content: Duration::from_mins(1),
            // RFC 5321 section 4.5.3.2.6: giving up earlier makes second copies.
            reply: Duration::from_mins(10),
        }
    }
}

/// The slowest transfer that is waited for, in bytes a second: a modem's.
const SLOWEST: usize = 1_024;

impl Deadlines {
    fn content(&self, bytes: usize) -> Duration {
        let seconds = u64::try_from(bytes / SLOWEST).unwrap_or(u64::MAX);
        self.content.saturating_add(Duration::from_secs(seconds))
    }
}

/// What a server is asked to take.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Where a bounce goes.
    pub from: &'a Address,
    /// The one recipient: with two, a partial refusal would mean a second copy for the other.
    pub to: &'a Address,
    /// The mail, lines ended by CR LF.
    pub bytes: &'a [u8],
}

/// What became of an attempt. Replies are one clean, short line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The relay took responsibility.
    Accepted { reply: String },
    /// Not now.
    Deferred { reply: String, why: Delay },
    /// 5xx that is about the relay and us: another relay may do it, and so may this one when it (or what we
    /// were told of it) has been put right.
    RelayRefused { reply: String },
    /// 5xx that is about this mail, or does not say what it is about: this relay will never take it, but
    /// another one may.
    Refused { reply: String },
    /// Nothing was sent, because the caller did not want it any more.
    Withheld,
}

/// Why an attempt has to be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// The relay said 4xx: it has not taken it.
    Said,
    /// No relay there, a deadline, a broken connection or no sense in what was said, before the final dot:
    /// it has certainly not been taken.
    Broken,
    /// The same after the final dot: it may have been taken.
    Ambiguous,
}

/// To which server, and how.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    pub settings: &'a Settings,
    pub deadlines: &'a Deadlines,
    /// Who knows where it is.
    pub names: &'a Names,
}

/// Hands `letter` to a server. `before_content` is awaited after the server's 354 and before the first byte of
/// content; if it says false, none follows.
pub async fn deliver(
    way: Way<'_>,
    letter: Letter<'_>,
    before_content: impl Future<Output = bool> + Send,
) -> Delivered {
    match session::run(way, letter, before_content).await {
        Ok(delivered) | Err(delivered) => delivered,
    }
}
