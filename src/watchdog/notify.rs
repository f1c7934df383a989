//! What the service manager is told: one datagram to the socket that it named, in the words of `sd_notify(3)`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use sd_notify::NotifyState;
use tracing::warn;

use crate::core::text;

/// Longest status that `systemctl status` shows well.
const STATUS: usize = 200;

/// The daemon serves: everything is open and loaded. The status is what `systemctl status` shows.
pub fn notify_ready(status: &str) {
    complain(Supervisor::from_env().ready(status));
}

/// A new status.
pub fn notify_status(status: &str) {
    complain(Supervisor::from_env().status(status));
}

/// The daemon was told to end, and does.
pub fn notify_stopping() {
    complain(Supervisor::from_env().stopping());
}

/// A service manager that does not listen is no reason to stop watching.
fn complain(sent: io::Result<()>) {
    if let Err(error) = sent {
        warn!(%error, "the service manager does not take notifications");
    }
}

/// The service manager, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Supervisor {
    socket: Option<OsString>,
}

impl Supervisor {
    /// The one that started us.
    pub(super) fn from_env() -> Self {
        Self {
            socket: std::env::var_os("NOTIFY_SOCKET"),
        }
    }

    /// The one that listens at this path; `@` begins a name in the abstract namespace.
    #[cfg(test)]
    pub(super) fn at(socket: OsString) -> Self {
        Self {
            socket: Some(socket),
        }
    }

    pub(super) fn ready(&self, status: &str) -> io::Result<()> {
        let status = text::line(status, STATUS);
        self.send(&[NotifyState::Ready, NotifyState::Status(&status)])
    }

    pub(super) fn status(&self, status: &str) -> io::Result<()> {
        self.send(&[NotifyState::Status(&text::line(status, STATUS))])
    }

    pub(super) fn stopping(&self) -> io::Result<()> {
        self.send(&[NotifyState::Stopping])
    }

    /// Sends them as one message, without ever waiting for a manager that does not read.
    pub(super) fn send(&self, states: &[NotifyState<'_>]) -> io::Result<()> {
        let Some(path) = &self.socket else {
            return Ok(());
        };
        let mut message = String::new();
        for state in states {
            writeln!(message, "{state}").map_err(io::Error::other)?;
        }
        let address = match path.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(path)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&address)?;
        socket.send(message.as_bytes()).map(drop)
    }
}
