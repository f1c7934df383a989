//! Where a redirect may lead. A watched site chooses the address, and we ask it from inside: what it names must
//! not become a way for it to our own services, nor to where a cloud hands out credentials.
//!
//! Pure, but for the addresses of a connection; asked with the addresses that are really connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::net::TcpStream;

/// Where clouds hand out credentials, beside the link-local addresses: AWS over IPv6, Alibaba, Oracle.
const CREDENTIALS: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// Who named an address, from the most to the least trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// Our configuration. It may name anything.
    #[default]
    Us,
    /// A target on this host, which reaches all that we reach anyway.
    Here,
    /// A target in private address space.
    Near,
    /// A target anywhere.
    Afar,
}

impl Named {
    /// What the other end of a connection is, when it names the next address.
    pub(super) fn by(stream: &TcpStream) -> Self {
        match (stream.peer_addr(), stream.local_addr()) {
            (Ok(peer), Ok(local)) => Self::at(peer.ip(), local.ip()),
            // Gone already; what it names is judged the harder way.
            (Err(_), _) | (_, Err(_)) => Self::Afar,
        }
    }

    fn at(peer: IpAddr, local: IpAddr) -> Self {
        match plain(peer) {
            peer if peer.is_loopback() || peer == plain(local) => Self::Here,
            IpAddr::V4(v4) if v4.is_private() => Self::Near,
            IpAddr::V6(v6) if v6.is_unique_local() => Self::Near,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::Afar,
        }
    }

    /// What is wrong with `ip` and `port` when they were named so; `own` are the ports that we listen on.
    pub(super) fn out_of_bounds(self, ip: IpAddr, port: u16, own: &[u16]) -> Option<&'static str> {
        let ip = plain(ip);
        let is_link_local = match ip {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        match self {
            Self::Us => None,
            _ if is_link_local => Some("a link-local address"),
            _ if CREDENTIALS.contains(&ip) => Some("where a cloud hands out credentials"),
            _ if is_unspecified(ip) => Some("an unspecified address"),
            Self::Near | Self::Afar if ip.is_loopback() && own.contains(&port) => Some(OURS),
            Self::Afar if ip.is_loopback() => Some("an address of this host"),
            Self::Here | Self::Near | Self::Afar => None,
        }
    }

    /// What is wrong with a connection that came about: whether it leads to ourselves by an address of this
    /// host that is not loopback can only be seen now.
    pub(super) fn leads_home(self, stream: &TcpStream, own: &[u16]) -> Option<&'static str> {
        let to = stream.peer_addr().ok()?;
        let is_ours = Self::by(stream) == Self::Here && own.contains(&to.port());
        (self > Self::Here && is_ours).then_some(OURS)
    }
}

const OURS: &str = "a page of Belfry itself";

/// All of 0.0.0.0/8, which leads to this host, too.
fn is_unspecified(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unspecified(),
    }
}

/// An address as the network means it: IPv4 in an IPv6 spelling (mapped, or by NAT64) is IPv4.
fn plain(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                IpAddr::from([a, b, c, d])
            }
            _ => IpAddr::V6(v6),
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: [u16; 1] = [8080];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_site_out_there_reaches_nothing_of_this_host_in_any_spelling() {
        for place in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "0.0.0.0",
            "::",
            "::ffff:0.0.0.0",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
        ] {
            for port in [80, 8080] {
                let why = Named::Afar.out_of_bounds(ip(place), port, &OWN);
                assert!(why.is_some(), "{place} {port}");
            }
        }
        for place in ["192.0.2.7", "2001:db8::1", "10.0.0.1"] {
            assert_eq!(Named::Afar.out_of_bounds(ip(place), 8080, &OWN), None);
        }
    }

    #[test]
    fn a_neighbour_reaches_this_host_but_not_ourselves() {
        let near = |place, port| Named::Near.out_of_bounds(ip(place), port, &OWN);
        assert_eq!(near("127.0.0.1", 80), None);
        assert_eq!(near("127.0.0.1", 8080), Some(OURS));
        assert_eq!(near("::ffff:127.0.0.1", 8080), Some(OURS));
        assert!(near("169.254.169.254", 80).is_some());
    }

    #[test]
    fn who_sits_here_reaches_what_it_reaches_anyway_and_we_name_anything() {
        let here = |place| Named::Here.out_of_bounds(ip(place), 8080, &OWN);
        assert_eq!(here("127.0.0.1"), None);
        assert!(here("169.254.169.254").is_some() && here("fd00:ec2::254").is_some());
        for place in ["127.0.0.1", "169.254.169.254", "0.0.0.0"] {
            assert_eq!(Named::Us.out_of_bounds(ip(place), 8080, &OWN), None);
        }
    }

    #[test]
    fn where_a_target_is_says_how_far_it_is_trusted() {
        for (peer, local, named) in [
            ("127.0.0.1", "127.0.0.1", Named::Here),
            ("::ffff:127.0.0.2", "127.0.0.1", Named::Here),
            ("192.0.2.7", "192.0.2.7", Named::Here),
            ("192.168.1.5", "192.168.1.9", Named::Near),
            ("fd12::1", "fd12::2", Named::Near),
            ("192.0.2.8", "192.0.2.7", Named::Afar),
            ("2001:db8::1", "2001:db8::2", Named::Afar),
        ] {
            assert_eq!(Named::at(ip(peer), ip(local)), named, "{peer} from {local}");
        }
        // On a way of several stops the least trusted counts.
        assert_eq!(Named::Here.max(Named::Afar), Named::Afar);
    }
}
