//! Sends the requests and hears the replies.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::Settings;
use super::echo::{self, Mark};
use crate::core::outcome::Outcome;
use crate::probe::env::Env;
use crate::probe::error::{self, Looked};
use crate::probe::trace::{Stage, Trace};

/// Larger than any reply to a request of ours.
const LARGEST: usize = 2_048;
/// Linux's number for "address family not supported": a system without IPv6.
const EAFNOSUPPORT: i32 = 97;

/// What is said where we may not ping, with what to do.
pub(in crate::probe) const NOT_ALLOWED: &str =
    "we may not ping; run: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"";

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) ip: IpAddr,
    pub(super) sent: u16,
    /// The round-trip times of those that came back.
    pub(super) times: Vec<Duration>,
    /// What somebody on the way said instead.
    pub(super) error: Option<String>,
}

/// Pings the first address that we have a way to.
pub(super) async fn ping(settings: &Settings, env: &Env, trace: &mut Trace) -> Looked<Seen> {
    let addresses = settings.address.resolve(env, trace).await?;
    trace.enter(Stage::FirstByte);
    let mut why = None;
    for ip in addresses {
        let connected = match socket(ip) {
            // What the system lets only some do says nothing of the way there.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Outcome::unknown(NOT_ALLOWED));
            }
            Err(error) => Err(error),
            Ok(socket) => {
                let connected = socket.connect(SocketAddr::new(ip, 0)).await;
                connected.map(|()| socket)
            }
        };
        match connected {
            Ok(socket) => return exchange(settings, &socket, ip, trace).await,
            Err(error) => why = why.or(Some((error, ip))),
        }
    }
    let (error, ip) = why.expect("a name without an address was told before");
    Err(unreached(&error, ip))
}

fn unreached(error: &io::Error, ip: IpAddr) -> Outcome {
    if error.raw_os_error() == Some(EAFNOSUPPORT) {
        return Outcome::unknown(&format!("our system has no way to {ip} (no such family)"));
    }
    error::outcome(error, &ip.to_string())
}

/// A ping socket. The system numbers it, and gives it the replies to that number only. For tokio it is a socket
/// of datagrams as any other.
fn socket(of: IpAddr) -> io::Result<UdpSocket> {
    let (domain, protocol) = match of {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

/// How long an answer is waited for before the next of so many tries, of which the last has its time, too.
pub(in crate::probe) fn patience(until: Instant, tries: u32) -> Duration {
    let left = until.saturating_duration_since(Instant::now());
    // Not at all would be a flood.
    (left / tries.max(1)).max(Duration::from_millis(10))
}

/// Sends so many requests, spread over the time, and ends with the first reply. Without one it does not end.
pub(in crate::probe) async fn ping_until(
    to: SocketAddr,
    tries: u32,
    until: Instant,
) -> io::Result<()> {
    let socket = socket(to.ip())?;
    socket.connect(to).await?;
    let identifier = socket.local_addr().map_or(0, |local| local.port());
    let mark: Mark = Uuid::new_v4().into_bytes();
    let patience = patience(until, tries);
    let mut buffer = [0; LARGEST];
    for number in 0.. {
        let packet = echo::request(to.is_ipv6(), number, mark, mark.len());
        socket.send(&packet).await?;
        let next = Instant::now() + patience;
        while let Ok(received) = timeout_at(next, socket.recv(&mut buffer)).await {
            let packet = buffer.get(..received?).unwrap_or_default();
            if echo::reply(to.is_ipv6(), packet, identifier, mark).is_some() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The requests that wait for their reply, by their number, and what came.
struct Exchange {
    sent: Vec<Instant>,
    heard: Vec<Option<Duration>>,
    error: Option<String>,
}

async fn exchange(
    settings: &Settings,
    socket: &UdpSocket,
    ip: IpAddr,
    trace: &Trace,
) -> Looked<Seen> {
    let identifier = socket.local_addr().map_or(0, |local| local.port());
    let mark: Mark = Uuid::new_v4().into_bytes();
    let deadline = trace.deadline();
    // All requests, and some time for the last, fit the look.
    let interval = settings
        .interval
        .min(trace.left() / (2 * u32::from(settings.count)));
    let mut under_way = Exchange {
        sent: Vec::new(),
        heard: vec![None; usize::from(settings.count)],
        error: None,
    };
    for number in 0..settings.count {
        let packet = echo::request(ip.is_ipv6(), number, mark, settings.size);
        let now = Instant::now();
        under_way.sent.push(now);
        match socket.send(&packet).await {
            Ok(_) => {}
            Err(error) if error::is_ours(&error) => return Err(unreached(&error, ip)),
            Err(error) => under_way.failed(&error, ip),
        }
        let is_last = number + 1 == settings.count;
        let pause = if is_last { settings.wait } else { interval };
        let until = (now + pause).min(deadline);
        under_way
            .hear(socket, (ip, identifier, mark), until, is_last)
            .await;
    }
    Ok(Seen {
        ip,
        sent: settings.count,
        times: under_way.heard.into_iter().flatten().collect(),
        error: under_way.error,
    })
}

impl Exchange {
    fn failed(&mut self, error: &io::Error, ip: IpAddr) {
        let outcome = error::outcome(error, &ip.to_string());
        self.error.get_or_insert_with(|| outcome.message());
    }

    /// Takes in replies until then, or until the last is there.
    async fn hear(
        &mut self,
        socket: &UdpSocket,
        (ip, identifier, mark): (IpAddr, u16, Mark),
        until: Instant,
        is_last: bool,
    ) {
        let mut buffer = [0; LARGEST];
        loop {
            if is_last && self.heard.iter().all(Option::is_some) {
                return;
            }
            let Ok(received) = timeout_at(until, socket.recv_from(&mut buffer)).await else {
                return;
            };
            let (length, from) = match received {
                Ok(received) => received,
                Err(error) => {
                    // Somebody on the way says that it cannot be reached; the socket goes on.
                    self.failed(&error, ip);
                    continue;
                }
            };
            let packet = buffer.get(..length).unwrap_or_default();
            let number = echo::reply(ip.is_ipv6(), packet, identifier, mark);
            let Some(number) = number.filter(|_| from.ip() == ip).map(usize::from) else {
                continue;
            };
            // Of a reply that comes twice, the first counts.
            if let (Some(sent), Some(slot)) = (self.sent.get(number), self.heard.get_mut(number)) {
                slot.get_or_insert_with(|| sent.elapsed());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_system_has_no_way_to_is_unknown() {
        let ip = "192.0.2.7".parse().unwrap();
        for (code, said) in [
            (
                13,
                "unknown: we may not connect there (permission denied); look at our firewall and unit",
            ),
            (
                97,
                "unknown: our system has no way to 192.0.2.7 (no such family)",
            ),
            (
                101,
                "unknown: our network has no way there (network unreachable)",
            ),
            (113, "fail: 192.0.2.7 cannot be reached (no route to host)"),
        ] {
            let outcome = unreached(&io::Error::from_raw_os_error(code), ip);
            assert_eq!(
                format!("{}: {}", outcome.verdict.word(), outcome.message()),
                said
            );
        }
    }
}
