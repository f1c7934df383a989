//! Pings by e-mail: a small SMTP server (RFC 5321) that takes mails to the addresses of heartbeats, and nothing else. It
//! keeps no queue and sends nothing on: 250 is said when the ping is in the journal.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::core::view::View;
use crate::inbox::Inbox;
use crate::vitals::Vitals;
use crate::web::seats::neighbourhood;
use crate::web::{Buckets, Keys};

mod content;
mod letter;
mod limits;
mod mailbox;
mod reply;
mod session;
#[cfg(test)]
mod tests;
mod wire;

pub use limits::Limits;

use session::Session;

/// Said where there is no place left, by no session.
const FULL: &[u8] = b"421 4.3.2 too many connections, come again\r\n";

/// What it works with.
#[derive(Debug)]
pub struct Sources {
    pub view: watch::Receiver<Arc<View>>,
    pub inbox: Inbox,
    pub vitals: Arc<Vitals>,
    pub clock: Clock,
    /// With which heartbeats are addressed by their names.
    pub keys: watch::Receiver<Keys>,
    /// How many pings are taken.
    pub buckets: Arc<Buckets>,
    /// What stands behind the @, in lower case.
    pub domain: Arc<str>,
}

/// Serves until `shutdown`, then lets the mail that is under way come to its end.
pub async fn run(
    listeners: Vec<TcpListener>,
    sources: Sources,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let sources = Arc::new(sources);
    let mut doors = JoinSet::new();
    for listener in listeners {
        let house = House {
            sources: Arc::clone(&sources),
            limits,
            shutdown: shutdown.clone(),
            sessions: JoinSet::new(),
            peers: HashMap::new(),
        };
        doors.spawn(house.serve(listener));
    }
    while doors.join_next().await.is_some() {}
    // Where there is none, this part of the daemon has not ended by itself.
    shutdown.cancelled().await;
}

/// One listener and who is connected to it.
struct House {
    sources: Arc<Sources>,
    limits: Limits,
    shutdown: CancellationToken,
    sessions: JoinSet<()>,
    peers: HashMap<tokio::task::Id, IpAddr>,
}

impl House {
    async fn serve(mut self, listener: TcpListener) {
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                Some(ended) = self.sessions.join_next_with_id() => self.ended(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.enter(stream, peer),
                    Err(error) => {
                        debug!(%error, "Cannot accept a mail");
                        sleep(self.limits.pause).await;
                    }
                },
            }
        }
        drop(listener);
        let finish = async { while self.sessions.join_next().await.is_some() {} };
        if timeout(self.limits.drain, finish).await.is_err() {
            debug!("Mails that were under way were cut off");
        }
    }

    fn enter(&mut self, stream: TcpStream, peer: SocketAddr) {
        let address = neighbourhood(peer.ip());
        let here = self.peers.values().filter(|known| **known == address);
        let most = if address.is_loopback() {
            self.limits.connections
        } else {
            self.limits.per_address
        };
        if self.peers.len() >= self.limits.connections || here.count() >= most {
            // As far as the socket takes it at once; this peer is not worth waiting for.
            if let Err(error) = stream.try_write(FULL) {
                debug!(%error, "A connection too many went away");
            }
            return;
        }
        let session = Session::new(stream, peer.ip(), Arc::clone(&self.sources), self.limits);
        let whole: Duration = self.limits.session;
        let shutdown = self.shutdown.clone();
        let task = self.sessions.spawn(async move {
            match timeout(whole, session.talk(shutdown)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "A mail connection was given up"),
                Err(_) => debug!("A mail connection took too long"),
            }
        });
        self.peers.insert(task.id(), address);
    }

    fn ended(&mut self, ended: Result<(tokio::task::Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                warn!(%error, "A mail session failed; its connection was closed");
                error.id()
            }
        };
        self.peers.remove(&id);
    }
}
