//! Whom a look talks to: what is behind an uplink, and where only so many looks at once are let.

use std::sync::Arc;

use super::Probe;
use super::address::{Address, Host};

/// The other end of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// `host:port`; what has the same text is the same.
    pub text: Arc<str>,
    /// Whether it is on this machine, as far as its name tells.
    pub is_here: bool,
}

impl Peer {
    pub(super) fn of(address: &Address) -> Self {
        let is_here = match &address.host {
            Host::Ip(ip) => ip.is_loopback() || ip.is_unspecified(),
            // RFC 6761, section 6.3: all names below it, too.
            Host::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                let last = name.rsplit('.').next().unwrap_or(name);
                last.eq_ignore_ascii_case("localhost")
            }
        };
        Self {
            text: Arc::clone(&address.text),
            is_here,
        }
    }

    /// The name servers of the system. One on this machine asks others.
    pub(super) fn resolver() -> Self {
        Self {
            text: "the resolver".into(),
            is_here: false,
        }
    }
}

impl Probe {
    /// Whom it talks to; none for those that look at this machine.
    pub fn peer(&self) -> Option<Peer> {
        match self {
            Self::Http(settings) => Some(settings.peer()),
            Self::Tcp(settings) => Some(settings.peer()),
            Self::Udp(settings) => Some(settings.peer()),
            Self::Icmp(settings) => Some(settings.peer()),
            Self::Dns(settings) => Some(settings.peer()),
            Self::Ntp(settings) => Some(settings.peer()),
            Self::Websocket(settings) => Some(settings.peer()),
            Self::Grpc(settings) => Some(settings.peer()),
            Self::Postgres(settings) => settings.peer(),
            Self::Pgbouncer(settings) => settings.peer(),
            Self::Port(_)
            | Self::Host(_)
            | Self::Disk(_)
            | Self::Exec(_)
            | Self::Process(_)
            | Self::File(_)
            | Self::Unit(_)
            | Self::Log(_)
            | Self::Net(_)
            | Self::Composite(_)
            | Self::Own(_)
            | Self::Uplink(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    /// Whom a probe that is written so talks to; `!` where it is on this machine.
    fn peer(text: &str) -> String {
        let (probe, problems) = read(text);
        let probe = probe.unwrap_or_else(|| panic!("{problems:?}"));
        probe.peer().map_or_else(String::new, |peer| {
            let here = if peer.is_here { "!" } else { "" };
            format!("{}{here}", peer.text)
        })
    }

    #[test]
    fn a_target_is_on_this_machine_where_its_name_says_so() {
        for (text, expected) in [
            (
                "http = { url = \"http://shop.example/\" }",
                "shop.example:80",
            ),
            (
                "http = { url = \"http://localhost:8080/\" }",
                "localhost:8080!",
            ),
            ("http = { url = \"https://[::1]/\" }", "[::1]:443!"),
            ("tcp = { address = \"127.3.2.1:22\" }", "127.3.2.1:22!"),
            (
                "tcp = { address = \"localhost.example:22\" }",
                "localhost.example:22",
            ),
            (
                "udp = { address = \"db.localhost.:53\" }",
                "db.localhost.:53!",
            ),
            ("icmp = { host = \"192.0.2.7\" }", "192.0.2.7:0"),
            ("dns = { name = \"a.example\" }", "the resolver"),
            (
                "dns = { name = \"a.example\", server = \"::1\" }",
                "[::1]:53!",
            ),
            ("ntp = { server = \"ntp.example\" }", "ntp.example:123"),
            ("websocket = { url = \"ws://a.example/\" }", "a.example:80"),
            (
                "grpc = { address = \"a.example:50051\" }",
                "a.example:50051",
            ),
            ("postgres = { url = \"postgres://u@h/d\" }", "h:5432"),
            (
                "postgres = { url = \"postgres://u@localhost,h/d\" }",
                "localhost:5432",
            ),
            ("postgres = { url = \"\" }", ""),
            (
                "postgres = { url = \"host=/run/pg user=u\" }",
                "/run/pg/.s.PGSQL.5432!",
            ),
            ("port = { address = \"10.0.0.1:80\" }", ""),
            ("exec = { command = [\"/bin/true\"] }", ""),
        ] {
            assert_eq!(peer(text), expected, "{text}");
        }
    }
}
