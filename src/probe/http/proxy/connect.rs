//! CONNECT: asks an HTTP proxy for a way through.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Refusal, Stream};
use crate::core::text;
use crate::probe::address::Address;

/// Largest head of a proxy's answer.
const HEAD: usize = 16 << 10;
/// Longest status line of a proxy in a message.
const PIECE_CHARS: usize = 80;

pub(super) async fn ask(
    stream: &mut Stream,
    to: &Address,
    credentials: Option<&str>,
) -> Result<(), Refusal> {
    let at = &to.text;
    let login = credentials.map(|said| format!("Proxy-Authorization: {said}\r\n"));
    let login = login.unwrap_or_default();
    let agent = concat!("belfry/", env!("CARGO_PKG_VERSION"));
    let request =
        format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\nUser-Agent: {agent}\r\n{login}\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    let mut piece = [0; 1_024];
    let end = loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if head.len() > HEAD {
            let why = format!(
                "answers CONNECT with a head of more than {} KiB",
                HEAD >> 10
            );
            return Err(Refusal::Said(why));
        }
        match stream.read(&mut piece).await? {
            0 => return Err(Refusal::Said("closed the connection".to_owned())),
            read => head.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    };
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.splitn(2, ' ');
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    let said = text::line(words.next().unwrap_or_default(), PIECE_CHARS);
    match said.get(..1) {
        // Whoever is behind it has nothing to say before we do.
        Some("2") if is_http && end == head.len() => Ok(()),
        Some("2") if is_http => Err(Refusal::Said("sends more than its answer".to_owned())),
        Some(_) if is_http => Err(Refusal::Said(format!("answers {said} to CONNECT {at}"))),
        Some(_) | None => Err(Refusal::Said("does not speak HTTP/1.1".to_owned())),
    }
}
