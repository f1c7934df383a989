//! The sockets that Belfry listens on: handed over by systemd, or by the program that this process was before a restart
//! in place, or bound here.
//!
//! A restart hands the open sockets on (`daemon/heir.rs`) in the protocol of `sd_listen_fds(3)`. A second process that
//! binds the same addresses with `SO_REUSEPORT` would do without that, but the connections that wait at the first are
//! reset when it ends, and any process of the same user could take a share of what comes in.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

mod holder;

/// Connections that may wait to be accepted: a burst of pings while a commit is under way.
const BACKLOG: i32 = 1_024;

/// The service of pings by e-mail, which has a section of its own.
pub const MAIL: &str = "mail";
/// Before the name of a socket that no service manager gave, but we ourselves before a restart.
const OURS: &str = "own-";

/// Where one of the three services listens.
#[derive(Debug)]
pub struct Listening {
    pub listener: TcpListener,
    pub address: SocketAddr,
    /// Whether a service manager gave it, whatever the configuration says of addresses.
    given: bool,
}

impl Listening {
    /// Whether a service manager gave it.
    pub fn is_given(&self) -> bool {
        self.given
    }

    /// The same socket once more, to be handed on, and under which name: what comes in while nobody accepts waits in it.
    pub fn twin(&self, service: &str) -> io::Result<(String, OwnedFd)> {
        let ours = if self.given { "" } else { OURS };
        let twin = self.listener.as_fd().try_clone_to_owned()?;
        Ok((format!("{ours}{service}"), twin))
    }
}

/// Sockets that were handed over, by their names: by systemd (`systemd/belfry.socket`, `FileDescriptorName`), or by
/// ourselves.
pub struct Inherited {
    sockets: Vec<(String, std::net::TcpListener)>,
}

impl Inherited {
    /// Takes what systemd has left for us; nothing when it did not start us.
    pub fn take() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut fds = ListenFd::from_env();
        let mut names = names.split(':');
        let mut sockets = Vec::new();
        for index in 0..fds.len() {
            let name = names.next().unwrap_or_default().to_owned();
            if let Ok(Some(listener)) = fds.take_tcp_listener(index) {
                sockets.push((name, listener));
            }
        }
        Self { sockets }
    }

    /// The sockets of the service `name`; where systemd gave none, `addresses` are bound that we did not hand over to
    /// ourselves.
    pub fn listen(
        &mut self,
        name: &str,
        addresses: &[SocketAddr],
    ) -> anyhow::Result<Vec<Listening>> {
        let given = self.take_named(name);
        if !given.is_empty() {
            let all = given.into_iter();
            return all.map(|listener| Ok(listening(listener, true)?)).collect();
        }
        let mut ours = self.take_named(&format!("{OURS}{name}"));
        let mut one = |address: &SocketAddr| {
            let place = ours.iter().position(|socket| is_at(socket, *address));
            match place {
                Some(place) => Ok(listening(ours.swap_remove(place), false)?),
                None => bind(name, *address),
            }
        };
        addresses.iter().map(&mut one).collect()
    }

    fn take_named(&mut self, name: &str) -> Vec<std::net::TcpListener> {
        let (mine, rest) = std::mem::take(&mut self.sockets)
            .into_iter()
            .partition(|(known, _)| known == name);
        self.sockets = rest;
        let mine: Vec<(String, std::net::TcpListener)> = mine;
        mine.into_iter().map(|(_, listener)| listener).collect()
    }
}

/// Whether a socket is what a configuration means by `address`, whose port may be 0 for any.
fn is_at(socket: &std::net::TcpListener, address: SocketAddr) -> bool {
    socket.local_addr().is_ok_and(|at| {
        at.ip() == address.ip() && (address.port() == 0 || at.port() == address.port())
    })
}

/// Binds one address. Taken ports are explained.
pub fn bind(name: &str, address: SocketAddr) -> anyhow::Result<Listening> {
    match open(address) {
        Ok(listener) => Ok(listening(listener, false)?),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let key = key_of(name);
            let holder = holder::of(address.port());
            let who =
                holder.unwrap_or_else(|| "another process (run as root to see which)".to_owned());
            anyhow::bail!(
                "port {} is taken by {who}; stop it, or write another address: {key} = \"{}:{}\"",
                address.port(),
                address.ip(),
                address.port().wrapping_add(1)
            )
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => anyhow::bail!(
            "not allowed to listen on {address}: ports below 1024 need systemd/belfry.socket, or another port in {}",
            key_of(name)
        ),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => anyhow::bail!(
            "this host has no address {}; write one it has in {}",
            address.ip(),
            key_of(name)
        ),
        Err(error) => Err(anyhow::Error::new(error).context(format!("listening on {address}"))),
    }
}

/// Where the configuration says the addresses of a service.
fn key_of(name: &str) -> String {
    match name {
        MAIL => "[mail_pings] listen".to_owned(),
        page => format!("[listen] {page}"),
    }
}

fn open(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // After a restart the old connections may still linger; the port is ours all the same.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn listening(listener: std::net::TcpListener, given: bool) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok(Listening {
        listener: TcpListener::from_std(listener)?,
        address,
        given,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_who_has_it_and_what_to_write() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("bound");
        let error = bind("hello", address).expect_err("taken").to_string();
        let me = std::process::id().to_string();
        assert!(error.contains(&address.port().to_string()), "{error}");
        assert!(error.contains(&me), "{error} does not name process {me}");
        assert!(error.contains("[listen] hello"), "{error}");
    }
}
