//! Stories about the status page, over real sockets, with a small engine behind it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use super::page::{About, story};
use super::{Buckets, Facts, Keys, Reached, Seal, Sources, Token, Tokens, run};
use crate::clock::Clock;
use crate::config::{ApiToken, Rates, Rights};
use crate::core::check::CheckId;
use crate::core::heartbeat::Ping;
use crate::core::input::Input;
use crate::core::view::View;
use crate::inbox::{Answer, Inbox};
use crate::journal::Journal;
use crate::settings::Secret;
use crate::vitals::Vitals;

mod attacks;
mod badges;
mod dialects;
mod durations;
mod healthchecks;
mod live;
mod pages;
mod pings;
mod requests;

/// With which heartbeats are addressed by their names.
const PING_KEY: &str = "kB2d0xQ8mT-4_zzW1abcDE";
/// What opens the management API of healthchecks.io.
const API_KEY: &str = "hcw_0123456789abcdefghijklmnopqr";
/// Far longer than anything takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A status page, and what stands behind it.
pub(super) struct Town {
    pub(super) address: SocketAddr,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) wanted: mpsc::Receiver<CheckId>,
    /// The pings that reached the engine, the first of them.
    pub(super) heard: mpsc::Receiver<Ping>,
    /// What the journal does: `Done` writes, `NotDurable` is full, `Busy` never answers.
    pub(super) journal: watch::Sender<Answer>,
    pub(super) buckets: Arc<Buckets>,
    pub(super) facts: watch::Sender<Arc<Facts>>,
    pub(super) inbox: Inbox,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: JoinSet<()>,
    folder: TempDir,
    _journal: Journal,
}

fn tokens() -> Tokens {
    Tokens::new(&[ApiToken {
        name: "deploy".into(),
        rights: Rights::Write,
        hash: Sha256::digest(API_KEY).into(),
    }])
}

