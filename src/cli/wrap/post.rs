//! One ping to the daemon, by the heartbeat's name or at its address.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::{Method, Uri};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::spool::Letter;
use crate::cli::answer::Answer;
use crate::cli::client::{self, Daemon};
use crate::cli::heartbeat;

/// How long one attempt may take; the daemon answers when the ping is on its disk.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Whose ping it is.
pub(super) enum Address {
    Name(String),
    /// `http://host:port/ping/UUID`, without a slash at its end.
    Url {
        host: String,
        path: String,
    },
}

/// What became of a ping.
pub(super) enum Posted {
    Taken,
    /// It will never be taken; why.
    Refused(String),
    /// Nobody answers, or not yet; why.
    NotNow(String),
}

impl Address {
    /// Of a name, or of what begins as an address.
    pub(super) fn of(text: &str) -> anyhow::Result<Self> {
        if text.starts_with("https://") {
            anyhow::bail!(
                "addresses with https:// are not spoken to; let curl do it: curl -fsS -m 10 --retry 5 {text}"
            );
        }
        if !text.starts_with("http://") {
            return Ok(Self::Name(text.to_owned()));
        }
        let uri: Uri = text
            .parse()
            .with_context(|| format!("{text} is no address"))?;
        let host = uri.host().context("the address has no host")?;
        Ok(Self::Url {
            host: format!("{host}:{}", uri.port_u16().unwrap_or(80)),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// As it is read by [`Address::of`].
    pub(super) fn text(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Url { host, path } => format!("http://{host}{path}"),
        }
    }
}

/// Tries once.
pub(super) async fn post(daemon: &Daemon, address: &Address, letter: &Letter) -> Posted {
    let asked = timeout(ATTEMPT, ask(daemon, address, letter)).await;
    match asked {
        Ok(Ok(answer)) => judged(&answer),
        Ok(Err(error)) => Posted::NotNow(format!("{error:#}")),
        Err(_) => Posted::NotNow(format!("no answer within {} s", ATTEMPT.as_secs())),
    }
}

/// What the daemon's answer means. Whoever is told to come back comes back.
fn judged(answer: &Answer) -> Posted {
    match answer.status {
        200..300 => Posted::Taken,
        408 | 429 | 500..600 => Posted::NotNow(answer.told()),
        _ => Posted::Refused(answer.told()),
    }
}

async fn ask(daemon: &Daemon, address: &Address, letter: &Letter) -> anyhow::Result<Answer> {
    let tail = format!("{}?rid={}&at={}", letter.suffix, letter.rid, letter.at_ms);
    let body = Bytes::from(letter.body.clone());
    match address {
        Address::Url { host, path } => {
            let mut found = lookup_host(host.as_str()).await?;
            let address = found.next().context("the name has no address")?;
            let stream = TcpStream::connect(address).await?;
            client::post(stream, host, &format!("{path}{tail}"), body).await
        }
        Address::Name(name) => {
            let path = match heartbeat::path(daemon, name).await? {
                Ok(path) => path,
                Err(answer) => return Ok(answer),
            };
            daemon
                .ask(Method::POST, &format!("{path}{tail}"), body)
                .await
        }
    }
}
