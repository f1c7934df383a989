//! Names, asked of a name server that does what the test wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::Env;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::server::{Server, page};
use crate::{PATIENT, assert_fails, probe, said, text};

const A: u16 = 1;
const AAAA: u16 = 28;

/// What the name server says to a question.
#[derive(Clone, Copy)]
enum Says {
    Address(&'static [u8]),
    Code(u8),
    Nothing,
}

/// A name server on loopback, until dropped.
struct NameServer {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl NameServer {
    async fn start(says: fn(u16) -> Says) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = socket.local_addr().expect("it is bound");
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                if let Some(answer) = answer(&packet[..length], says) {
                    socket
                        .send_to(&answer, from)
                        .await
                        .expect("loopback takes it");
                }
            }
        });
        Self {
            address,
            _task: task,
        }
    }

    async fn look(&self, keys: &str, timeout: Duration) -> Outcome {
        let env = Env::new(Clock::start(), Arc::default()).asking(self.address);
        probe(keys).run(&env, timeout).await
    }
}

/// The answer to a query: its header and question again, and an address.
fn answer(query: &[u8], says: fn(u16) -> Says) -> Option<Vec<u8>> {
    let name = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let end = 12 + name + 5;
    let question = query.get(..end)?;
    let kind = u16::from_be_bytes([question[end - 4], question[end - 3]]);
    let (code, address) = match says(kind) {
        Says::Nothing => return None,
        Says::Code(code) => (code, None),
        Says::Address(address) => (0, Some(address)),
    };
    let mut out = question.to_vec();
    out[2] = 0x81;
    out[3] = 0x80 | code;
    out[4..12].copy_from_slice(&[0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        out.extend_from_slice(&[0xc0, 12]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 0, 60, 0, u8::try_from(address.len()).ok()?]);
        out.extend_from_slice(address);
    }
    Some(out)
}

#[tokio::test]
async fn a_name_that_does_not_exist_fails_and_a_broken_zone_is_told_apart() {
    let server = NameServer::start(|_| Says::Code(3)).await;
    let outcome = server
        .look("http.url = \"http://gone.example./\"", PATIENT)
        .await;
    assert_eq!(
        said(&outcome),
        "fail: name gone.example. not found (NXDOMAIN)"
    );

    let server = NameServer::start(|_| Says::Code(2)).await;
    let outcome = server
        .look("tcp.address = \"broken.example.:1\"", PATIENT)
        .await;
    assert_eq!(
        said(&outcome),
        "fail: name broken.example. cannot be resolved (SERVFAIL)"
    );

    let server = NameServer::start(|_| Says::Code(0)).await;
    let outcome = server
        .look(
            "tcp = { address = \"six.example.:1\", ip = \"4\" }",
            PATIENT,
        )
        .await;
    assert_eq!(
        said(&outcome),
        "fail: name six.example. has no IPv4 address"
    );
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_says_nothing_of_the_target() {
    let server = NameServer::start(|_| Says::Nothing).await;
    let keys = "tcp.address = \"db.example.:5432\"";
    let outcome = server.look(keys, Duration::from_millis(300)).await;
    assert_eq!(
        said(&outcome),
        "unknown: the resolver did not answer within 300 ms"
    );
    let outcome = server.look(keys, PATIENT).await;
    assert_eq!(
        said(&outcome),
        "unknown: the resolver does not answer; look at /etc/resolv.conf"
    );

    let server = NameServer::start(|_| Says::Code(5)).await;
    let outcome = server.look(keys, PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Unknown, "{}", said(&outcome));
}

#[tokio::test]
async fn one_family_that_is_dead_does_not_keep_us_from_the_other() {
    let web = Server::http(|_| async { page(200, "") }).await;
    let keys = format!(
        "http.url = \"http://shop.example.:{}/\"",
        web.address.port()
    );
    // The AAAA record is never answered.
    let server = NameServer::start(|kind| match kind {
        A => Says::Address(&[127, 0, 0, 1]),
        _ => Says::Nothing,
    })
    .await;
    let outcome = server.look(&keys, PATIENT).await;
    assert_eq!(text(&outcome), "200 OK in T");
    let phases = outcome.phases.as_ref().expect("phases are measured");
    assert_eq!(&*phases[0].name, "dns");

    // Nothing listens on the IPv6 address, which is tried first.
    let server = NameServer::start(|kind| match kind {
        A => Says::Address(&[127, 0, 0, 1]),
        AAAA => Says::Address(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        _ => Says::Nothing,
    })
    .await;
    assert_eq!(text(&server.look(&keys, PATIENT).await), "200 OK in T");
    let keys = format!(
        "http = {{ url = \"http://shop.example.:{}/\", ip = \"6\" }}",
        web.address.port()
    );
    let outcome = server.look(&keys, PATIENT).await;
    if outcome.verdict == Verdict::Fail {
        assert_fails(&outcome, "over IPv6 (connection refused)");
    } else {
        // A machine without IPv6.
        assert_eq!(outcome.verdict, Verdict::Unknown, "{}", said(&outcome));
    }
}

#[tokio::test]
async fn a_name_that_nobody_can_have_is_told_as_such() {
    let server = NameServer::start(|_| Says::Code(4)).await;
    let outcome = server.look("tcp.address = \"a..b:1\"", PATIENT).await;
    assert_eq!(
        said(&outcome),
        "fail: a..b is not a name that DNS can look up"
    );
    let outcome = server.look("tcp.address = \"a.example.:1\"", PATIENT).await;
    assert_fails(&outcome, "name a.example. cannot be resolved (");
    // DNS can, and no certificate can be for it.
    let web = Server::start(|_| std::future::pending()).await;
    let server = NameServer::start(|kind| match kind {
        A => Says::Address(&[127, 0, 0, 1]),
        _ => Says::Code(0),
    })
    .await;
    let at = format!("a-.example.:{}", web.address.port());
    let keys = format!("tcp = {{ address = \"{at}\", tls = true }}");
    let outcome = server.look(&keys, PATIENT).await;
    let part = "a-.example. is no name that a certificate can be for";
    assert_fails(&outcome, part);
    let keys = format!("http = {{ url = \"http://shop.example/\", proxy = \"https://{at}\" }}");
    let outcome = server.look(&keys, PATIENT).await;
    assert_fails(&outcome, &format!("the proxy: {part}"));
}