/// Limits that a test can wait for.
pub(super) fn short() -> Limits {
    Limits {
        silence: Duration::from_millis(300),
        head: Duration::from_millis(300),
        idle: Duration::from_millis(600),
        stalled: Duration::from_millis(300),
        body: Duration::from_millis(300),
        sweep: Duration::from_millis(20),
        decision: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// What the pages say of the daemon.
fn about(address: SocketAddr) -> Facts {
    Facts {
        node: "web-1".into(),
        zone: jiff::tz::TimeZone::UTC,
        url: None,
        notice: None,
        reached: Reached {
            listen: vec![address],
            names: vec!["web-1".to_owned(), "status.example.org".to_owned()],
            is_published: false,
        },
        about: About::default(),
    }
}

impl Town {
    pub(super) async fn found(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (inbox, mut inputs) = Inbox::new();
        let (view_sender, view) = watch::channel(Arc::new(story::postgres_is_down()));
        let (run_now, wanted) = mpsc::channel(1);
        let (tell, heard) = mpsc::channel(64);
        let (journal, mode) = watch::channel(Answer::Done);
        let (facts, facts_receiver) = watch::channel(Arc::new(about(address)));
        let (vitals, clock) = (Arc::new(Vitals::default()), Clock::start());
        let folder = tempfile::tempdir().expect("a folder");
        let opened = Journal::open(folder.path(), clock.now(), Arc::clone(&vitals));
        let opened = opened.expect("a journal");
        let buckets = Arc::new(Buckets::new(&Rates::default()));
        let sources = Sources {
            view: view.clone(),
            inbox: inbox.clone(),
            reader: opened.journal.reader(),
            vitals: Arc::clone(&vitals),
            clock: clock.clone(),
            facts: facts_receiver,
            run_now,
            keys: watch::Sender::new(Keys::new(&[Secret::new(PING_KEY)])).subscribe(),
            tokens: watch::Sender::new(tokens()).subscribe(),
            buckets: Arc::clone(&buckets),
            token: Some(Token::open(folder.path()).expect("a token")),
            seal: Seal::open(folder.path()).expect("a secret"),
        };
        let mut tasks = JoinSet::new();
        let shutdown = CancellationToken::new();
        tasks.spawn(run(vec![listener], sources, limits, shutdown.clone()));
        tasks.spawn(async move {
            let mut waiting = Vec::new();
            while let Some(envelope) = inputs.recv().await {
                let mode = *mode.borrow();
                if let Input::Ping { ping, .. } = &envelope.input {
                    // Most stories do not ask for them.
                    drop(tell.try_send(ping.clone()));
                }
                if mode == Answer::Busy {
                    waiting.push(envelope);
                    continue;
                }
                let changed = decide(&view_sender, &clock, &envelope.input, mode);
                if let Some(reply) = envelope.reply {
                    let answer = if changed { mode } else { Answer::Nothing };
                    let _gone = reply.send(answer);
                }
            }
        });
        Self {
            address,
            view,
            vitals,
            wanted,
            heard,
            journal,
            buckets,
            facts,
            inbox,
            shutdown,
            tasks,
            folder,
            _journal: opened.journal,
        }
    }

    /// Connects.
    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(super) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may have closed before it has taken everything.
        drop(stream.write_all(bytes).await);
        read_to_end(&mut stream).await
    }

    /// One request on a connection of its own.
    pub(super) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let host = if headers.to_ascii_lowercase().contains("host:") {
            String::new()
        } else {
            format!("host: {}\r\n", self.address)
        };
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{length}{headers}\r\n{body}"
        );
        Reply::parse(&self.raw(request.as_bytes()).await)
    }

    /// A button of a page, as browsers press it.
    pub(super) async fn press(&self, path: &str) -> Reply {
        let headers = format!(
            "origin: http://{}\r\nsec-fetch-site: same-origin\r\n",
            self.address
        );
        self.ask("POST", path, &headers, "").await
    }

    /// What a program sends that may read the token.
    pub(super) fn bearer(&self) -> String {
        let file = self.folder.path().join(Token::FILE);
        let token = std::fs::read_to_string(file).expect("it is made");
        format!("authorization: Bearer {}\r\n", token.trim())
    }

    /// Where the badge of a check is.
    pub(super) fn badge(&self, name: &str, form: &str) -> String {
        let seal = Seal::open(self.folder.path()).expect("a secret");
        format!("/badge/{}/{name}.{form}", seal.id("check", name))
    }

    /// Where the badge of a tag is.
    pub(super) fn badge_of_tag(&self, tag: &str, form: &str) -> String {
        let seal = Seal::open(self.folder.path()).expect("a secret");
        format!("/badge/tag/{}/{tag}.{form}", seal.id("tag", tag))
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", "").await
    }
}

/// Decides an input as the engine's loop does. Whether anything came of it.
fn decide(view: &watch::Sender<Arc<View>>, clock: &Clock, input: &Input, mode: Answer) -> bool {
    let old = Arc::clone(&view.borrow());
    let events = old.engine.decide(clock.now(), input);
    if mode == Answer::Done && !events.is_empty() {
        let mut new = View::clone(&old);
        for event in &events {
            new.engine.apply(event);
        }
        new.number += 1;
        view.send_replace(Arc::new(new));
    }
    !events.is_empty()
}

pub(super) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = async {
        let mut part = vec![0; 16_384];
        while let Ok(len @ 1..) = stream.read(&mut part).await {
            text.extend_from_slice(&part[..len]);
        }
    };
    timeout(PATIENCE, read)
        .await
        .expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads until `mark` has come.
pub(super) async fn read_until(stream: &mut TcpStream, mark: &str) -> String {
    let mut text = Vec::new();
    let read = async {
        let mut part = vec![0; 16_384];
        while !String::from_utf8_lossy(&text).contains(mark) {
            let len = stream.read(&mut part).await.expect("more to read");
            assert_ne!(len, 0, "closed after {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&part[..len]);
        }
    };
    timeout(PATIENCE, read).await.expect("it is sent");
    String::from_utf8_lossy(&text).into_owned()
}

/// An answer, taken apart.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}
