//! Questions and answers over UDP: sent again while nobody answers, because the network may lose either.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::env::Env;
use super::error::{self, Looked};
use super::trace::{Stage, Trace};

/// How often a question is sent at most.
const TRIES: u32 = 3;
/// The longest that an answer is waited for before the question is sent again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Largest answer: what a UDP datagram can carry.
const LARGEST: usize = 65_535;
/// Most datagrams that are looked at; a flood of wrong ones is no answer.
const MOST: usize = 1_000;

/// What came of a question.
#[derive(Debug, PartialEq)]
pub(super) enum Asked<T> {
    Answer(T),
    /// What came, the last of it, was no answer to the question.
    Other(Vec<u8>),
    Silence,
}

/// A socket that sends to one address, and hears nobody else; also of ICMP errors. The first address of a name
/// that we have a way to.
pub(super) async fn connect(address: &Address, env: &Env, trace: &mut Trace) -> Looked<UdpSocket> {
    let addresses = address.resolve(env, trace).await?;
    trace.enter(Stage::Connect);
    let mut why = None;
    for ip in addresses {
        let local: SocketAddr = if ip.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let connected = async {
            let socket = UdpSocket::bind(local).await?;
            socket.connect((ip, address.port)).await?;
            Ok(socket)
        };
        match connected.await {
            Ok(socket) => return Ok(socket),
            Err(error) => why = why.or(Some(error)),
        }
    }
    let why = why.unwrap_or_else(|| std::io::ErrorKind::HostUnreachable.into());
    Err(error::outcome(&why, &address.text))
}

/// Asks what `question` makes (anew for each try, with what to know its answer by), until `take` makes something
/// of an answer or the time of `trace` is over.
pub(super) async fn ask<K, T>(
    socket: &UdpSocket,
    at: &str,
    trace: &mut Trace,
    mut question: impl FnMut() -> (Vec<u8>, K),
    mut take: impl FnMut(&K, &[u8]) -> Option<T>,
) -> Looked<Asked<T>> {
    trace.enter(Stage::FirstByte);
    let deadline = trace.deadline();
    // All tries fit, and the last has as much time for its answer as the others.
    let patience = (trace.left() / TRIES).min(PATIENCE);
    let mut buffer = vec![0; LARGEST];
    let mut other = None;
    let mut seen = 0;
    for number in 1..=TRIES {
        let (packet, key) = question();
        let sent = socket.send(&packet).await;
        sent.map_err(|error| error::outcome(&error, at))?;
        let until = if number == TRIES {
            deadline
        } else {
            (Instant::now() + patience).min(deadline)
        };
        while let Ok(received) = timeout_at(until, socket.recv(&mut buffer)).await {
            let length = received.map_err(|error| error::outcome(&error, at))?;
            let answer = buffer.get(..length).unwrap_or_default();
            if let Some(answer) = take(&key, answer) {
                return Ok(Asked::Answer(answer));
            }
            other = Some(answer.to_vec());
            seen += 1;
            if seen >= MOST {
                return Ok(other.map_or(Asked::Silence, Asked::Other));
            }
        }
    }
    Ok(other.map_or(Asked::Silence, Asked::Other))
}
