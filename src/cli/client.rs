//! Asks the running daemon over HTTP, as a browser on this host would.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::Answer;
use crate::config::{self, Plan, Source};
use crate::settings::Problem;

/// The daemon answers from memory; whoever waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Somebody who listens on this machine is there at once; behind a firewall that drops there may be silence.
const CONNECT: Duration = Duration::from_secs(2);
/// Where the daemon writes what makes an operator of whoever may read it.
const TOKEN_FILE: &str = "operator-token";
/// The data folder of our unit, which systemd names to the daemon but not to a shell.
pub(super) const STATE_DIR: &str = "/var/lib/belfry";
/// Longest text of a token.
const TOKEN_BYTES: u64 = 1_024;
/// More than the status of 10,000 checks.
const ANSWER_BYTES: usize = 16 << 20;

/// The daemon that runs, as far as a configuration says where.
pub(super) struct Daemon {
    /// What the files name, which may be more or less than what the daemon has.
    pub(super) plan: Plan,
    /// What is wrong with the files; the daemon then goes on with what they said before.
    pub(super) problems: Vec<Problem>,
    /// Says that we may read the daemon's data, and so may tell it what to do; none where we may not.
    token: Option<String>,
}

impl Daemon {
    /// Reads the configuration as far as it can be read: whoever edits it wants to see and ping the daemon that
    /// runs all the same.
    pub(super) fn of(source: &Source) -> Self {
        let (plan, problems) = config::glimpse(source);
        let token = token(&plan);
        Self {
            plan,
            problems,
            token,
        }
    }

    /// Asks it at the first of its addresses where somebody answers.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let (stream, address) = self.connect().await?;
        let asked = async {
            let token = self.token.as_deref();
            let to = (&method, path, &body);
            let answer = exchange_as(token, stream, address, to).await?;
            if !answer.knows_no_token {
                return Ok(answer);
            }
            // It is that of another data folder: whoever sits here may need none.
            let (stream, address) = self.connect().await?;
            exchange_as(None, stream, address, to).await
        };
        timeout(PATIENCE, asked)
            .await
            .with_context(|| {
                format!(
                    "no answer from http://{address} within {} s",
                    PATIENCE.as_secs()
                )
            })?
            .with_context(|| format!("asking http://{address}"))
    }

    /// A connection to one of its addresses, and to which. Nothing has been asked then, so that nothing is
    /// done twice.
    async fn connect(&self) -> anyhow::Result<(TcpStream, SocketAddr)> {
        let mut tried = Vec::new();
        for address in self.plan.listen.near() {
            let connected = timeout(CONNECT, TcpStream::connect(address)).await;
            match connected.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => tried.push(format!("http://{address} ({error})")),
            }
        }
        let mut trouble = format!(
            "nothing answers at {}; start the daemon with `belfry run`",
            tried.join(", ")
        );
        if let Some(first) = self.problems.first() {
            // Then the address may be a guess.
            trouble.push_str("; the configuration cannot be read in full: ");
            trouble.push_str(&first.line());
        }
        anyhow::bail!(trouble)
    }
}

/// Asks as whoever has this token.
async fn exchange_as(
    token: Option<&str>,
    stream: TcpStream,
    address: SocketAddr,
    (method, path, body): (&Method, &str, &Bytes),
) -> anyhow::Result<Answer> {
    let mut request = request(method.clone(), ("http", &address.to_string()), path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    exchange(stream, request.body(Full::new(body.clone()))?).await
}

/// Posts to whoever is at the other end of `stream`, who gets no token: by the scheme, host and path of an address.
pub(super) async fn post(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    (scheme, host, path): (&str, &str, &str),
    body: Bytes,
) -> anyhow::Result<Answer> {
    let request = request(Method::POST, (scheme, host), path);
    exchange(stream, request.body(Full::new(body))?).await
}

fn request(method: Method, (scheme, host): (&str, &str), path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .header("origin", format!("{scheme}://{host}"))
        .header("content-type", "application/json")
        .header("user-agent", concat!("belfry/", env!("CARGO_PKG_VERSION")))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Answer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let knows_no_token = response.headers().contains_key("www-authenticate");
        let body = Limited::new(response.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        let body = body
            .map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?
            .to_bytes();
        anyhow::Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            knows_no_token,
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

/// What the daemon wrote into its data folder for whoever may read there. That we may not is no error: most of
/// what is asked needs none.
fn token(plan: &Plan) -> Option<String> {
    let folders = [plan.data_dir.as_path(), Path::new(STATE_DIR)];
    let read = |folder: &Path| {
        let mut text = String::new();
        let file = File::open(folder.join(TOKEN_FILE)).ok()?;
        file.take(TOKEN_BYTES).read_to_string(&mut text).ok()?;
        let token = text.trim();
        let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then(|| token.to_owned())
    };
    folders.into_iter().find_map(read)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn daemon(listen: &str) -> (tempfile::TempDir, Daemon) {
        let folder = tempfile::tempdir().expect("a folder");
        let (config, data) = (
            folder.path().join("belfry.toml"),
            folder.path().join("data"),
        );
        let text = format!(
            "[daemon]\ndata_dir = \"{}\"\n[listen]\nstatus = {listen}\n",
            data.display()
        );
        fs::write(&config, text).expect("written");
        fs::create_dir(&data).expect("made");
        fs::write(data.join(TOKEN_FILE), "sesame\n").expect("written");
        let daemon = Daemon::of(&Source::File(config));
        (folder, daemon)
    }

    #[test]
    fn the_addresses_that_are_this_machines_own_are_tried_first() {
        let listen = "[\"192.0.2.7:8080\", \"0.0.0.0:8081\", \"[::1]:8082\", \"[::]:8083\"]";
        let (_folder, daemon) = daemon(listen);
        let near = daemon.plan.listen.near();
        let near: Vec<String> = near.iter().map(ToString::to_string).collect();
        assert_eq!(
            near,
            [
                "127.0.0.1:8081",
                "[::1]:8082",
                "[::1]:8083",
                "192.0.2.7:8080"
            ]
        );
    }

    #[tokio::test]
    async fn every_address_is_tried_and_who_may_read_the_token_shows_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        let dead = {
            let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            gone.local_addr().expect("bound")
        };
        let (_folder, daemon) = daemon(&format!("[\"{dead}\", \"{address}\"]"));
        let heard = async {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            let mut heard = Vec::new();
            let mut chunk = [0; 1_024];
            while !heard.ends_with(b"\r\n\r\n") {
                let n = stream.read(&mut chunk).await.expect("it says something");
                assert_ne!(n, 0, "it went away");
                heard.extend_from_slice(&chunk[..n]);
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(answer).await.expect("it listens");
            String::from_utf8_lossy(&heard).into_owned()
        };
        let asked = daemon.ask(Method::GET, "/api/v1/status", Bytes::new());
        let (answer, heard) = tokio::join!(asked, heard);
        assert_eq!(answer.expect("an answer").status, 200);
        assert!(
            heard.contains("authorization: Bearer sesame\r\n"),
            "{heard}"
        );
    }
}
