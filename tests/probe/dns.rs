//! Name servers: a real one, and some that misbehave.

use std::fmt::Write;
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::Verdict;
use belfry::probe::Env;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::real::{Real, words};
use crate::server::Server;
use crate::tls::{acceptor, chain};
use crate::{PATIENT, assert_fails, look, look_briefly, probe, said, text};

/// A dnsmasq that knows a few names of `example`, and asks nobody else.
async fn dnsmasq() -> Real {
    dnsmasq_asking("").await
}

/// The same, which asks others as this says.
async fn dnsmasq_asking(others: &str) -> Real {
    let mut records = String::from(
        "--host-record=www.example,192.0.2.7,2001:db8::7,300 --host-record=two.example,192.0.2.8 \
         --host-record=two.example,192.0.2.9 --cname=web.example,www.example \
         --mx-host=example,mail.example,10 --srv-host=_sip._tcp.example,sip.example,5060,1,2 \
         --txt-record=example,v=spf1 --caa-record=example,0,issue,ca.example --ptr-record=7.2.0.192.in-addr.arpa,www.example",
    );
    for number in 0..40 {
        let long = "x".repeat(100);
        write!(records, " --txt-record=big.example,{number}-{long}").expect("a text takes it");
    }
    Real::listening("dnsmasq", move |_, port| {
        words(&format!(
            "--keep-in-foreground --conf-file=/dev/null --pid-file= --port={port} --listen-address=127.0.0.1 \
             --bind-interfaces --no-resolv --no-hosts --user=root --local=/example/ {others} {records}"
        ))
    })
    .await
}

/// What is said of each name of a server, asked for with these keys.
async fn said_of(port: u16, all: &[(&str, &str, &str)]) {
    for (name, more, says) in all {
        let keys = format!("dns = {{ name = \"{name}\", server = \"127.0.0.1:{port}\", {more} }}");
        let outcome = look(&keys).await;
        assert_eq!(
            format!("{}: {}", outcome.verdict.word(), text(&outcome)),
            *says
        );
    }
}

#[tokio::test]
async fn a_real_server_is_asked_for_every_kind_of_record() {
    let server = dnsmasq().await;
    let all = [
        ("www.example", "", "pass: 192.0.2.7 in T"),
        ("www.example", "type = \"AAAA\"", "pass: 2001:db8::7 in T"),
        (
            "web.example",
            "expect = \"192.0.2.7\", match = \"exact\"",
            "pass: 192.0.2.7 in T",
        ),
        ("web.example", "type = \"CNAME\"", "pass: www.example in T"),
        (
            "example",
            "type = \"MX\", expect = \"10 mail.example.\"",
            "pass: 10 mail.example in T",
        ),
        (
            "_sip._tcp.example",
            "type = \"SRV\"",
            "pass: 1 2 5060 sip.example in T",
        ),
        ("example", "type = \"TXT\"", "pass: v=spf1 in T"),
        ("example", "type = \"CAA\"", "pass: 0 issue ca.example in T"),
        (
            "7.2.0.192.in-addr.arpa",
            "type = \"PTR\"",
            "pass: www.example in T",
        ),
        ("www.example", "transport = \"tcp\"", "pass: 192.0.2.7 in T"),
    ];
    said_of(server.port, &all).await;
}

