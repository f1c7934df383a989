//! Which gateway and which name servers the system has.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::path::{Path, PathBuf};

/// Most of a file that is read: some ten thousand routes.
const LARGEST: u64 = 2 << 20;
/// Most gateways that are asked; more have only routers.
const GATEWAYS: usize = 4;
/// Most name servers, as the C library takes them (`resolv.conf(5)`, MAXNS).
const RESOLVERS: usize = 3;
/// A route that can be used, and one that leads over a gateway (`linux/route.h`).
const RTF_UP: u32 = 1;
const RTF_GATEWAY: u32 = 2;
/// One that refuses what it is for.
const RTF_REJECT: u32 = 0x200;

/// The files that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// `/proc/net/route`, `/proc/net/ipv6_route`.
    pub routes: [PathBuf; 2],
    /// `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// `/sys/class/net`: the numbers of the interfaces.
    pub interfaces: PathBuf,
}

/// What they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Without ports, which pings do not have; with the interface where the address needs one.
    pub(super) gateways: Vec<SocketAddr>,
    /// Whether there is a default route at all; it may need no gateway, as over a tunnel.
    pub(super) has_route: bool,
    pub(super) resolvers: Vec<IpAddr>,
}

impl Default for System {
    fn default() -> Self {
        Self {
            routes: ["/proc/net/route".into(), "/proc/net/ipv6_route".into()],
            resolv_conf: "/etc/resolv.conf".into(),
            interfaces: "/sys/class/net".into(),
        }
    }
}

impl System {
    /// Reads all of it; what is not there says nothing.
    pub(super) fn read(&self) -> Seen {
        let [v4, v6] = self.routes.each_ref().map(|path| text(path));
        let number = |interface: &str| {
            let path = self.interfaces.join(interface).join("ifindex");
            text(&path).trim().parse().unwrap_or(0)
        };
        let v4 = v4.lines().filter_map(default_v4);
        let v6 = v6.lines().filter_map(default_v6);
        let mut seen = Seen {
            resolvers: resolvers(&text(&self.resolv_conf)),
            ..Seen::default()
        };
        for route in v4.chain(v6) {
            seen.has_route = true;
            let gateway = match route.gateway {
                Some(IpAddr::V6(ip)) if ip.is_unicast_link_local() => {
                    SocketAddrV6::new(ip, 0, 0, number(route.interface)).into()
                }
                Some(ip) => SocketAddr::new(ip, 0),
                None => continue,
            };
            if seen.gateways.len() < GATEWAYS && !seen.gateways.contains(&gateway) {
                seen.gateways.push(gateway);
            }
        }
        seen
    }
}

fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// A default route.
struct Route<'l> {
    /// None for one that leads to the other end of a line by itself.
    gateway: Option<IpAddr>,
    interface: &'l str,
}

/// The default route, where the line is one: interface, destination, gateway, flags, …, mask, in hexadecimal with
/// the bytes of an address as they lie in memory.
fn default_v4(line: &str) -> Option<Route<'_>> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [interface, destination, gateway, flags, _, _, _, mask, ..] = columns.as_slice() else {
        return None;
    };
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let is_default = number(destination)? == 0 && number(mask)? == 0;
    let gateway = Ipv4Addr::from(number(gateway)?.to_ne_bytes());
    usable(number(flags)?, gateway.into(), interface).filter(|_| is_default)
}

/// The same for IPv6: destination, length, source, length, gateway, metric, …, flags, interface.
fn default_v6(line: &str) -> Option<Route<'_>> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [_, length, _, _, gateway, _, _, _, flags, interface] = columns.as_slice() else {
        return None;
    };
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let gateway = Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?);
    // The kernel always has a default route that refuses, on lo.
    let is_default = *length == "00" && *interface != "lo";
    usable(flags, gateway.into(), interface).filter(|_| is_default)
}

