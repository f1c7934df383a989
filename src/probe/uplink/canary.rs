//! Who can be asked, and how it is written.

use std::net::{IpAddr, SocketAddr};

use super::Asked;
use super::ask::How;
use super::system::Seen;

/// Where name servers listen.
const DNS: u16 = 53;

/// Somebody who answers as long as we have an uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// `"gateway"`: that of the default route.
    Gateway,
    /// `"resolver"`: the name servers of the system, but for those on this machine.
    Resolver,
    /// `"icmp://192.0.2.1"`.
    Icmp(IpAddr),
    /// `"tcp://192.0.2.1:443"`.
    Tcp(SocketAddr),
    /// `"dns://192.0.2.1"`.
    Dns(SocketAddr),
}

impl Canary {
    /// Who is asked where nothing is said.
    pub const USUAL: [Self; 2] = [Self::Gateway, Self::Resolver];

    /// Reads one. Addresses only: a name would have to be looked up, and then a silent name server would be
    /// taken for isolation.
    ///
    /// # Errors
    /// What to write.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORMS: &str = "write \"gateway\", \"resolver\", \"icmp://192.0.2.1\", \"tcp://192.0.2.1:443\" or \"dns://192.0.2.1\"";
        const ADDRESS: &str = "write an IP address, for a name could not be looked up then";
        let ip = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>();
        match text.split_once("://") {
            None if text == "gateway" => Ok(Self::Gateway),
            None if text == "resolver" => Ok(Self::Resolver),
            Some(("icmp", host)) => ip(host).map(Self::Icmp).map_err(|_| ADDRESS),
            Some(("tcp", address)) => {
                let address = address.parse().ok();
                let address = address.filter(|at: &SocketAddr| at.port() > 0);
                address
                    .map(Self::Tcp)
                    .ok_or("write an IP address and port: \"tcp://192.0.2.1:443\"")
            }
            Some(("dns", server)) => {
                let bare = || ip(server).map(|ip| SocketAddr::new(ip, DNS));
                let address = server.parse().or_else(|_| bare()).map_err(|_| ADDRESS);
                address.map(Self::Dns)
            }
            _ => Err(FORMS),
        }
    }

    /// As it is written.
    pub fn text(&self) -> String {
        match self {
            Self::Gateway => "gateway".to_owned(),
            Self::Resolver => "resolver".to_owned(),
            Self::Icmp(ip) => format!("icmp://{ip}"),
            Self::Tcp(at) => format!("tcp://{at}"),
            Self::Dns(at) if at.port() == DNS => format!("dns://{}", at.ip()),
            Self::Dns(at) => format!("dns://{at}"),
        }
    }

    /// Whom to ask, as the system is.
    pub(super) fn asked(&self, seen: &Seen) -> Vec<Asked> {
        let one = |how, at, who| Asked {
            who,
            how,
            at,
            is_found: false,
        };
        let found = |asked| Asked {
            is_found: true,
            ..asked
        };
        let server = |at: SocketAddr| match at.port() {
            DNS => format!("the name server {}", at.ip()),
            _ => format!("the name server {at}"),
        };
        match self {
            Self::Gateway => {
                let all = seen.gateways.iter();
                let who = |at: &SocketAddr| format!("the gateway {}", at.ip());
                all.map(|at| found(one(How::Ping, *at, who(at)))).collect()
            }
            Self::Resolver => {
                let all = seen.resolvers.iter().map(|ip| SocketAddr::new(*ip, DNS));
                all.map(|at| found(one(How::Dns, at, server(at)))).collect()
            }
            Self::Icmp(ip) => vec![one(How::Ping, SocketAddr::new(*ip, 0), ip.to_string())],
            Self::Tcp(at) => vec![one(How::Tcp, *at, at.to_string())],
            Self::Dns(at) => vec![one(How::Dns, *at, server(*at))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_a_word_or_an_address() {
        for text in [
            "gateway",
            "resolver",
            "icmp://192.0.2.1",
            "icmp://2001:db8::1",
            "tcp://192.0.2.1:443",
            "tcp://[2001:db8::1]:443",
            "dns://192.0.2.1",
            "dns://127.0.0.1:5353",
        ] {
            assert_eq!(Canary::parse(text).expect(text).text(), text);
        }
        let bracketed = Canary::parse("dns://[2001:db8::1]").unwrap();
        assert_eq!(bracketed.text(), "dns://2001:db8::1");
        for (text, part) in [
            ("router", "write \"gateway\""),
            ("http://192.0.2.1", "write \"gateway\""),
            ("icmp://example.org", "write an IP address, for a name"),
            ("dns://example.org", "write an IP address, for a name"),
            ("tcp://192.0.2.1", "and port"),
            ("tcp://192.0.2.1:0", "and port"),
        ] {
            assert!(Canary::parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
