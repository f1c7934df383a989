//! One question and its answer, over UDP, TCP or TLS.

use hickory_resolver::proto::op::{Message, MessageType};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use super::{Settings, Transport};
use crate::core::outcome::Outcome;
use crate::probe::address::Address;
use crate::probe::datagram::{self, Asked};
use crate::probe::env::Env;
use crate::probe::error::{self, Looked};
use crate::probe::level::Judgement;
use crate::probe::trace::{Stage, Trace};

/// Asks `server`. An answer that was cut to fit a datagram is asked for again over TCP (RFC 7766).
pub(super) async fn ask(
    settings: &Settings,
    server: &Address,
    env: &Env,
    judgement: &mut Judgement,
    trace: &mut Trace,
) -> Looked<Message> {
    let at = &*server.text;
    // It cannot be guessed, so that nobody who does not see the question can answer it.
    let [high, low, ..] = Uuid::new_v4().into_bytes();
    let id = u16::from_be_bytes([high, low]);
    let question = settings.question(id);
    let packet = question
        .to_vec()
        .map_err(|error| Outcome::unknown(&format!("the question cannot be written: {error}")))?;
    match &settings.transport {
        Transport::Udp => {
            let answer = over_udp(server, &question, &packet, env, trace).await?;
            if !answer.metadata.truncation {
                return Ok(answer);
            }
            let mut stream = server.connect(env, trace).await?;
            over_stream(&mut stream, &question, &packet, at, trace).await
        }
        Transport::Tcp => {
            let mut stream = server.connect(env, trace).await?;
            over_stream(&mut stream, &question, &packet, at, trace).await
        }
        Transport::Tls(secure) => {
            let stream = server.connect(env, trace).await?;
            let host = (&server.host, at);
            let (mut stream, ends) = secure.shake(host, stream, &[b"dot"], env, trace).await?;
            let answer = over_stream(&mut stream, &question, &packet, at, trace).await?;
            if let Some(ends) = ends {
                secure.judge(&ends, env.clock.now(), judgement, trace);
            }
            Ok(answer)
        }
    }
}

async fn over_udp(
    server: &Address,
    question: &Message,
    packet: &[u8],
    env: &Env,
    trace: &mut Trace,
) -> Looked<Message> {
    let at = &*server.text;
    let socket = datagram::connect(server, env, trace).await?;
    let ask = || (packet.to_vec(), ());
    let take = |(): &(), bytes: &[u8]| answer_to(question, bytes);
    let asked = datagram::ask(&socket, at, trace, ask, take).await?;
    match asked {
        Asked::Answer(answer) => Ok(answer),
        Asked::Other(_) => Err(no_answer(at)),
        Asked::Silence => Err(trace.silence(None)),
    }
}

/// A message of two bytes of length before it (RFC 1035, section 4.2.2).
async fn over_stream<S>(
    stream: &mut S,
    question: &Message,
    packet: &[u8],
    at: &str,
    trace: &mut Trace,
) -> Looked<Message>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    trace.enter(Stage::FirstByte);
    let exchange = async {
        let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(packet);
        stream.write_all(&framed).await?;
        stream.flush().await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let answer = exchange.await.map_err(|error| error::outcome(&error, at))?;
    answer_to(question, &answer).ok_or_else(|| no_answer(at))
}

fn no_answer(at: &str) -> Outcome {
    Outcome::fail(&format!("{at} answers, but not to what it was asked"))
}

/// What is an answer to this question: the same number, and the same question again (RFC 5452, section 9.1).
/// A server that could not read the question need not repeat it.
fn answer_to(question: &Message, bytes: &[u8]) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    let about = |message: &Message| {
        let query = message.queries.first()?;
        Some((
            query.name.to_lowercase(),
            query.query_type,
            query.query_class,
        ))
    };
    let repeats = about(&answer).is_none_or(|query| Some(query) == about(question));
    let is_answer = answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.metadata.op_code == question.metadata.op_code
        && repeats
        && (about(&answer).is_some() || answer.answers.is_empty());
    is_answer.then_some(answer)
}
