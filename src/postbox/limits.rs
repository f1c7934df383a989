//! Every limit of pings by e-mail. What a client may expect is in RFC 5321, sections 4.5.3.1 and 4.5.3.2.

use std::time::Duration;

/// Longest line of a command, in bytes: RFC 5321 asks for 512, extensions of MAIL for some more.
pub(super) const LINE_BYTES: usize = 1_024;
/// What is kept of a mail, in bytes, as of a body over HTTP; words are sought in it.
pub(super) const KEPT_BYTES: usize = 100_000;
/// The largest mail that is taken, in bytes; what is larger is read and refused with 552.
pub(super) const MAIL_BYTES: usize = 1 << 20;
/// What is read of one that is too large before the connection is given up, in bytes.
pub(super) const WASTE_BYTES: usize = 8 << 20;
/// Recipients of one mail: more jobs do not end in the same moment. RFC 5321 asks for 100, of servers that forward.
pub(super) const RECIPIENTS: usize = 10;
/// Commands of one connection: some twenty mails.
pub(super) const COMMANDS: usize = 200;
/// Commands that are none, or that are refused: a client that is lost, or one that guesses.
pub(super) const MISTAKES: usize = 10;
/// Most of the sender that is kept, in characters, as of a User-Agent.
pub(super) const SENDER_CHARS: usize = 200;

/// Those that tests wait for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of one listener: a socket and at most the kept part of a mail each.
    pub connections: usize,
    /// Of these, from one address (one /64 in IPv6) but this machine.
    pub per_address: usize,
    /// For the next command. RFC 5321 asks for five minutes of servers with places for everybody.
    pub command: Duration,
    /// For the next part of a mail.
    pub block: Duration,
    /// For our words to be taken.
    pub reply: Duration,
    /// For a whole connection.
    pub session: Duration,
    /// For the engine to decide and make durable.
    pub decision: Duration,
    /// For the mail that is under way when the daemon stops.
    pub drain: Duration,
    /// How long nothing is accepted after an error of `accept` (no file descriptor is free).
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            per_address: 8,
            command: Duration::from_mins(1),
            block: Duration::from_mins(1),
            reply: Duration::from_secs(30),
            session: Duration::from_mins(10),
            decision: Duration::from_secs(5),
            drain: Duration::from_secs(2),
            pause: Duration::from_millis(100),
        }
    }
}
