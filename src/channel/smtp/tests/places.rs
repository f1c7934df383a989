//! Where a relay is: names, asked of a name server that does what the test wants.

use std::fs;
use std::net::SocketAddr;

use tokio::net::UdpSocket;
use tokio::runtime;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use super::*;

/// A name server on loopback that knows one address for every name, or never says anything.
async fn name_server(tasks: &mut JoinSet<()>, answers: bool) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("bound");
    tasks.spawn(async move {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            if let Some(answer) = answer(&packet[..length]).filter(|_| answers) {
                socket.send_to(&answer, from).await.expect("it leaves");
            }
        }
    });
    address
}

/// 127.0.0.1 to a question for an IPv4 address, and nothing to any other.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let name = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let mut out = query.get(..12 + name + 5)?.to_vec();
    let known = out[12 + name + 1..12 + name + 3] == [0, 1];
    out[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(known), 0, 0, 0, 0]);
    if known {
        // The name again, A, IN, a minute, four bytes.
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(out)
}

async fn send_by(names: &Names, url: &str, deadlines: &Deadlines) -> Delivered {
    let address: Address = "ops@example.org".parse().expect("an address");
    let letter = Letter {
        from: &address,
        to: &address,
        bytes: CONTENT,
    };
    let way = Way {
        settings: &settings(url),
        deadlines,
        names,
    };
    deliver(way, letter, async { true }).await
}

#[tokio::test]
async fn a_relay_is_where_the_name_server_says() {
    let mut tasks = JoinSet::new();
    let names = Names::of(name_server(&mut tasks, true).await);
    let sink = Sink::honest().await;
    let url = format!("smtp://relay.example.org:{}", sink.address.port());
    let delivered = send_by(&names, &url, &PATIENT).await;
    assert_eq!(class(&delivered), Class::Accepted, "{delivered:?}");
}

#[tokio::test]
async fn a_relay_of_the_hosts_file_is_found_though_no_name_server_answers() {
    let mut tasks = JoinSet::new();
    let names = Names::of(name_server(&mut tasks, false).await);
    let sink = Sink::honest().await;
    let hosts = fs::read_to_string("/etc/hosts").expect("every system has one");
    let here = hosts
        .lines()
        .filter_map(|line| line.strip_prefix("127.0.0.1"));
    let known = here.flat_map(str::split_whitespace).last();
    let url = format!(
        "smtp://{}:{}",
        known.unwrap_or("localhost"),
        sink.address.port()
    );
    let delivered = send_by(&names, &url, &PATIENT).await;
    assert_eq!(class(&delivered), Class::Accepted, "{delivered:?}");
}

#[test]
fn a_resolver_that_does_not_answer_takes_no_thread_from_those_who_need_one() {
    let runtime = runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        let names = Names::of(name_server(&mut tasks, false).await);
        let lookups = async {
            for _ in 0..3 {
                let deadlines = Deadlines {
                    connect: Duration::from_millis(300),
                    ..PATIENT
                };
                let delivered = send_by(&names, "smtp://relay.example.org", &deadlines).await;
                assert_eq!(class(&delivered), Class::Broken);
                assert_eq!(
                    reply(&delivered),
                    "lookup: the name was not resolved in time"
                );
                let other = timeout(PATIENT.verb, spawn_blocking(|| 7)).await;
                assert_eq!(other.expect("a thread is free").expect("it ran"), 7);
            }
        };
        lookups.await;
    });
}
