//! One connection to the sink: what a mail server hears and says, as the script has it.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Act, Mail, Scene, Script, Verb};

/// What a connection needs to know.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) script: watch::Receiver<Script>,
    pub(super) mails: watch::Sender<Vec<Mail>>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) connection: usize,
}

/// A connection that can be cut.
trait Line: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Line for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Line for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What is special about a conversation.
#[derive(Clone, Copy)]
struct Layer {
    greet: bool,
    offer_tls: bool,
    protected: bool,
}

/// Serves one connection.
pub(super) async fn receive(stream: TcpStream, stage: Stage, implicit: bool) {
    let layer = |greet, offer_tls, protected| Layer {
        greet,
        offer_tls,
        protected,
    };
    match (stage.tls.clone(), implicit) {
        (None, _) => {
            converse(stream, &stage, layer(true, false, false)).await;
        }
        (Some(tls), true) => {
            if let Ok(stream) = tls.accept(stream).await {
                converse(stream, &stage, layer(true, false, true)).await;
            }
        }
        (Some(tls), false) => {
            if let Some(stream) = converse(stream, &stage, layer(true, true, false)).await
                && let Ok(stream) = tls.accept(stream).await
            {
                converse(stream, &stage, layer(false, false, true)).await;
            }
        }
    }
}

/// One conversation. Returns the connection when TLS is to be put on it.
async fn converse<S: Line>(stream: S, stage: &Stage, layer: Layer) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let (mut from, mut rcpt) = (String::new(), String::new());
    if layer.greet {
        perform(&mut stream, stage, layer, Verb::Greeting, "").await?;
    }
    loop {
        let line = read(&mut stream).await?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let word = line.split([' ', ':']).next().unwrap_or_default();
        let verb = match word.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => Verb::Ehlo,
            "STARTTLS" => Verb::StartTls,
            "MAIL" => Verb::Mail,
            "RCPT" => Verb::Rcpt,
            "DATA" => Verb::Data,
            "QUIT" => Verb::Quit,
            // The lines of a login have no word of their own.
            _ => Verb::Auth,
        };
        let went_on = perform(&mut stream, stage, layer, verb, &line).await?;
        match verb {
            Verb::Mail => from = line,
            Verb::Rcpt => rcpt = line,
            Verb::StartTls if went_on => return Some(stream.into_inner()),
            Verb::Data if went_on => {
                let mail = Mail {
                    from: from.clone(),
                    rcpt: rcpt.clone(),
                    bytes: content(&mut stream).await?,
                    accepted: false,
                    connection: stage.connection,
                    protected: layer.protected,
                };
                take(&mut stream, stage, mail).await?;
            }
            Verb::Quit => return None,
            Verb::Greeting | Verb::Ehlo | Verb::Auth | Verb::Data | Verb::StartTls | Verb::Dot => {}
        }
    }
}

/// Takes a whole mail, and answers the final dot.
async fn take<S: Line>(stream: &mut BufReader<S>, stage: &Stage, mail: Mail) -> Option<bool> {
    let act = stage.act(Verb::Dot, &mail.rcpt);
    let accepted = match &act {
        Act::Say(text) | Act::SayAndClose(text) => text.starts_with('2'),
        // It has the mail on its disk, and what happens then is that it cannot say so (in time).
        Act::Ordinary
        | Act::Raw(_)
        | Act::Drip(_)
        | Act::Late(_)
        | Act::Silence
        | Act::Reset
        | Act::Close
        | Act::HalfClose => true,
    };
    let mail = Mail { accepted, ..mail };
    stage.mails.send_modify(|mails| mails.push(mail));
    play(stream, act, &Verb::Dot.ordinary(false)).await
}

impl Stage {
    fn act(&self, verb: Verb, line: &str) -> Act {
        let script = Arc::clone(&self.script.borrow());
        script(&Scene {
            verb,
            line: line.to_owned(),
            connection: self.connection,
        })
    }
}

/// Does what the script says at a verb. None when that ends the conversation, else whether it was a yes.
async fn perform<S: Line>(
    stream: &mut BufReader<S>,
    stage: &Stage,
    layer: Layer,
    verb: Verb,
    line: &str,
) -> Option<bool> {
    let act = stage.act(verb, line);
    play(stream, act, &verb.ordinary(layer.offer_tls)).await
}

async fn play<S: Line>(stream: &mut BufReader<S>, act: Act, ordinary: &str) -> Option<bool> {
    let line = |text: &str| format!("{text}\r\n").into_bytes();
    let yes = |text: &str| text.starts_with(['2', '3']);
    match act {
        Act::Ordinary => write(stream, &line(ordinary)).await.map(|()| yes(ordinary)),
        Act::Say(text) => write(stream, &line(&text)).await.map(|()| yes(&text)),
        Act::Raw(bytes) => write(stream, &bytes).await.map(|()| false),
        Act::Late(span) => {
            sleep(span).await;
            write(stream, &line(ordinary)).await.map(|()| yes(ordinary))
        }
        Act::Drip(span) => {
            for byte in line(ordinary) {
                write(stream, &[byte]).await?;
                sleep(span).await;
            }
            Some(yes(ordinary))
        }
        Act::SayAndClose(text) => {
            write(stream, &line(&text)).await?;
            close(stream).await
        }
        Act::Close => close(stream).await,
        Act::HalfClose => {
            close(stream).await;
            while read(stream).await.is_some() {}
            None
        }
        Act::Silence => {
            while read(stream).await.is_some() {}
            None
        }
        Act::Reset => {
            stream
                .get_ref()
                .tcp()
                .set_zero_linger()
                .expect("a socket of ours");
            None
        }
    }
}

async fn write<S: Line>(stream: &mut BufReader<S>, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).await.ok()?;
    stream.flush().await.ok()
}

async fn close<S: Line>(stream: &mut BufReader<S>) -> Option<bool> {
    stream.shutdown().await.ok();
    None
}

/// One line with its end; none at the end of the connection.
async fn read<S: Line>(stream: &mut BufReader<S>) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let read = stream.read_until(b'\n', &mut line).await.ok()?;
    (read > 0).then_some(line)
}

/// The content up to the final dot; none when the connection ends before it.
async fn content<S: Line>(stream: &mut BufReader<S>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let line = read(stream).await?;
        if line == b".\r\n" {
            return Some(bytes);
        }
        let line = line.strip_prefix(b".").unwrap_or(&line);
        bytes.extend_from_slice(line);
    }
}
