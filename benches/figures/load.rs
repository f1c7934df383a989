//! A load generator: so many connections, each with one request at a time, for so many seconds.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Prints requests per second, and the 50th and 99th percentile in milliseconds.
pub(crate) fn run() {
    let text = |name: &str| std::env::var(name).unwrap();
    let address: SocketAddr = text("ADDRESS").parse().unwrap();
    let (connections, seconds) = (
        text("CONNECTIONS").parse::<usize>().unwrap(),
        text("SECONDS").parse::<u64>().unwrap(),
    );
    let request = format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        text("METHOD"),
        text("TARGET"),
        text("HEADERS")
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let began = Instant::now();
    let mut waits = runtime.block_on(async {
        let end = began + Duration::from_secs(seconds);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(one(address, request.clone(), end));
        }
        tasks.join_all().await.concat()
    });
    waits.sort_unstable();
    let at = |share: usize| f64::from(waits[(waits.len() - 1) * share / 100]) / 1_000.0;
    #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
    let rate = waits.len() as f64 / began.elapsed().as_secs_f64();
    println!("{rate} {} {}", at(50), at(99));
}

/// The microseconds that each request took.
async fn one(address: SocketAddr, request: String, end: Instant) -> Vec<u32> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut waits = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    while Instant::now() < end {
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut have = 0;
        loop {
            let more = stream.read(&mut buffer[have..]).await.unwrap();
            assert!(more > 0, "the server closed the connection");
            have += more;
            if whole(&buffer[..have]) {
                break;
            }
        }
        assert!(
            buffer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&buffer[..have.min(200)])
        );
        waits.push(u32::try_from(began.elapsed().as_micros()).unwrap());
    }
    waits
}

/// Whether the answer is complete by its Content-Length.
pub(crate) fn whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let headers = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = headers
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.trim().parse().unwrap());
    bytes.len() >= head + 4 + length
}
