//! Every limit of the HTTP side, in one place: consts where the protocol or memory decides, fields where a
//! test has to wait for one to be reached.

use std::time::Duration;

/// Longest request head, in bytes: what nginx allows by default is 8 KiB a line and 32 KiB in all, and
/// nobody who asks us needs half of that. Beyond it: 431.
pub const HEAD_BYTES: usize = 16 * 1024;
/// Longest request target, in bytes. Beyond it: 414.
pub const URI_BYTES: usize = 8 * 1024;
/// What a connection may buffer of what it reads, in bytes: a head and some of a body.
pub const BUFFER_BYTES: usize = 64 * 1024;
/// Streams that one HTTP/2 connection may have open; browsers open some ten.
pub const STREAMS: u32 = 16;
/// Streams that a peer may reset before they are taken up; beyond it the connection is ended (rapid reset,
/// CVE-2023-44487).
pub const RESETS: usize = 20;
/// What one HTTP/2 stream may send before it is read, in bytes.
pub const WINDOW_BYTES: u32 = 64 * 1024;
/// Longest body of an API request or a form, in bytes: a note and a few names.
pub const FORM_BYTES: usize = 16 * 1024;
/// Longest body of a request to the management API of healthchecks.io, in bytes: every field at its
/// longest, each character escaped, is a third of it.
pub const API_BYTES: usize = 64 * 1024;
/// What is kept of a ping's body, in bytes, as on hc-ping.com.
pub const PING_KEPT: usize = 100_000;
/// What is read of a ping's body, in bytes, so that `curl --data-binary @log` gets its answer; beyond it 413, which no
/// client repeats. Only [`PING_KEPT`] of it is ever in memory.
pub const PING_BYTES: usize = 64 * 1024 * 1024;
/// Open `/events`. Each costs a socket and a queue of eight; beyond it 503, and the page stays readable.
pub const WATCHERS: usize = 512;
/// Of those, from one address (of one /64 in IPv6): an office behind one. A reverse proxy on this machine may
/// have all of them.
pub const WATCHERS_PER_ADDRESS: usize = 64;
/// Longest body that is not counted as unsent, in bytes: what every request and every error answers.
pub const UNCOUNTED_BYTES: usize = 4 * 1024;
/// The piece of a counted body that is handed to the protocol at once, in bytes: a frame of HTTP/2. What was
/// handed over is kept in its buffers even when the peer takes nothing.
pub const PIECE_BYTES: usize = 16 * 1024;
/// Most outcomes one API request returns.
pub const OUTCOMES: usize = 10_000;
/// Longest page of one answer of the journal, in rows.
pub const ROWS: usize = 200;

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of one listener: a socket and some 20 KiB each.
    pub connections: usize,
    /// Connections of one address (of one /64 in IPv6).
    pub per_address: usize,
    /// Connections from this machine, where a reverse proxy or a load test comes from.
    pub per_loopback: usize,
    /// From accepting to the first byte.
    pub silence: Duration,
    /// From the first byte of a head to its end.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// How long a peer may take nothing of what it asked for.
    pub stalled: Duration,
    /// Bytes of answers that wait until their peers take them, of one listener. A peer can ask for many large
    /// answers and take none; beyond it 503.
    pub unsent: usize,
    /// Of those, for one address. From this machine all of it.
    pub unsent_per_address: usize,
    /// For a whole body.
    pub body: Duration,
    /// For what is under way when the daemon stops.
    pub drain: Duration,
    /// Of that, for a connection that has not said anything yet: its request may be on its way. Browsers keep some that
    /// never do.
    pub settle: Duration,
    /// How often connections are looked at; the above are kept to this precision.
    pub sweep: Duration,
    /// How long nothing is accepted after an error of `accept` (no file descriptor is free).
    pub pause: Duration,
    /// For the engine to decide and make durable.
    pub decision: Duration,
    /// For the journal to answer a query.
    pub query: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            per_address: 256,
            per_loopback: 1_024,
            silence: Duration::from_secs(5),
            head: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            stalled: Duration::from_secs(30),
            unsent: 64 << 20,
            unsent_per_address: 16 << 20,
            body: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            settle: Duration::from_millis(500),
            sweep: Duration::from_millis(250),
            pause: Duration::from_millis(100),
            decision: Duration::from_secs(5),
            query: Duration::from_secs(5),
        }
    }
}
