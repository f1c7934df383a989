//! A wire to PostgreSQL that breaks at the worst moment: the commit is done, and its answer is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Passes on everything between its own port and the server's.
pub(crate) struct Wire {
    port: u16,
    breaks: Arc<AtomicU32>,
    _carrier: JoinSet<()>,
}

impl Wire {
    /// A wire to a server on this port of loopback.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let breaks = Arc::<AtomicU32>::default();
        let mut carrier = JoinSet::new();
        let left = Arc::clone(&breaks);
        carrier.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                connections.spawn(carry(client, server, Arc::clone(&left)));
            }
        });
        Self {
            port,
            breaks,
            _carrier: carrier,
        }
    }

    /// The same address, at this end of the wire.
    pub(crate) fn instead_of(&self, url: &str, server: u16) -> String {
        url.replace(&format!(":{server}/"), &format!(":{}/", self.port))
    }

    /// Loses the answers to so many more commits.
    pub(crate) fn lose(&self, commits: u32) {
        self.breaks.store(commits, Ordering::Relaxed);
    }

    /// How many are still to be lost.
    pub(crate) fn left(&self) -> u32 {
        self.breaks.load(Ordering::Relaxed)
    }
}

/// Carries until one side ends, or an answer is lost.
async fn carry(mut client: TcpStream, mut server: TcpStream, breaks: Arc<AtomicU32>) {
    let (mut asked, mut told) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            Ok(length @ 1..) = client.read(&mut asked) => {
                server.write_all(&asked[..length]).await.unwrap();
                // With the end of the text: an isolation level is called READ COMMITTED.
                let commits = asked[..length].windows(7).any(|bytes| bytes == b"COMMIT\0");
                let lose = |left: u32| left.checked_sub(1);
                if commits && breaks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose).is_ok() {
                    // The answer is there, so it is done; nobody will hear of it.
                    assert!(server.read(&mut told).await.unwrap() > 0);
                    return;
                }
            }
            Ok(length @ 1..) = server.read(&mut told) => {
                if client.write_all(&told[..length]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}
