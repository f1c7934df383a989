//! Asks the running daemon over HTTP, as a browser on this host would.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Plan;

/// The daemon answers from memory; whoever waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than the status of 10,000 checks.
const ANSWER_BYTES: usize = 16 << 20;

/// What the daemon answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The body as JSON; an error answer becomes an error.
    pub(super) fn json(self) -> anyhow::Result<Value> {
        let value: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        if (200..300).contains(&self.status) {
            return Ok(value);
        }
        let said = value
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or(&self.body);
        match value.get("hint").and_then(Value::as_str) {
            Some(hint) => anyhow::bail!("{said}; {hint}"),
            None => anyhow::bail!("the daemon answered {}: {said}", self.status),
        }
    }
}

/// Asks the daemon that this configuration describes.
pub(super) async fn ask(
    plan: &Plan,
    method: Method,
    path: &str,
    body: Bytes,
) -> anyhow::Result<Answer> {
    let address = reachable(plan)?;
    let explain =
        || format!("nothing answers at http://{address}; start the daemon with `belfry run`");
    timeout(PATIENCE, exchange(address, method, path, body))
        .await
        .with_context(|| {
            format!(
                "no answer from http://{address} within {} s",
                PATIENCE.as_secs()
            )
        })?
        .with_context(explain)
}

async fn exchange(
    address: SocketAddr,
    method: Method,
    path: &str,
    body: Bytes,
) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("origin", format!("http://{address}"))
        .header("content-type", "application/json")
        .header("user-agent", concat!("belfry/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        let body = body
            .map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?
            .to_bytes();
        anyhow::Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    };
    let mut answer = std::pin::pin!(answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answer = &mut answer => answer,
        ended = &mut connection => {
            ended?;
            answer.await
        }
    }
}

/// The status address as this host reaches it.
fn reachable(plan: &Plan) -> anyhow::Result<SocketAddr> {
    let mut address = *plan
        .listen
        .status
        .first()
        .context("[listen] status is empty")?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}
