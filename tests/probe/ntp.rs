//! Time servers: a real one, and some that have no time.

use std::net::SocketAddr;

use belfry::core::outcome::Verdict;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use crate::real::Real;
use crate::{assert_fails, look, look_briefly, said};

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

fn keys(address: SocketAddr) -> String {
    format!("ntp.server = \"{address}\"")
}

#[tokio::test]
async fn a_real_server_with_the_same_clock_is_right() {
    let chrony = Real::start("chronyd", |folder, port| {
        let file = folder.join("chrony.conf");
        let folder = folder.display();
        let text = format!(
            "port {port}\nbindaddress 127.0.0.1\nlocal stratum 3\nallow 127.0.0.1\ncmdport 0\n\
             pidfile {folder}/pid\ndriftfile {folder}/drift\nbindcmdaddress /\n"
        );
        std::fs::write(&file, text).expect("there is room");
        let file = file.display().to_string();
        ["-d", "-x", "-U", "-u", "root", "-f", &file]
            .map(str::to_owned)
            .to_vec()
    });
    let until = Instant::now() + Duration::from_secs(20);
    let keys = format!("ntp.server = \"127.0.0.1:{}\"", chrony.port);
    let outcome = loop {
        let outcome = look_briefly(&keys).await;
        if outcome.verdict == Verdict::Pass || Instant::now() > until {
            break outcome;
        }
        sleep(Duration::from_millis(50)).await;
    };
    assert!(
        said(&outcome).starts_with("pass: stratum 3, our clock is "),
        "{}",
        said(&outcome)
    );
    let metrics = outcome.metrics.as_deref().unwrap_or_default();
    let names: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["offset", "stratum", "delay", "dispersion"]);
}

#[tokio::test]
async fn a_server_without_time_or_with_another_is_told() {
    let (address, _task) = server(|packet| packet[0] = 0xe4).await;
    assert_fails(
        &look(&keys(address)).await,
        "is not synchronised (leap indicator 3)",
    );

    let (address, _task) = server(|packet| {
        packet[1] = 0;
        packet[12..16].copy_from_slice(b"DENY");
    })
    .await;
    assert_fails(
        &look(&keys(address)).await,
        "denies us access (kiss-o'-death DENY)",
    );

    // The year 2000.
    let (address, _task) = server(|packet| {
        packet[32..36].copy_from_slice(&3_155_673_600_u32.to_be_bytes());
        packet[40..44].copy_from_slice(&3_155_673_600_u32.to_be_bytes());
    })
    .await;
    let outcome = look(&keys(address)).await;
    assert_fails(&outcome, "offset ");
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
