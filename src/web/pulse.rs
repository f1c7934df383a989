//! What one connection is doing, told without a lock and without a timer of its own, and the socket that
//! tells it.
//!
//! hyper's header timeout makes a timer for each request and closes an idle connection after the time that
//! a head may take. Here a connection only notes the tick (see [`Ticks`]) of what happens, which
//! costs a few nanoseconds, and whoever accepts looks at all of them several times a second.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Version;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::limits::Limits;

/// The time of a server, counted in sweeps from one, and whether it comes to its end.
#[derive(Debug)]
pub(super) struct Ticks {
    sweeps: AtomicU32,
    ends: AtomicBool,
}

impl Ticks {
    pub(super) fn new() -> Arc<Self> {
        let (sweeps, ends) = (AtomicU32::new(1), AtomicBool::new(false));
        Arc::new(Self { sweeps, ends })
    }

    /// One sweep later.
    pub(super) fn advance(&self) {
        self.sweeps.fetch_add(1, Relaxed);
    }

    pub(super) fn now(&self) -> u32 {
        self.sweeps.load(Relaxed)
    }

    /// The server takes no more connections, and those that are there come to their end. To be said before they are
    /// woken for it.
    pub(super) fn end(&self) {
        self.ends.store(true, Release);
    }

    pub(super) fn have_ended(&self) -> bool {
        self.ends.load(Acquire)
    }
}

/// The signs of life of one connection. A tick of zero means: not so now.
#[derive(Debug)]
pub(super) struct Pulse {
    ticks: Arc<Ticks>,
    /// Since when nothing is under way: accepted, or the last answer was given.
    quiet: AtomicU32,
    /// When the head that is being read began.
    head: AtomicU32,
    /// Since when the peer takes nothing.
    stalled: AtomicU32,
    /// Requests under way.
    busy: AtomicU32,
    /// Large bodies that are not all handed over, and when a piece of one last was.
    unsent: AtomicU32,
    moved: AtomicU32,
    /// Whether somebody gave it up who found that nothing is taken from it.
    lost: AtomicBool,
    /// Whether a request was ever complete.
    asked: AtomicBool,
    /// Whether that was in HTTP/2, where frames come at any time and a byte is not the start of a head.
    framed: AtomicBool,
}

impl Pulse {
    pub(super) fn new(ticks: &Arc<Ticks>) -> Arc<Self> {
        Arc::new(Self {
            ticks: Arc::clone(ticks),
            quiet: AtomicU32::new(ticks.now()),
            head: AtomicU32::new(0),
            stalled: AtomicU32::new(0),
            busy: AtomicU32::new(0),
            unsent: AtomicU32::new(0),
            moved: AtomicU32::new(0),
            lost: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            framed: AtomicBool::new(false),
        })
    }

    /// The time of its server.
    pub(super) fn ticks(&self) -> &Arc<Ticks> {
        &self.ticks
    }

    /// A request is complete up to its body; it is under way until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Busy {
        self.busy.fetch_add(1, Relaxed);
        self.head.store(0, Relaxed);
        if !self.asked.load(Relaxed) {
            self.asked.store(true, Relaxed);
            self.framed.store(version == Version::HTTP_2, Relaxed);
        }
        Busy(Arc::clone(self))
    }

    /// Whether a request was ever complete, up to its body.
    pub(super) fn has_asked(&self) -> bool {
        self.asked.load(Relaxed)
    }

    /// Bytes were read.
    pub(super) fn read(&self) {
        if self.busy.load(Relaxed) == 0 && self.head.load(Relaxed) == 0 {
            self.head.store(self.ticks.now(), Relaxed);
        }
    }

    /// The peer took something, or did not.
    fn wrote(&self, taken: bool) {
        if taken {
            if self.stalled.load(Relaxed) != 0 {
                self.stalled.store(0, Relaxed);
                self.quiet.store(self.ticks.now(), Relaxed);
            }
        } else if self.stalled.load(Relaxed) == 0 {
            self.stalled.store(self.ticks.now(), Relaxed);
        }
    }

    /// A large body waits to be taken.
    pub(super) fn waits(&self) {
        if self.unsent.fetch_add(1, Relaxed) == 0 {
            self.moved();
        }
    }

    /// A piece of a large body was taken.
    pub(super) fn moved(&self) {
        self.moved.store(self.ticks.now(), Relaxed);
    }

    /// A large body does not wait any more.
    pub(super) fn gone(&self) {
        self.unsent.fetch_sub(1, Relaxed);
    }

    /// Gives it up: it is closed at the next sweep.
    pub(super) fn give_up(&self) {
        self.lost.store(true, Relaxed);
    }

    /// Since when it only holds a place, and whether it ever asked for anything; none while it works.
    /// The order is that in which connections are given up when there is no place left.
    pub(super) fn waiting(&self) -> Option<(bool, u32)> {
        (self.busy.load(Relaxed) == 0).then(|| (self.asked.load(Relaxed), self.quiet.load(Relaxed)))
    }

    /// Whether it has used up its time.
    pub(super) fn is_over(&self, limits: &Limits) -> bool {
        let now = self.ticks.now();
        let past = |since: u32, limit: Duration| {
            since != 0 && limits.sweep.saturating_mul(now.saturating_sub(since)) > limit
        };
        if self.lost.load(Relaxed) || past(self.stalled.load(Relaxed), limits.stalled) {
            return true;
        }
        // In HTTP/2 the socket may take everything while the streams take nothing.
        if self.unsent.load(Relaxed) > 0 && past(self.moved.load(Relaxed), limits.stalled) {
            return true;
        }
        if self.busy.load(Relaxed) > 0 {
            return false;
        }
        let (quiet, head) = (self.quiet.load(Relaxed), self.head.load(Relaxed));
        match (self.asked.load(Relaxed), self.framed.load(Relaxed)) {
            (false, _) if head == 0 => past(quiet, limits.silence),
            (true, true) => past(quiet, limits.idle),
            (_, false) | (false, true) => past(head, limits.head) || past(quiet, limits.idle),
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Busy(Arc<Pulse>);

impl Busy {
    /// Of the connection that it keeps busy.
    pub(super) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.quiet.store(self.0.ticks.now(), Relaxed);
        self.0.busy.fetch_sub(1, Relaxed);
    }
}

/// Up to this, in bytes, head and body are handed over in one piece: that is cheaper for the kernel than two.
const FLAT: usize = 1_536;

/// A socket that tells its pulse.
pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    pulse: Arc<Pulse>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self {
            stream: TokioIo::new(stream),
            pulse,
        }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, cursor);
        if read.is_ready() {
            self.pulse.read();
        }
        read
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pulse.wrote(wrote.is_ready());
        wrote
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        if len <= FLAT && slices.len() > 1 {
            let mut flat = [0; FLAT];
            let mut rest = flat.as_mut_slice();
            for slice in slices {
                let (place, behind) = rest.split_at_mut(slice.len());
                place.copy_from_slice(slice);
                rest = behind;
            }
            return self.poll_write(cx, flat.get(..len).unwrap_or_default());
        }
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.pulse.wrote(wrote.is_ready());
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
