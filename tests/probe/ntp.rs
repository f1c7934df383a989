//! Time servers: a real one, and some that have no time.

use std::net::SocketAddr;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use crate::real::Real;
use crate::{PATIENT, assert_fails, env, look, look_briefly, probe, said};

/// Answers each question with what `change` makes of a plain answer, until dropped.
async fn server(change: fn(&mut [u8; 48])) -> (SocketAddr, JoinSet<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = socket.local_addr().expect("it is bound");
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut packet = [0; 48];
        while let Ok((_, from)) = socket.recv_from(&mut packet).await {
            let asked = packet;
            packet[0] = 0x24;
            packet[1] = 1;
            packet[24..32].copy_from_slice(&asked[40..]);
            change(&mut packet);
            drop(socket.send_to(&packet, from).await);
        }
    });
    (address, task)
}

/// Wants not to be asked (RFC 5905, section 7.4).
fn kiss(packet: &mut [u8; 48], code: [u8; 4]) {
    packet[1] = 0;
    packet[12..16].copy_from_slice(&code);
}

/// Says a time so many milliseconds ahead of ours.
fn ahead(packet: &mut [u8; 48], millis: i64) {
    let now = Clock::start().now().millis() + millis;
    let seconds = u32::try_from(now / 1_000 + 2_208_988_800).expect("it is before 2036");
    let fraction = u32::try_from(((now % 1_000) << 32) / 1_000).expect("less than one");
    for at in [32, 40] {
        packet[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
        packet[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
    }
}

fn keys(address: SocketAddr) -> String {
    format!("ntp.server = \"{address}\"")
}

/// chrony with these lines more.
fn chrony(more: &str) -> Real {
    Real::start("chronyd", |folder, port| {
        let file = folder.join("chrony.conf");
        let folder = folder.display();
        let text = format!(
            "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\npidfile {folder}/pid\n\
             driftfile {folder}/drift\nbindcmdaddress /\n{more}\n"
        );
        std::fs::write(&file, text).expect("there is room");
        let file = file.display().to_string();
        ["-d", "-x", "-U", "-u", "root", "-f", &file]
            .map(str::to_owned)
            .to_vec()
    })
}

/// Looks until it listens and this is said.
async fn comes_to(server: &Real, more: &str, part: &str) -> Outcome {
    let until = Instant::now() + Duration::from_secs(20);
    let keys = format!("ntp = {{ server = \"127.0.0.1:{}\"{more} }}", server.port);
    loop {
        let outcome = look_briefly(&keys).await;
        if said(&outcome).contains(part) {
            return outcome;
        }
        assert!(Instant::now() < until, "{}", said(&outcome));
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_real_server_with_the_same_clock_is_right() {
    let server = chrony("local stratum 3");
    let outcome = comes_to(&server, "", "pass: stratum 3, our clock is ").await;
    let metrics = outcome.metrics.as_deref().unwrap_or_default();
    let names: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["offset", "stratum", "delay", "dispersion"]);
    comes_to(&server, ", stratum_warn = 3", "warn: stratum 3 (warn at 3)").await;
    comes_to(&server, ", stratum_fail = 2", "fail: stratum 3 (fail at 2)").await;
    let keys = format!("ntp.server = \"127.0.0.1:{}\"", server.port);
    let (_, findings) = probe(&keys).explain(&env(), PATIENT).await;
    let told: Vec<String> = findings
        .iter()
        .map(|f| format!("{}: {}, {}", f.what, f.expected, f.found))
        .collect();
    let [synchronised, offset, stratum] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(
        synchronised,
        "synchronised: leap indicator 0 to 2, a stratum, a time, all of it"
    );
    assert!(offset.starts_with("offset: below 128 ms, "), "{offset}");
    assert_eq!(stratum, "stratum: below 16, 3");
}

#[tokio::test]
async fn a_real_server_that_follows_nobody_is_not_synchronised() {
    let server = chrony("");
    let part = "is not synchronised (leap indicator 3)";
    let outcome = comes_to(&server, "", part).await;
    assert_eq!(outcome.verdict, Verdict::Fail);
}

#[tokio::test]
async fn a_server_without_time_or_with_another_is_told() {
    let (address, _task) = server(|packet| packet[0] = 0xe4).await;
    assert_fails(
        &look(&keys(address)).await,
        "is not synchronised (leap indicator 3)",
    );

    let (address, _task) = server(|packet| kiss(packet, *b"DENY")).await;
    assert_fails(
        &look(&keys(address)).await,
        "denies us access (kiss-o'-death DENY)",
    );
    let (address, _task) = server(|packet| kiss(packet, *b"INIT")).await;
    assert_fails(
        &look(&keys(address)).await,
        "gives no time (kiss-o'-death INIT)",
    );
    let (address, _task) = server(|packet| kiss(packet, *b"RATE")).await;
    let often = look(&keys(address)).await;
    assert_eq!(
        said(&often),
        format!("unknown: {address} is asked too often (kiss-o'-death RATE); look less often")
    );
    let (address, _task) = server(|packet| packet[32..].fill(0)).await;
    assert_fails(
        &look(&keys(address)).await,
        "is not synchronised (it names no time)",
    );
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_with_its_side() {
    let (address, _task) = server(|packet| ahead(packet, 300)).await;
    let outcome = look(&keys(address)).await;
    assert_eq!(outcome.verdict, Verdict::Warn, "{}", said(&outcome));
    let told = said(&outcome);
    assert!(
        told.ends_with(" (warn at 128 ms); our clock is behind"),
        "{told}"
    );
    // The year 2000.
    let (address, _task) = server(|packet| {
        packet[32..36].copy_from_slice(&3_155_673_600_u32.to_be_bytes());
        packet[40..44].copy_from_slice(&3_155_673_600_u32.to_be_bytes());
    })
    .await;
    let outcome = look(&keys(address)).await;
    assert_fails(&outcome, " (fail at 1 s); our clock is ahead");
}

#[tokio::test]
async fn an_answer_that_does_not_repeat_our_number_is_none() {
    let (address, _task) = server(|packet| packet[24] ^= 1).await;
    assert_fails(
        &look_briefly(&keys(address)).await,
        "answers, but not to our question in NTP",
    );
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("it is free");
    let address = silent.local_addr().expect("it is bound");
    assert_fails(
        &look_briefly(&keys(address)).await,
        "no answer within 400 ms",
    );
    drop(silent);
    assert_fails(&look(&keys(address)).await, "nothing listens on 127.0.0.1:");
}