#[tokio::test]
async fn what_a_real_server_does_not_say_is_told_as_what_is_missing() {
    let server = dnsmasq().await;
    let port = server.port;
    let all = [
        (
            "www.example",
            "expect = \"192.0.2.8\"",
            "fail: www.example A is 192.0.2.7; 192.0.2.8 is missing",
        ),
        (
            "gone.example",
            "",
            "fail: gone.example does not exist (NXDOMAIN)",
        ),
        (
            "gone.example",
            "rcode = \"NXDOMAIN\"",
            "pass: NXDOMAIN in T",
        ),
        (
            "www.example",
            "type = \"MX\"",
            "fail: www.example has no MX record (NODATA)",
        ),
        (
            "www.example",
            "slow = \"1ms\", rcode = \"NXDOMAIN\"",
            "fail: www.example has A records, expected NXDOMAIN",
        ),
        (
            "www.example",
            "expect = [\"192.0.2.8\", \"192.0.2.9\"], match = \"any\"",
            "fail: www.example A is 192.0.2.7; none of 192.0.2.8, 192.0.2.9",
        ),
        (
            "two.example",
            "expect = [\"192.0.2.8\", \"192.0.2.10\"], match = \"any\"",
            "pass: 192.0.2.8, 192.0.2.9 in T",
        ),
        (
            "two.example",
            "expect = \"192.0.2.8\", match = \"exact\"",
            "fail: two.example A is 192.0.2.8, 192.0.2.9; 192.0.2.9 is not expected",
        ),
        (
            "www.example",
            "type = \"MX\", rcode = \"NODATA\"",
            "pass: NODATA in T",
        ),
    ];
    said_of(port, &all).await;
    let keys = format!("dns = {{ name = \"www.other\", server = \"127.0.0.1:{port}\" }}");
    assert_fails(&look(&keys).await, "refuses to answer (REFUSED)");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_a_datagram_comes_over_tcp() {
    let server = dnsmasq().await;
    let keys = format!(
        "dns = {{ name = \"big.example\", type = \"TXT\", server = \"127.0.0.1:{}\" }}",
        server.port
    );
    let outcome = look(&keys).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    let metrics = outcome.metrics.as_deref().unwrap_or_default();
    let answers = metrics.iter().find(|metric| &*metric.name == "answers");
    assert_eq!(answers.map(|metric| metric.value), Some(40.0));
    assert!(metrics.iter().any(|metric| &*metric.name == "ttl"));
}

/// A server that answers each datagram with what `says` makes of it, until dropped.
async fn datagrams(says: fn(&[u8]) -> Vec<Vec<u8>>) -> (std::net::SocketAddr, JoinSet<()>) {
    datagrams_after(Duration::ZERO, says).await
}

/// The same, a while after it was asked.
async fn datagrams_after(
    pause: Duration,
    says: fn(&[u8]) -> Vec<Vec<u8>>,
) -> (std::net::SocketAddr, JoinSet<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = socket.local_addr().expect("it is bound");
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut packet = [0; 1_024];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            tokio::time::sleep(pause).await;
            for answer in says(&packet[..length]) {
                drop(socket.send_to(&answer, from).await);
            }
        }
    });
    (address, task)
}

/// The question again as an answer with this code.
fn coded(question: &[u8], code: u8) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= 0x80;
    answer[3] = code;
    answer
}

#[tokio::test]
async fn servers_that_fail_lie_or_are_silent_are_told_apart() {
    let keys = |address| format!("dns = {{ name = \"a.example\", server = \"{address}\" }}");
    let (address, _task) = datagrams(|question| vec![coded(question, 2)]).await;
    assert_fails(
        &look(&keys(address)).await,
        "could not look up a.example (SERVFAIL)",
    );

    let (address, _task) = datagrams(|_| vec![]).await;
    assert_fails(
        &look_briefly(&keys(address)).await,
        "no answer within 400 ms",
    );

    let (address, _task) = datagrams(|_| vec![b"garbage".to_vec()]).await;
    assert_fails(
        &look_briefly(&keys(address)).await,
        "but not to what it was asked",
    );

    // Somebody who guesses the number wrongly comes first, and one who answers another question.
    let (address, _task) = datagrams(|question| {
        let mut guessed = coded(question, 3);
        guessed[0] ^= 1;
        let mut other = coded(question, 3);
        other[13] ^= 1;
        vec![guessed, other, coded(question, 5)]
    })
    .await;
    assert_fails(&look(&keys(address)).await, "refuses to answer (REFUSED)");

    let closed = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = closed.local_addr().expect("it is bound");
    drop(closed);
    assert_fails(&look(&keys(address)).await, "nothing listens on 127.0.0.1:");

    let (broken, _task) = datagrams(|question| vec![coded(question, 2)]).await;
    let others = format!("--server=/broken/127.0.0.1#{}", broken.port());
    let real = dnsmasq_asking(&others).await;
    let asked = format!(
        "dns = {{ name = \"a.broken\", server = \"127.0.0.1:{}\" }}",
        real.port
    );
    assert_fails(&look(&asked).await, "could not look up a.broken (SERVFAIL)");
    for (code, part) in [
        (1, "answered FORMERR"),
        (4, "answered NOTIMP"),
        (6, "answered code 6"),
    ] {
        let says = match code {
            1 => |question: &[u8]| vec![coded(question, 1)],
            4 => |question: &[u8]| vec![coded(question, 4)],
            _ => |question: &[u8]| vec![coded(question, 6)],
        };
        let (address, _task) = datagrams(says).await;
        assert_fails(&look(&keys(address)).await, part);
    }
}

