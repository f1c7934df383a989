//! Protocols by name against the servers that Debian has for them: once as they should be, and broken.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use belfry::clock::Clock;
use belfry::probe::Env;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::real::{Real, free_port, words};
use crate::tls::chain;
use crate::{PATIENT, env, probe, text};

#[path = "servers/brokers.rs"]
mod brokers;
#[path = "servers/mail.rs"]
mod mail;
#[path = "servers/news.rs"]
mod news;
#[path = "servers/other.rs"]
mod other;
#[path = "servers/postfix.rs"]
mod postfix;
#[path = "servers/stores.rs"]
mod stores;

/// An authority, and what a server needs of it in a folder: `cert.pem` with its chain, and `key.pem`.
struct Authority {
    root: CertificateDer<'static>,
    certificate: String,
    key: String,
}

impl Authority {
    /// A certificate for localhost.
    fn new() -> Self {
        let chain = chain("localhost", 90, 900);
        let certificates = chain.certificates.iter();
        Self {
            root: chain.root,
            certificate: certificates.map(|der| pem("CERTIFICATE", der)).collect(),
            key: pem("PRIVATE KEY", chain.key.secret_der()),
        }
    }

    fn write(&self, folder: &Path) {
        write(folder, "cert.pem", &self.certificate);
        // Some servers want nobody else to read it.
        let key = write(folder, "key.pem", &self.key);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(key, mode).expect("it is ours");
    }

    fn env(&self) -> Env {
        Env::new(Clock::start(), Arc::default()).trusting(self.root.clone())
    }
}

pub(crate) fn pem(kind: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("it is ASCII"))
        .collect();
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        lines.join("\n")
    )
}

/// Writes a file of a server, and says where it is.
fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).expect("there is room");
    file.display().to_string()
}

/// Long enough for what a server says by itself; who waits for something else waits so long for it.
const BRIEF: Duration = Duration::from_secs(3);

/// What is said of a port of localhost within `timeout`, without the time it took.
async fn asked(env: &Env, port: u16, keys: &str, timeout: Duration) -> String {
    let keys = format!("tcp = {{ address = \"localhost:{port}\", ip = \"4\", {keys} }}");
    let outcome = probe(&keys).run(env, timeout).await;
    format!("{}: {}", outcome.verdict.word(), text(&outcome))
}

/// Every protocol is spoken on its port.
async fn speaks(env: &Env, protocols: &[(&str, u16)]) {
    for (preset, port) in protocols {
        let said = asked(env, *port, &format!("preset = \"{preset}\""), PATIENT).await;
        assert_eq!(said, format!("pass: speaks {preset} in T"));
    }
}

/// The same where TLS is asked for in the clear.
async fn speaks_after_starttls(env: &Env, preset: &str, port: u16) {
    let keys = format!("preset = \"{preset}\", starttls = \"{preset}\"");
    let said = asked(env, port, &keys, PATIENT).await;
    assert_eq!(said, format!("pass: speaks {preset} in T"), "with TLS");
}

/// Waits until nothing listens there: what a server has started may end a moment after it.
async fn deserted(port: u16) {
    let until = Instant::now() + PATIENT;
    while Instant::now() < until && TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        sleep(Duration::from_millis(20)).await;
    }
}

/// The server ends, and then none is spoken.
async fn ends(mut server: Real, protocols: &[(&str, u16)]) {
    server.stop().await;
    none_is_spoken(protocols).await;
}

/// The same of one that does not end when it is asked to.
async fn is_ended(mut server: Real, protocols: &[(&str, u16)]) {
    server.kill().await;
    none_is_spoken(protocols).await;
}

async fn none_is_spoken(protocols: &[(&str, u16)]) {
    for (preset, port) in protocols {
        deserted(*port).await;
        let said = asked(&env(), *port, &format!("preset = \"{preset}\""), PATIENT).await;
        let refused = format!("fail: nothing listens on localhost:{port} ");
        assert!(said.starts_with(&refused), "{preset}: {said}");
    }
}

/// What is spoken there is something else, and that is said.
async fn is_no(env: &Env, (preset, port): (&str, u16), part: &str) {
    let said = asked(env, port, &format!("preset = \"{preset}\""), BRIEF).await;
    assert!(
        said.starts_with("fail: ") && said.contains(part),
        "{preset}: {said}"
    );
}

/// Takes one place after the other, until a look says this: there is none left.
async fn is_full(port: u16, preset: &str, part: &str) {
    let until = Instant::now() + PATIENT;
    let keys = format!("preset = \"{preset}\"");
    let mut taken = Vec::new();
    loop {
        let place = TcpStream::connect(("127.0.0.1", port)).await;
        taken.push(place.expect("the server listens"));
        let said = asked(&env(), port, &keys, PATIENT).await;
        if said.starts_with("fail: ") && said.contains(part) {
            return;
        }
        assert!(Instant::now() < until, "{preset}: {said}");
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
