//! A mail server that takes everything and can misbehave at every verb.
#![allow(dead_code, reason = "each test binary uses its own part of it")]
#![allow(clippy::panic, reason = "a test that waits in vain fails")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

#[path = "conversation.rs"]
mod conversation;

use conversation::{Stage, receive};

/// How long a test waits for mail before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where in the conversation something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The final dot.
    Dot,
    Quit,
}

impl Verb {
    /// All that come before the content, on a connection without TLS and login.
    pub(crate) const BEFORE: [Self; 5] = [
        Self::Greeting,
        Self::Ehlo,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
    ];

    /// What a server that works says.
    pub(crate) fn ordinary(self, tls: bool) -> String {
        match self {
            Self::Greeting => "220 sink ESMTP".to_owned(),
            Self::Ehlo if tls => "250-sink\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN".to_owned(),
            Self::Ehlo => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".to_owned(),
            Self::StartTls => "220 go ahead".to_owned(),
            Self::Auth => "235 2.7.0 welcome".to_owned(),
            Self::Mail | Self::Rcpt => "250 2.1.0 ok".to_owned(),
            Self::Data => "354 go ahead".to_owned(),
            Self::Dot => "250 2.0.0 queued".to_owned(),
            Self::Quit => "221 bye".to_owned(),
        }
    }
}

/// What the sink does at a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// What a server that works would do.
    Ordinary,
    /// Say this; lines are ended with CR LF.
    Say(String),
    /// Say this and close.
    SayAndClose(String),
    /// Send these bytes as they are.
    Raw(Vec<u8>),
    /// Say the ordinary thing, one byte each so often.
    Drip(Duration),
    /// Say the ordinary thing after so long.
    Late(Duration),
    /// Say nothing, and keep the connection open until the client goes.
    Silence,
    /// Close at once, with a reset.
    Reset,
    /// Close at once, in order.
    Close,
    /// Say no more, and hear what the client has to say until it goes.
    HalfClose,
}

impl Act {
    /// [`Act::Say`] of a text.
    pub(crate) fn say(text: &str) -> Self {
        Self::Say(text.to_owned())
    }
}

/// A moment at which the script is asked.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) verb: Verb,
    /// The line that the client sent.
    pub(crate) line: String,
    /// Which connection it is, from 0.
    pub(crate) connection: usize,
}

/// Says what to do when.
pub(crate) type Script = Arc<dyn Fn(&Scene) -> Act + Send + Sync>;

/// A mail that the sink took, or at least got in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) rcpt: String,
    /// As it was sent, without the dots of the transfer.
    pub(crate) bytes: Vec<u8>,
    /// Whether the sink said 250 (which the client may not have heard).
    pub(crate) accepted: bool,
    pub(crate) connection: usize,
    /// Whether it came over TLS.
    pub(crate) protected: bool,
}

impl Mail {
    /// The value of a header, unfolded; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> String {
        let text = String::from_utf8_lossy(&self.bytes).replace("\r\n ", " ");
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let prefix = format!("{name}: ").to_ascii_lowercase();
        head.lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&prefix))
            .and_then(|line| line.get(prefix.len()..))
            .unwrap_or_default()
            .to_owned()
    }

    /// Its Message-ID.
    pub(crate) fn id(&self) -> String {
        self.header("Message-ID")
    }
}

/// The server. Dropping it ends it, with all connections.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    script: watch::Sender<Script>,
    mails: watch::Receiver<Vec<Mail>>,
    connections: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

impl Sink {
    /// A server on a free port of this machine that follows `script`.
    pub(crate) async fn start(script: impl Fn(&Scene) -> Act + Send + Sync + 'static) -> Self {
        Self::launch(Arc::new(script), None, false).await
    }

    /// The same with STARTTLS.
    pub(crate) async fn with_starttls(
        tls: TlsAcceptor,
        script: impl Fn(&Scene) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::launch(Arc::new(script), Some(tls), false).await
    }

    /// The same with TLS from the first byte.
    pub(crate) async fn with_tls(tls: TlsAcceptor) -> Self {
        Self::launch(Arc::new(|_| Act::Ordinary), Some(tls), true).await
    }

    /// A server that does what it should, at an address that was told to somebody before.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        Self::launch_at(address, Arc::new(|_| Act::Ordinary), None, false).await
    }

    /// A server that does what it should.
    pub(crate) async fn honest() -> Self {
        Self::start(|_| Act::Ordinary).await
    }

    /// One that does `act` at `verb`, and else what it should.
    pub(crate) async fn faulty(verb: Verb, act: Act) -> Self {
        Self::start(move |scene| {
            if scene.verb == verb {
                act.clone()
            } else {
                Act::Ordinary
            }
        })
        .await
    }

    async fn launch(script: Script, tls: Option<TlsAcceptor>, implicit: bool) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::launch_at(any, script, tls, implicit).await
    }

    async fn launch_at(
        address: SocketAddr,
        script: Script,
        tls: Option<TlsAcceptor>,
        implicit: bool,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (script, follow) = watch::channel(script);
        let (write, mails) = watch::channel(Vec::new());
        let (count, connections) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let stage = Stage {
                    script: follow.clone(),
                    mails: write.clone(),
                    tls: tls.clone(),
                    connection: count.borrow().to_owned(),
                };
                count.send_modify(|count| *count += 1);
                guests.spawn(receive(stream, stage, implicit));
            }
        });
        Self {
            address,
            script,
            mails,
            connections,
            _tasks: tasks,
        }
    }

    /// Follows another script from now on.
    pub(crate) fn follow(&self, script: impl Fn(&Scene) -> Act + Send + Sync + 'static) {
        self.script.send_replace(Arc::new(script));
    }

    /// Its URL, without protection.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// All mails so far.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.borrow().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Waits until there are so many mails.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Mail> {
        let mut mails = self.mails.clone();
        let enough = mails.wait_for(|mails| mails.len() >= count);
        match timeout(PATIENCE, enough).await {
            Ok(Ok(mails)) => mails.clone(),
            Ok(Err(_)) | Err(_) => panic!("no {count} mails in time: {:?}", self.mails()),
        }
    }

    /// Waits until there were so many connections.
    pub(crate) async fn wait_connections(&self, count: usize) {
        let mut connections = self.connections.clone();
        let enough = connections.wait_for(|connections| *connections >= count);
        match timeout(PATIENCE, enough).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => panic!("no {count} connections in time"),
        }
    }
}