fn usable(flags: u32, gateway: IpAddr, interface: &str) -> Option<Route<'_>> {
    let is_usable = flags & RTF_UP != 0 && flags & RTF_REJECT == 0;
    is_usable.then_some(Route {
        gateway: (flags & RTF_GATEWAY != 0).then_some(gateway),
        interface,
    })
}

/// The name servers that are not on this machine: one of our own answers without an uplink, too.
fn resolvers(conf: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in conf.lines() {
        let mut words = line.split_whitespace();
        let server = match (words.next(), words.next()) {
            (Some("nameserver"), Some(server)) => server.parse::<IpAddr>(),
            _ => continue,
        };
        if let Ok(ip) = server
            && !(is_here(ip) || found.contains(&ip))
        {
            found.push(ip);
        }
    }
    found.truncate(RESOLVERS);
    found
}

/// Whether an address is one of this machine's: what is sent there would come from there.
fn is_here(ip: IpAddr) -> bool {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a datagram socket sends nothing; the port has no meaning.
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((ip, 9))?;
        socket.local_addr()
    });
    ip.is_loopback() || ip.is_unspecified() || from.is_ok_and(|from| from.ip() == ip)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
    const ROUTES_V6: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n\
        fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo\n";

    /// A system with these files in a folder.
    fn system(folder: &Path, routes: &str, routes_v6: &str, resolv_conf: &str) -> System {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("written");
            path
        };
        fs::create_dir_all(folder.join("eth0")).expect("made");
        write("eth0/ifindex", "7\n");
        System {
            routes: [write("route", routes), write("ipv6_route", routes_v6)],
            resolv_conf: write("resolv.conf", resolv_conf),
            interfaces: folder.to_owned(),
        }
    }

    #[test]
    fn gateways_and_name_servers_are_found_where_the_system_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let conf = "# a comment\nnameserver 127.0.0.53\nnameserver 10.0.0.53\nnameserver ::1\noptions edns0\nnameserver nonsense\n";
        let seen = system(folder.path(), ROUTES, ROUTES_V6, conf).read();
        // The files are as a little-endian machine writes them.
        if cfg!(target_endian = "little") {
            let gateways: Vec<String> = seen.gateways.iter().map(ToString::to_string).collect();
            assert_eq!(gateways, ["10.0.0.1:0", "[fe80::1%7]:0"]);
        }
        assert!(seen.has_route);
        let ten = IpAddr::from([10, 0, 0, 53]);
        assert_eq!(seen.resolvers, [ten]);
    }

    #[test]
    fn a_route_over_a_tunnel_needs_no_gateway_and_one_that_is_gone_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let tunnel = "wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n";
        let seen = system(folder.path(), tunnel, "", "").read();
        assert_eq!((seen.gateways.len(), seen.has_route), (0, true));
        let refused = ROUTES_V6.lines().last().unwrap();
        let seen = system(folder.path(), "", refused, "").read();
        assert_eq!(seen, Seen::default());
    }

    #[test]
    fn a_name_server_at_an_address_of_this_machine_is_here() {
        let here = |ip: &str| is_here(ip.parse().expect("an address"));
        assert!(here("127.0.0.53") && here("::1") && here("0.0.0.0"));
        // For documentation only, so nobody's.
        assert!(!here("203.0.113.7"));
        // The addresses that this machine has, where it has any.
        let local = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
        let mut last = "";
        for line in local.lines().map(str::trim) {
            if line == "/32 host LOCAL" {
                let ip = last.trim_start_matches("|-- ");
                assert!(here(ip), "{ip}");
            }
            last = line;
        }
    }

    #[test]
    fn where_there_are_no_such_files_there_is_nothing() {
        let nowhere = PathBuf::from("/nowhere/at/all");
        let system = System {
            routes: [nowhere.clone(), nowhere.clone()],
            resolv_conf: nowhere.clone(),
            interfaces: nowhere,
        };
        assert_eq!(system.read(), Seen::default());
    }
}
