//! What becomes of those who are slow, and of everybody at the end.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::*;
use crate::config::Rates;

/// A test that waits longer than this has found something that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes, but where a test wants it short.
fn patient() -> Limits {
    Limits {
        command: PATIENCE * 2,
        block: PATIENCE * 2,
        session: PATIENCE * 2,
        ..Limits::default()
    }
}

/// A server without heartbeats.
async fn server(limits: Limits) -> (SocketAddr, CancellationToken, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (inbox, _inputs) = Inbox::new();
    let sources = Sources {
        view: watch::Sender::new(Arc::new(View::default())).subscribe(),
        inbox,
        vitals: Arc::new(Vitals::default()),
        clock: Clock::start(),
        keys: watch::Sender::new(Keys::default()).subscribe(),
        buckets: Arc::new(Buckets::new(&Rates::OFF)),
        domain: "ping.example.org".into(),
    };
    let end = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(run(vec![listener], sources, limits, end.clone()));
    (address, end, tasks)
}

/// Everything that is said until the connection is closed.
async fn heard(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let read = timeout(PATIENCE, stream.read_to_string(&mut text)).await;
    read.expect("it is closed").expect("it can be read");
    text
}

#[tokio::test]
async fn who_says_nothing_or_never_ends_a_line_is_told_and_let_go() {
    let limits = Limits {
        command: Duration::from_millis(200),
        ..patient()
    };
    let (address, _end, _tasks) = server(limits).await;
    let mut silent = TcpStream::connect(address).await.expect("open");
    let said = heard(&mut silent).await;
    assert!(
        said.starts_with("220 ") && said.ends_with("421 4.4.2 too slow\r\n"),
        "{said}"
    );
    // However lively it drips.
    let mut drips = TcpStream::connect(address).await.expect("open");
    let began = Instant::now();
    while drips.write_all(b"N").await.is_ok() {
        assert!(began.elapsed() < PATIENCE, "still open");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_whole_connection_has_its_time() {
    let limits = Limits {
        session: Duration::from_millis(300),
        ..patient()
    };
    let (address, _end, _tasks) = server(limits).await;
    let mut busy = TcpStream::connect(address).await.expect("open");
    let began = Instant::now();
    while busy.write_all(b"NOOP\r\n").await.is_ok() {
        assert!(began.elapsed() < PATIENCE, "still open");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn at_the_end_whoever_waits_is_told_to_come_again() {
    let (address, end, mut tasks) = server(patient()).await;
    let mut idle = TcpStream::connect(address).await.expect("open");
    idle.write_all(b"EHLO me\r\n").await.expect("open");
    let mut piece = [0; 256];
    let mut said = String::new();
    while !said.contains("250 ENHANCEDSTATUSCODES\r\n") {
        let len = idle.read(&mut piece).await.expect("open");
        said.push_str(&String::from_utf8_lossy(&piece[..len]));
    }
    end.cancel();
    let said = heard(&mut idle).await;
    assert_eq!(said, "421 4.3.2 shutting down, come again\r\n");
    let ended = timeout(PATIENCE, tasks.join_next()).await;
    assert!(ended.expect("it ends").is_some_and(|ended| ended.is_ok()));
}
