//! A target that can be switched off and on.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// An http server that answers 200, or 503 while it is switched off, or is not there at all.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    well: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    pub(crate) hits: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"))
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("bound");
        let (well, ended) = (
            Arc::new(AtomicBool::new(true)),
            Arc::new(AtomicBool::new(false)),
        );
        let hits = Arc::new(AtomicUsize::new(0));
        let (its_well, its_end, its_hits) =
            (Arc::clone(&well), Arc::clone(&ended), Arc::clone(&hits));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if its_end.load(Ordering::SeqCst) {
                    return;
                }
                its_hits.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = stream else { continue };
                let mut request = [0; 2_048];
                // A client that goes away is no concern of the target.
                let _read = stream.read(&mut request);
                let status = if its_well.load(Ordering::SeqCst) {
                    "200 OK"
                } else {
                    "503 Service Unavailable"
                };
                let _sent = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
                );
            }
        });
        Self {
            address,
            well,
            ended,
            hits,
            thread: Some(thread),
        }
    }

    /// Answers 200 (true) or 503 (false).
    pub(crate) fn set(&self, well: bool) {
        self.well.store(well, Ordering::SeqCst);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread from its accept.
        drop(std::net::TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
