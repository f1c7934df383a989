//! The limits: a bare hyper server and a raw tokio client.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers every request with the bytes of the file `$BODY` under the head in `$HEAD`, on a free port that it prints,
/// at as many addresses as `$ADDRESSES` says: 127.0.0.1 and those that follow.
pub(crate) fn serve() {
    let head = head();
    let body = Bytes::from(std::fs::read(std::env::var("BODY").unwrap()).unwrap());
    runtime().block_on(async {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut houses = tokio::task::JoinSet::new();
        let wanted = std::env::var("ADDRESSES").map_or(1, |text| text.parse::<u8>().unwrap());
        for last in 2..=wanted {
            let next = TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), port));
            houses.spawn(answer_all(next.await.unwrap(), head.clone(), body.clone()));
        }
        houses.spawn(answer_all(first, head, body));
        println!("127.0.0.1:{port}");
        std::io::stdout().flush().unwrap();
        houses.join_all().await;
    });
}

async fn answer_all(listener: TcpListener, head: HeaderMap, body: Bytes) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        stream.set_nodelay(true).unwrap();
        let (head, body) = (head.clone(), body.clone());
        let answer = move |_: Request<hyper::body::Incoming>| {
            let mut response = Response::new(Full::new(body.clone()));
            *response.headers_mut() = head.clone();
            async move { Ok::<_, Infallible>(response) }
        };
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer)),
        );
    }
}

/// The lines of `$HEAD`, but for what hyper writes by itself.
fn head() -> HeaderMap {
    let text = std::env::var("HEAD").unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    let own = |name: &str| ["connection", "content-length", "date"].contains(&name);
    let kept = pairs.filter(|(name, _)| !own(name));
    kept.map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, value.parse().unwrap())
    })
    .collect()
}

/// Looks at `$ADDRESS` `$RATE` times a second for `$SECONDS`: connect, GET, read, close. Prints the
/// number of looks and the CPU seconds they cost.
pub(crate) fn raw_client() {
    let address: SocketAddr = std::env::var("ADDRESS").unwrap().parse().unwrap();
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (rate, seconds) = (number("RATE"), number("SECONDS"));
    let looks = runtime().block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        let began = Instant::now();
        let step = Duration::from_secs(1) / u32::try_from(rate).unwrap();
        for look in 0..rate * seconds {
            let due = began + step * u32::try_from(look).unwrap();
            tokio::time::sleep_until(due.into()).await;
            tasks.spawn(look_once(address));
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
        rate * seconds
    });
    println!(
        "{looks} {}",
        super::belfry_process::cpu_seconds(std::process::id())
    );
}

async fn look_once(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 4_096];
    while stream.read(&mut buffer).await.unwrap() > 0 {}
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}
