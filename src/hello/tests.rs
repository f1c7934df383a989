//! Stories about the hello pages, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    hello: SocketAddr,
    shrunken: SocketAddr,
    content: watch::Sender<Arc<Content>>,
    _tasks: JoinSet<()>,
}

async fn stage() -> Stage {
    let hello = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let shrunken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = |listener: &TcpListener| listener.local_addr().expect("an address");
    let addresses = (at(&hello), at(&shrunken));
    let (sender, receiver) = watch::channel(Arc::new(Content::default()));
    let ports = Ports {
        hello: vec![hello],
        shrunken: vec![shrunken],
    };
    let mut tasks = JoinSet::new();
    let (vitals, shutdown) = (Arc::default(), CancellationToken::new());
    tasks.spawn(run(ports, receiver, vitals, Limits::default(), shutdown));
    Stage {
        hello: addresses.0,
        shrunken: addresses.1,
        content: sender,
        _tasks: tasks,
    }
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text))
        .await
        .expect("in time")
        .expect("text");
    text
}

#[tokio::test]
async fn the_hello_page_is_the_orange_heading_and_nothing_else() {
    let stage = stage().await;
    let page = ask(stage.hello, "GET", "/").await;
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    assert!(
        page.contains("<body><h1 style='color:orange'>Hello World!</h1></body>"),
        "{page}"
    );
    assert!(page.contains("'unsafe-hashes' 'sha256-"), "{page}");
    assert!(ask(stage.hello, "HEAD", "/").await.ends_with("\r\n\r\n"));
    assert!(ask(stage.hello, "POST", "/").await.contains("405"));
    assert!(
        ask(stage.hello, "GET", "/shrunken.css")
            .await
            .contains("404")
    );
}

#[tokio::test]
async fn the_shrunken_page_brings_its_logo_and_style() {
    let stage = stage().await;
    let page = ask(stage.shrunken, "GET", "/").await;
    assert!(
        page.contains("Hello shrunken world!") && page.contains("alt=\"logo\""),
        "{page}"
    );
    for (path, kind) in [
        ("/logo.svg", "image/svg+xml"),
        ("/shrunken.css", "text/css"),
        ("/reload.js", "text/javascript"),
    ] {
        let file = ask(stage.shrunken, "GET", path).await;
        assert!(
            file.starts_with("HTTP/1.1 200 OK") && file.contains(kind),
            "{path}: {file}"
        );
    }
}

#[tokio::test]
async fn an_edited_page_is_told_to_whoever_has_it_open() {
    let stage = stage().await;
    let mut stream = TcpStream::connect(stage.hello).await.expect("a connection");
    stream
        .write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .expect("open");
    let mut heard = Vec::new();
    let first = Content::default().tag(Which::Hello).to_owned();
    hear(&mut stream, &mut heard, &first).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("hello.html"), "<p>new").expect("a file");
    let (new, _) = Content::read(Some(folder.path()));
    let tag = new.tag(Which::Hello).to_owned();
    stage.content.send_replace(Arc::new(new));
    hear(&mut stream, &mut heard, &tag).await;
    let page = ask(stage.hello, "GET", "/").await;
    assert!(
        page.contains("<body><p>new</body>") && page.contains(&format!("v={tag}")),
        "{page}"
    );
}

async fn hear(stream: &mut TcpStream, heard: &mut Vec<u8>, tag: &str) {
    let mark = format!("event: page\ndata: {tag}\n\n");
    let read = async {
        while !String::from_utf8_lossy(heard).contains(&mark) {
            let mut part = [0; 1_024];
            let len = stream.read(&mut part).await.expect("more");
            assert_ne!(len, 0, "closed");
            heard.extend_from_slice(&part[..len]);
        }
    };
    timeout(PATIENCE, read).await.expect("it is told");
}
