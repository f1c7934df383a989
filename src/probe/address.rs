//! A host and port, and the connection to it: all addresses of a name get a chance (RFC 8305).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::bounds::Named;
use super::env::Env;
use super::error::{self, Looked};
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::names::Family;
use crate::settings::Section;

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
    /// Who named it, which decides where it may lead.
    pub(super) named: Named,
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
            named: Named::Us,
            text: text.into(),
        }
    }

    /// Reads the address under `key`, with the port that is usual where there is one.
    pub(super) fn read(
        section: &mut Section<'_>,
        key: &'static str,
        usual: Option<u16>,
    ) -> Option<Self> {
        let text = section.required(key)?;
        let bare = || Some(Self::new(Host::parse(&text)?, usual?));
        let address = Self::parse(&text).or_else(bare);
        if address.is_none() {
            section.refuse(
                key,
                format!("\"{key}\" is not a host and port"),
                format!("write {key} = \"db.example.org:5432\", or \"[::1]:5432\""),
            );
        }
        address
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

    /// The addresses of the host, the ones to be tried first in front; never an empty list.
    pub(super) async fn resolve(&self, env: &Env, trace: &mut Trace) -> Looked<Vec<IpAddr>> {
        match &self.host {
            Host::Ip(ip) => Ok(vec![*ip]),
            Host::Name(name) => {
                trace.enter(Stage::Dns);
                env.names.resolve(name, self.family).await
            }
        }
    }

    /// Connects within the time of `trace`.
    pub(super) async fn connect(&self, env: &Env, trace: &mut Trace) -> Looked<TcpStream> {
        let mut addresses = self.resolve(env, trace).await?;
        let mut why = None;
        addresses.retain(|ip| {
            let wrong = self.named.out_of_bounds(*ip, self.port, &env.own_ports);
            why = why.or(wrong);
            wrong.is_none()
        });
        trace.enter(Stage::Connect);
        let connected = match addresses.as_slice() {
            [] => return Err(self.out_of_bounds(why.unwrap_or("which has no address"))),
            [ip] => TcpStream::connect((*ip, self.port)).await,
            _ => race(addresses, self.port).await,
        };
        let stream = connected.map_err(|error| match self.family {
            Family::Any => error::outcome(&error, &self.text),
            Family::V4 => error::outcome(&error, &format!("{} over IPv4", self.text)),
            Family::V6 => error::outcome(&error, &format!("{} over IPv6", self.text)),
        })?;
        // Nothing was said yet.
        match self.named.leads_home(&stream, &env.own_ports) {
            Some(why) => Err(self.out_of_bounds(why)),
            None => Ok(stream),
        }
    }

    /// The outcome of a redirect that leads here and must not.
    pub(super) fn out_of_bounds(&self, why: &str) -> Outcome {
        Outcome::fail(&format!("redirects to {}, {why}", self.text))
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

    /// What comes of connecting to what is named `text` by somebody else.
    async fn connected(text: &str, named: Named, own: &[u16]) -> Looked<TcpStream> {
        let clock = crate::clock::Clock::start();
        let env = Env::new(clock, Arc::default()).listening(own.to_vec());
        let mut address = Address::parse(text).unwrap();
        address.named = named;
        let mut trace = Trace::start(Duration::from_secs(20));
        address.connect(&env, &mut trace).await
    }

    #[tokio::test]
    async fn what_a_name_leads_to_is_judged_and_not_the_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
            let text = format!("{host}:{port}");
            let refused = connected(&text, Named::Afar, &[]).await.unwrap_err();
            let message = refused.message();
            assert!(message.ends_with("an address of this host"), "{message}");
            assert!(connected(&text, Named::Near, &[]).await.is_ok(), "{host}");
            let refused = connected(&text, Named::Near, &[port]).await.unwrap_err();
            let message = refused.message();
            assert!(message.ends_with("a page of Belfry itself"), "{message}");
            assert!(
                connected(&text, Named::Here, &[port]).await.is_ok(),
                "{host}"
            );
            assert!(connected(&text, Named::Us, &[port]).await.is_ok(), "{host}");
        }
    }
    /// In a network of its own, where this machine is 10.9.0.1, too.
    #[tokio::test]
    async fn who_leads_us_home_by_another_address_of_ours_is_seen() {
        const WITHIN: &str = "BELFRY_TEST_WITHIN";
        if std::env::var_os(WITHIN).is_some() {
            let listener = tokio::net::TcpListener::bind("10.9.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let text = format!("10.9.0.1:{port}");
            for named in [Named::Near, Named::Afar] {
                let refused = connected(&text, named, &[port]).await.unwrap_err();
                let message = refused.message();
                assert!(message.ends_with("a page of Belfry itself"), "{message}");
            }
            assert!(connected(&text, Named::Afar, &[]).await.is_ok());
            assert!(connected(&text, Named::Here, &[port]).await.is_ok());
            return;
        }
        let within = |script: &str| {
            let mut command = std::process::Command::new("unshare");
            command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]);
            command.arg(std::env::current_exe().unwrap());
            command.env(WITHIN, "1").output().unwrap()
        };
        if !within("true").status.success() && !nix::unistd::geteuid().is_root() {
            // Nobody is let have a network of their own.
            return;
        }
        let name = "probe::address::tests::who_leads_us_home_by_another_address_of_ours_is_seen";
        let ran = within(&format!(
            "ip link set lo up && ip addr add 10.9.0.1 dev lo && exec \"$0\" --exact {name}"
        ));
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && told.contains("1 passed"), "{ran:?}");
    }
}
