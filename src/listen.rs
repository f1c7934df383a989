//! The sockets that Belfry listens on: handed over by systemd, or bound here.

use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

mod holder;

/// Connections that may wait to be accepted: a burst of pings while a commit is under way.
const BACKLOG: i32 = 1_024;

/// Where one of the three services listens.
#[derive(Debug)]
pub struct Listening {
    pub listener: TcpListener,
    pub address: SocketAddr,
}

/// Sockets that systemd has handed over (`systemd/belfry.socket`), by their `FileDescriptorName`.
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

    /// The sockets of the service `name`; where systemd gave none, `addresses` are bound.
    pub fn listen(
        &mut self,
        name: &str,
        addresses: &[SocketAddr],
    ) -> anyhow::Result<Vec<Listening>> {
        let (mine, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sockets)
            .into_iter()
            .partition(|(known, _)| known == name);
        self.sockets = rest;
        if mine.is_empty() {
            return addresses
                .iter()
                .map(|&address| bind(name, address))
                .collect();
        }
        mine.into_iter()
            .map(|(_, listener)| Ok(listening(listener)?))
            .collect()
    }
}

/// Binds one address. Taken ports are explained.
fn bind(name: &str, address: SocketAddr) -> anyhow::Result<Listening> {
    match open(address) {
        Ok(listener) => Ok(listening(listener)?),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let holder = holder::of(address.port());
            let who =
                holder.unwrap_or_else(|| "another process (run as root to see which)".to_owned());
            anyhow::bail!(
                "port {} is taken by {who}; stop it, or write another address: [listen] {name} = \"{}:{}\"",
                address.port(),
                address.ip(),
                address.port().wrapping_add(1)
            )
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => anyhow::bail!(
            "not allowed to listen on {address}: ports below 1024 need systemd/belfry.socket, or another port in [listen] {name}"
        ),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => anyhow::bail!(
            "this host has no address {}; write one it has in [listen] {name}",
            address.ip()
        ),
        Err(error) => Err(anyhow::Error::new(error).context(format!("listening on {address}"))),
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

fn listening(listener: std::net::TcpListener) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok(Listening {
        listener: TcpListener::from_std(listener)?,
        address,
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
