//! Pings over TLS: `belfry wrap` and `belfry ping` at a reverse proxy in front of a real daemon.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::daemon::Daemon;
use crate::{JOB, job};

/// What ends TLS in front of a daemon.
struct Front {
    address: SocketAddr,
    /// The authority that its certificate is of.
    authority: PathBuf,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Front {
    fn of(daemon: &Daemon) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (acceptor, authority) = certified();
        let path = folder.path().join("authority.pem");
        std::fs::write(&path, authority).unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, behind) = (listener.local_addr().unwrap(), daemon.status);
        runtime.spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                all.spawn(async move {
                    // Who does not believe the certificate goes away, and so does who is behind.
                    let Ok(mut outside) = acceptor.accept(stream).await else {
                        return;
                    };
                    let Ok(mut inside) = TcpStream::connect(behind).await else {
                        return;
                    };
                    copy_bidirectional(&mut outside, &mut inside).await.ok();
                });
            }
        });
        Self {
            address,
            authority: path,
            _folder: folder,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/ping/{JOB}", self.address.port())
    }

    fn belfry(&self, believes: bool, spool: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
        command.args(arguments).env("BELFRY_SPOOL", spool);
        if believes {
            command.env("SSL_CERT_FILE", &self.authority);
        }
        command.output().unwrap()
    }
}

/// What accepts TLS as `localhost`, and the authority in PEM.
fn certified() -> (TlsAcceptor, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn waiting(spool: &Path) -> usize {
    let files = std::fs::read_dir(spool).unwrap().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|kind| kind == "json"))
        .count()
}

#[test]
fn a_job_is_reported_over_tls_and_so_is_a_single_ping() {
    let daemon = Daemon::started(&job("1d", "1h"));
    let front = Front::of(&daemon);
    let spool = tempfile::tempdir().unwrap();
    let url = front.url();
    let script = ["wrap", &url, "--", "/bin/sh", "-c", "echo done; exit 3"];
    let wrapped = front.belfry(true, spool.path(), &script);
    assert_eq!(
        (wrapped.status.code(), said(&wrapped.stderr)),
        (Some(3), String::new())
    );
    let check = daemon.json("/api/v1/checks/job");
    assert_eq!(
        (&check["pings"], &check["state"]),
        (&2.into(), &"down".into())
    );
    assert!(check["last_took_ms"].is_number(), "{check}");

    let pinged = front.belfry(true, spool.path(), &["ping", &url]);
    assert_eq!(
        (pinged.status.code(), said(&pinged.stdout)),
        (Some(0), "OK\n".to_owned()),
        "{}",
        said(&pinged.stderr)
    );
    daemon.until("up", |d| d.state("job") == "up");
    let wrong = url.replace("beef", "dead");
    let unknown = front.belfry(true, spool.path(), &["ping", &wrong, "--fail"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        said(&unknown.stderr).contains("404"),
        "{}",
        said(&unknown.stderr)
    );
}

#[test]
fn whoever_shows_a_certificate_of_nobody_gets_no_ping_and_what_waits_comes_when_it_is_believed() {
    let daemon = Daemon::started(&job("1d", "1h"));
    let front = Front::of(&daemon);
    let spool = tempfile::tempdir().unwrap();
    let url = front.url();

    let pinged = front.belfry(false, spool.path(), &["ping", &url]);
    assert_eq!(pinged.status.code(), Some(1));
    let why = said(&pinged.stderr);
    assert!(why.contains("UnknownIssuer"), "{why}");
    // For this name, and for no other.
    let other = url.replace("localhost", "127.0.0.1");
    let elsewhere = front.belfry(true, spool.path(), &["ping", &other]);
    let why = said(&elsewhere.stderr);
    assert!(why.contains("not valid for name"), "{why}");

    let wrapped = front.belfry(false, spool.path(), &["wrap", &url, "--", "true"]);
    assert_eq!(wrapped.status.code(), Some(0));
    let why = said(&wrapped.stderr);
    assert!(why.contains("the ping waits in"), "{why}");
    assert_eq!(daemon.json("/api/v1/checks/job")["pings"], 0);
    assert_eq!(waiting(spool.path()), 2);
    // The process that delivers has begun without the authority, and goes on like that: another has a copy of what waits.
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(spool.path()).unwrap().flatten() {
        let is_letter = file.path().extension().is_some_and(|kind| kind == "json");
        if is_letter {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    let delivered = front.belfry(true, copy.path(), &["deliver"]);
    assert!(delivered.status.success(), "{}", said(&delivered.stderr));
    assert_eq!(waiting(copy.path()), 0);
    daemon.until("up", |d| d.state("job") == "up");
}
