//! Servers that pretend to be a PostgreSQL.

use super::*;

/// A message of the protocol.
pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a message is short");
    let mut out = vec![tag];
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// Reads the request for TLS and declines, then reads the greeting.
pub(super) async fn greet(stream: &mut tokio::net::TcpStream) {
    let mut bytes = [0; 1_024];
    drop(stream.read_exact(&mut bytes[..8]).await);
    write(stream, b"N").await;
    drop(stream.read(&mut bytes).await);
}

/// A pretender that answers a greeting with `first`, and then sends `rest` for ever.
async fn pretender(first: Vec<u8>, rest: Option<Vec<u8>>) -> (Server, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let server = Server::start(move |mut stream| {
        let (first, rest, counter) = (first.clone(), rest.clone(), Arc::clone(&counter));
        async move {
            greet(&mut stream).await;
            write(&mut stream, &first).await;
            let Some(rest) = rest else {
                return std::future::pending().await;
            };
            while write(&mut stream, &rest).await {
                counter.fetch_add(rest.len(), Ordering::Relaxed);
            }
        }
    })
    .await;
    (server, taken)
}

#[tokio::test]
async fn a_pretender_costs_no_more_than_its_time_and_some_kilobytes() {
    let ok = message(b'R', &[0, 0, 0, 0]);
    let notices = message(b'N', b"SNOTICE\0Mhello\0\0").repeat(500);
    let zeros = vec![0; 65_536];
    let huge = [&b"D\x7f\xff\xff\xff"[..], &zeros].concat();
    let row = [ok.clone(), message(b'Z', b"I"), huge.clone()].concat();
    for (name, first, rest, part) in [
        (
            "garbage",
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            None,
            "",
        ),
        (
            "notices",
            ok.clone(),
            Some(notices),
            "it sent more than 256 KiB",
        ),
        (
            "a huge message",
            huge,
            Some(zeros.clone()),
            "it sent more than 256 KiB",
        ),
        ("a huge row", row, Some(zeros), "it sent more than 256 KiB"),
        (
            "silence",
            Vec::new(),
            None,
            "no answer within 400 ms (logging in)",
        ),
        (
            "a length below four",
            b"R\0\0\0\0".to_vec(),
            None,
            "does not speak as a PostgreSQL does",
        ),
        (
            "an unknown message",
            message(b'?', b""),
            None,
            "does not speak as a PostgreSQL does",
        ),
        (
            "a row that nobody asked for",
            [ok, message(b'D', b"\0\x09")].concat(),
            None,
            "",
        ),
    ] {
        let (server, taken) = pretender(first, rest).await;
        let url = format!("postgres://u:hunter2@{}/d", server.address);
        let outcome = look_briefly(&check(&url)).await;
        assert_eq!(outcome.verdict, Verdict::Fail, "{name}: {}", said(&outcome));
        assert!(
            outcome.message().contains(part),
            "{name}: {}",
            said(&outcome)
        );
        let taken = taken.load(Ordering::Relaxed);
        assert!(
            taken < 20 << 20,
            "{name}: the server got rid of {taken} bytes"
        );
    }
}

#[tokio::test]
async fn a_pretender_that_echoes_the_password_is_not_repeated() {
    let server = Server::start(|mut stream| async move {
        greet(&mut stream).await;
        // Asks for the password in the clear, and puts it into an error.
        write(&mut stream, &message(b'R', &[0, 0, 0, 3])).await;
        let mut bytes = [0; 256];
        let read = stream.read(&mut bytes).await.unwrap_or(0);
        // Tag and length before it, a NUL behind.
        let password =
            String::from_utf8_lossy(bytes.get(5..read.saturating_sub(1)).unwrap_or_default())
                .into_owned();
        let said = format!("SFATAL\0VFATAL\0C28P01\0Mno entry for {password}\0\0");
        write(&mut stream, &message(b'E', said.as_bytes())).await;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = look(&check(&format!(
        "postgres://u:hunter2@{}/d",
        server.address
    )))
    .await;
    assert_fails(&outcome, "no entry for … (SQLSTATE 28P01)");
}

#[tokio::test]
async fn a_password_is_not_hashed_for_ever_because_a_server_wants_it() {
    let offer = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let server = Server::start(move |mut stream| {
        let offer = offer.clone();
        async move {
            greet(&mut stream).await;
            write(&mut stream, &offer).await;
            let mut bytes = [0; 256];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            let first = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let nonce = first.rsplit("r=").next().unwrap_or_default();
            let mut answer = vec![0, 0, 0, 11];
            answer.extend_from_slice(format!("r={nonce}xyz,s=c2FsdA==,i=2147483647").as_bytes());
            write(&mut stream, &message(b'R', &answer)).await;
            std::future::pending::<()>().await;
        }
    })
    .await;
    let outcome = look_briefly(&check(&format!(
        "postgres://u:hunter2@{}/d",
        server.address
    )))
    .await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
}