#[tokio::test]
async fn over_tcp_a_server_must_answer_to_the_end_and_to_the_question() {
    let server = |answer: &'static [u8]| {
        Server::start(move |mut stream| async move {
            let length = stream.read_u16().await.unwrap_or_default();
            let mut question = vec![0; usize::from(length)];
            drop(stream.read_exact(&mut question).await);
            drop(stream.write_all(answer).await);
        })
    };
    let keys = |server: &Server| {
        format!(
            "dns = {{ name = \"a.example\", server = \"{}\", transport = \"tcp\" }}",
            server.address
        )
    };
    let short = server(b"\xff\xffabc").await;
    assert_fails(
        &look(&keys(&short)).await,
        "closed the connection without an answer",
    );
    let garbage = server(b"\x00\x03abc").await;
    assert_fails(&look(&keys(&garbage)).await, "but not to what it was asked");
    let silent = Server::start(|mut stream| async move {
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    assert_fails(
        &look_briefly(&keys(&silent)).await,
        "no answer within 400 ms",
    );
    // Cut to fit a datagram, and nobody to ask for the whole.
    let (address, _task) = datagrams(|question| {
        let mut answer = coded(question, 0);
        answer[2] |= 2;
        vec![answer]
    })
    .await;
    let keys = format!("dns = {{ name = \"a.example\", server = \"{address}\" }}");
    assert_fails(&look(&keys).await, "nothing listens on 127.0.0.1:");
}

#[tokio::test]
async fn a_slow_answer_is_warned_of_and_what_was_asserted_is_explained() {
    let pause = Duration::from_millis(5);
    let (address, _task) = datagrams_after(pause, |question| vec![coded(question, 3)]).await;
    let keys = format!(
        "dns = {{ name = \"a.example\", server = \"{address}\", rcode = \"NXDOMAIN\", slow = \"1ms\" }}"
    );
    let outcome = look(&keys).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert_eq!(text(&outcome), "NXDOMAIN in T, slower than 1.0 ms");
    let server = dnsmasq().await;
    for (how, expected) in [
        ("all", "all of 192.0.2.7"),
        ("any", "one of 192.0.2.7"),
        ("exact", "exactly 192.0.2.7"),
    ] {
        let keys = format!(
            "dns = {{ name = \"www.example\", server = \"127.0.0.1:{}\", expect = \"192.0.2.7\", match = \"{how}\" }}",
            server.port
        );
        let (_, findings) = probe(&keys).explain(&crate::env(), PATIENT).await;
        let told: Vec<String> = findings
            .iter()
            .map(|f| format!("{}: {}, {}", f.what, f.expected, f.found))
            .collect();
        let answers = format!("answers: {expected}, 192.0.2.7");
        assert_eq!(told, ["answer of the server: NOERROR, NOERROR", &answers]);
    }
}

#[tokio::test]
async fn over_tls_the_certificate_counts_too() {
    let chain = chain("localhost", 5, 400);
    let acceptor = acceptor(chain.certificates, chain.key);
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await
                && let Ok(length) = stream.read_u16().await
            {
                let mut question = vec![0; usize::from(length)];
                drop(stream.read_exact(&mut question).await);
                drop(stream.write_u16(length).await);
                drop(stream.write_all(&coded(&question, 3)).await);
                drop(stream.flush().await);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    })
    .await;
    let env = Env::new(Clock::start(), std::sync::Arc::default()).trusting(chain.root);
    let keys = format!(
        "dns = {{ name = \"a.example\", server = \"localhost:{}\", transport = \"tls\", rcode = \"NXDOMAIN\" }}",
        server.address.port()
    );
    let outcome = probe(&keys).run(&env, PATIENT).await;
    assert_eq!(
        text(&outcome),
        "NXDOMAIN in T, the certificate expires in 5 days (warn at 14 days)"
    );
    assert_eq!(outcome.verdict, Verdict::Warn);
}
