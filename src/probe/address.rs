//! A host and port, and the connection to it: all addresses of a name get a chance (RFC 8305).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::env::Env;
use super::error::{self, Looked};
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::names::Family;

/// The lead that an address gets before the next is tried beside it (RFC 8305, section 5).
const LEAD: Duration = Duration::from_millis(250);
/// The longest name in DNS, and longer than any address.
const LONGEST: usize = 253;

/// What stands before the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Ip(IpAddr),
    Name(Arc<str>),
}

impl Host {
    /// Reads a name or an address, the latter with or without brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Some(bare) = bare {
            return bare.parse().ok().map(|ip| Self::Ip(IpAddr::V6(ip)));
        }
        if let Ok(ip) = text.parse() {
            return Some(Self::Ip(ip));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = !text.is_empty() && text.len() <= LONGEST && text.chars().all(plain);
        is_name.then(|| Self::Name(text.into()))
    }
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) family: Family,
    /// Named by a target, not by our configuration. Then link-local addresses, where clouds hand out
    /// credentials, are out of bounds.
    pub(super) foreign: bool,
    /// `host:port`, as messages name it.
    pub(super) text: Arc<str>,
}

impl Address {
    pub(super) fn new(host: Host, port: u16) -> Self {
        let text = match &host {
            Host::Ip(ip) => SocketAddr::new(*ip, port).to_string(),
            Host::Name(name) => format!("{name}:{port}"),
        };
        Self {
            host,
            port,
            family: Family::Any,
            foreign: false,
            text: text.into(),
        }
    }

    /// Reads `host:port`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        if host.contains(':') && !host.starts_with('[') {
            return None;
        }
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(Self::new(Host::parse(host)?, port))
    }

    /// Connects within the time of `trace`.
    pub(super) async fn connect(&self, env: &Env, trace: &mut Trace) -> Looked<TcpStream> {
        let mut addresses = match &self.host {
            Host::Ip(ip) => vec![*ip],
            Host::Name(name) => {
                trace.enter(Stage::Dns);
                env.names.resolve(name, self.family).await?
            }
        };
        if self.foreign {
            addresses.retain(|ip| !is_link_local(*ip));
        }
        trace.enter(Stage::Connect);
        let connected = match addresses.as_slice() {
            [] => {
                let message = format!("redirects to {}, a link-local address", self.text);
                return Err(Outcome::fail(&message));
            }
            [ip] => TcpStream::connect((*ip, self.port)).await,
            _ => race(addresses, self.port).await,
        };
        connected.map_err(|error| match self.family {
            Family::Any => error::outcome(&error, &self.text),
            Family::V4 => error::outcome(&error, &format!("{} over IPv4", self.text)),
            Family::V6 => error::outcome(&error, &format!("{} over IPv6", self.text)),
        })
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The first connection that comes about. An address is tried when the one before failed, or had its lead.
async fn race(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut tries = JoinSet::new();
    let mut told: Option<io::Error> = None;
    loop {
        if let Some(ip) = waiting.next() {
            tries.spawn(TcpStream::connect((ip, port)));
        }
        let ended = tokio::select! {
            ended = tries.join_next() => ended,
            () = sleep(LEAD), if waiting.len() > 0 => continue,
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => {
                // An address family that we have no way for says less than an answer of the target.
                if told.as_ref().is_none_or(error::is_ours) {
                    told = Some(error);
                }
            }
            Some(Err(_)) => {}
            None => return Err(told.unwrap_or_else(|| ErrorKind::HostUnreachable.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (text, named) in [
            ("db.example.org:5432", Some("db.example.org:5432")),
            ("127.0.0.1:22", Some("127.0.0.1:22")),
            ("[::1]:22", Some("[::1]:22")),
            ("my_db:1", Some("my_db:1")),
            ("::1:22", None),
            ("localhost", None),
            ("localhost:0", None),
            ("localhost:70000", None),
            (":22", None),
            ("a b:22", None),
            ("[zz]:22", None),
        ] {
            let read = Address::parse(text).map(|address| address.text);
            assert_eq!(read.as_deref(), named, "{text}");
        }
    }

    #[test]
    fn where_clouds_hand_out_credentials_is_link_local_in_every_spelling() {
        for ip in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1"] {
            assert!(is_link_local(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["127.0.0.1", "10.0.0.1", "::1", "2001:db8::1"] {
            assert!(!is_link_local(ip.parse().unwrap()), "{ip}");
        }
    }
}
