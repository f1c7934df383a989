//! A question to one address, and whether anything came back.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::probe::error;
use crate::probe::icmp;

/// How often a datagram is sent: the network may lose it, or its answer.
const TRIES: u32 = 3;
/// Larger than any answer to such a question.
const LARGEST: usize = 2_048;

/// In which way somebody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// An echo request.
    Ping,
    /// A connection, which may be refused.
    Tcp,
    /// A question over UDP, for the servers of the root.
    Dns,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// An answer, be it that nothing listens there.
    Something,
    Nothing,
    /// It is our own fault that nobody was asked.
    NotAsked(String),
}

impl How {
    /// Asks. It ends with an answer, with an error, or not at all.
    pub(super) async fn ask(self, at: SocketAddr, until: Instant) -> io::Result<()> {
        match self {
            Self::Tcp => TcpStream::connect(at).await.map(drop),
            Self::Ping => icmp::ping_until(at, TRIES, until).await,
            Self::Dns => dns(at, until).await,
        }
    }

    /// What it does not do when it is silent.
    pub(super) fn silence(self) -> &'static str {
        match self {
            Self::Ping => "does not answer pings",
            Self::Tcp | Self::Dns => "does not answer",
        }
    }
}

impl Said {
    /// What an end means; none for a question that did not come to one.
    pub(super) fn of(how: How, end: Option<io::Result<()>>) -> Self {
        let error = match end {
            Some(Ok(())) => return Self::Something,
            None => return Self::Nothing,
            Some(Err(error)) => error,
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the standard library adds kinds; what is not ours is no answer"
        )]
        match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Self::Something,
            ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => Self::Nothing,
            _ if !error::is_ours(&error) => Self::Nothing,
            ErrorKind::PermissionDenied if how == How::Ping => {
                Self::NotAsked(icmp::NOT_ALLOWED.to_owned())
            }
            _ => Self::NotAsked(error::outcome(&error, "it").message()),
        }
    }
}

/// Any datagram that a question to this port brings back is an answer.
async fn dns(at: SocketAddr, until: Instant) -> io::Result<()> {
    let local: SocketAddr = if at.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(at).await?;
    let patience = icmp::patience(until, TRIES);
    let mut buffer = [0; LARGEST];
    loop {
        socket.send(&question()).await?;
        let answer = socket.recv(&mut buffer);
        if let Ok(answer) = timeout_at(Instant::now() + patience, answer).await {
            return answer.map(drop);
        }
    }
}

/// A question for the name servers of the root (RFC 1035, section 4.1), which every server can answer or refuse.
fn question() -> Vec<u8> {
    let [high, low, ..] = Uuid::new_v4().into_bytes();
    // Its number, recursion desired, one question and nothing else; the root, type NS, class IN.
    let head = [high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let body = [0, 0, 2, 0, 1];
    [head.as_slice(), body.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refusal_is_an_answer_and_what_we_may_not_is_none() {
        let end = |code| Some(Err(io::Error::from_raw_os_error(code)));
        // ECONNREFUSED, ECONNRESET
        for code in [111, 104] {
            assert_eq!(Said::of(How::Tcp, end(code)), Said::Something);
        }
        // ENETDOWN, ENETUNREACH, ETIMEDOUT, EHOSTUNREACH
        for code in [100, 101, 110, 113] {
            assert_eq!(Said::of(How::Tcp, end(code)), Said::Nothing);
        }
        assert_eq!(Said::of(How::Tcp, None), Said::Nothing);
        // EACCES, EMFILE
        let Said::NotAsked(why) = Said::of(How::Ping, end(13)) else {
            panic!("we may not");
        };
        assert!(why.contains("ping_group_range"), "{why}");
        assert!(matches!(Said::of(How::Dns, end(24)), Said::NotAsked(_)));
    }

    #[tokio::test]
    async fn a_port_that_nothing_listens_on_has_answered() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let silent = socket.local_addr().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let soon = Duration::from_millis(200);
        let asked = How::Dns.ask(silent, Instant::now() + soon);
        let heard = tokio::time::timeout(soon, asked).await;
        assert_eq!(Said::of(How::Dns, heard.ok()), Said::Nothing);
        drop(socket);
        let heard = How::Dns.ask(silent, until).await;
        assert_eq!(Said::of(How::Dns, Some(heard)), Said::Something);
        let heard = How::Tcp.ask(silent, until).await;
        assert_eq!(Said::of(How::Tcp, Some(heard)), Said::Something);
    }
}
