//! Servers that speak before it is their turn: what they say must not pass for the reply to the dot.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

/// More than the buffers of a connection hold, so that the client still sends when the server speaks.
const LARGE: usize = 24 << 20;

/// A server that says `early` when the first of the content has arrived, or hangs up with no words, and then
/// listens on. What came in all, at the end.
async fn server(early: &'static [u8], heard: &mut JoinSet<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("bound"));
    heard.spawn(async move {
        let (stream, _) = listener.accept().await.expect("somebody comes");
        serve(BufReader::new(stream), early)
            .await
            .expect("they talk")
    });
    url
}

async fn serve(mut stream: BufReader<TcpStream>, early: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(b"220 early\r\n").await?;
    for reply in ["250 early", "250 ok", "250 ok", "354 go ahead"] {
        stream.read_line(&mut String::new()).await?;
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    stream.fill_buf().await?;
    if early.is_empty() {
        stream.shutdown().await?;
    } else {
        stream.write_all(early).await?;
    }
    let mut content = Vec::new();
    stream.read_to_end(&mut content).await?;
    Ok(content)
}

#[tokio::test]
async fn what_is_said_before_the_dot_is_no_reply_to_it_and_the_dot_does_not_leave() {
    let content = [b"x".repeat(70), b"\r\n".to_vec()].concat();
    let content = content.repeat(LARGE / content.len());
    for (early, expected) in [
        (&b"250 2.0.0 queued\r\n"[..], Class::Broken),
        (b"???\r\n", Class::Broken),
        (b"", Class::Broken),
        (b"421 4.3.2 shutting down\r\n", Class::Said),
        (b"552 5.3.4 too large\r\n", Class::Refused),
    ] {
        let mut heard = JoinSet::new();
        let settings = settings(&server(early, &mut heard).await);
        let address: Address = "ops@example.org".parse().expect("an address");
        let (names, letter) = (
            Names::default(),
            Letter {
                from: &address,
                to: &address,
                bytes: &content,
            },
        );
        let way = Way {
            settings: &settings,
            deadlines: &PATIENT,
            names: &names,
        };
        let delivered = deliver(way, letter, async { true }).await;
        let early = String::from_utf8_lossy(early);
        assert_eq!(class(&delivered), expected, "{early}: {delivered:?}");
        let heard = heard.join_next().await.expect("it served").expect("well");
        assert!(!heard.ends_with(b"\r\n.\r\n"), "{early}: the dot has left");
    }
}

#[tokio::test]
async fn a_yes_that_comes_with_the_354_is_none_and_nothing_leaves() {
    let both = b"354 go ahead\r\n250 2.0.0 queued\r\n".to_vec();
    let sink = Sink::faulty(Verb::Data, Act::Raw(both)).await;
    let mut asked = false;
    let marker = async {
        asked = true;
        true
    };
    let settings = settings(&sink.url());
    let delivered = send_to(&settings, &PATIENT, "ops@example.org", marker).await;
    assert_eq!(class(&delivered), Class::Broken, "{delivered:?}");
    assert!(!asked, "the marker was set");
}
