//! Servers as people run them, each as a process of its own on a free port of loopback.

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::{assert_fails, look, look_briefly, said, text};

/// How long a server may take to listen.
const STARTUP: Duration = Duration::from_secs(20);

/// A server that runs until dropped.
pub(crate) struct Real {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    child: Child,
}

/// A port that nobody has on TCP or UDP.
pub(crate) fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = tcp.local_addr().expect("it is bound").port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where a program is; servers are not in everybody's PATH.
fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let mut places = places.iter().map(|place| Path::new(place).join(name));
    let found = places.find(|path| path.exists());
    assert!(
        found.is_some(),
        "{name} is not installed; scripts/test does"
    );
    found.expect("it was just seen")
}

impl Real {
    /// Starts `name` with what `arguments` makes of the folder and the port, after it has written there what
    /// the server reads.
    pub(crate) fn start(name: &str, arguments: impl FnOnce(&Path, u16) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let port = free_port();
        let child = Command::new(program(name))
            .args(arguments(folder.path(), port))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("it can be run");
        Self {
            port,
            folder,
            child,
        }
    }

    /// The same, when it listens on TCP.
    pub(crate) async fn listening(
        name: &str,
        arguments: impl FnOnce(&Path, u16) -> Vec<String>,
    ) -> Self {
        Self::listening_within(STARTUP, name, arguments).await
    }

    /// The same, of one that may take so long.
    pub(crate) async fn listening_within(
        patience: Duration,
        name: &str,
        arguments: impl FnOnce(&Path, u16) -> Vec<String>,
    ) -> Self {
        let mut server = Self::start(name, arguments);
        let until = Instant::now() + patience;
        while TcpStream::connect(("127.0.0.1", server.port))
            .await
            .is_err()
        {
            let ended = server.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "{name} has ended: {ended:?}");
            assert!(Instant::now() < until, "{name} does not listen");
            sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// Asks it to end, and waits until it has, with all that it started.
    pub(crate) async fn stop(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let ended = tokio::time::timeout(STARTUP, self.child.wait()).await;
        ended
            .expect("it ends when asked to")
            .expect("it is our child");
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it is our child");
    }

    /// Stops the process without ending it: the system still takes connections for it. When this returns, none of its
    /// threads runs.
    pub(crate) fn freeze(&self) {
        self.signal(nix::sys::signal::Signal::SIGSTOP);
        let until = Instant::now() + STARTUP;
        let tasks = format!("/proc/{}/task", self.child.id().expect("it runs"));
        let runs = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            // Behind its name, which stands in brackets (proc(5)).
            !stat
                .rsplit_once(") ")
                .is_none_or(|(_, rest)| rest.starts_with('T'))
        };
        let any_runs = || {
            let all = std::fs::read_dir(&tasks).expect("it is our child");
            all.filter_map(Result::ok).any(runs)
        };
        while any_runs() {
            assert!(Instant::now() < until, "it does not stop");
            std::thread::yield_now();
        }
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(nix::sys::signal::Signal::SIGCONT);
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = self.child.id().expect("it runs");
        let id = nix::unistd::Pid::from_raw(id.cast_signed());
        nix::sys::signal::kill(id, signal).expect("it is our child");
    }
}

/// The arguments as a process takes them.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Looks at a server by the name of its protocol.
async fn by_preset(server: &Real, preset: &str) -> String {
    let outcome = look(&format!(
        "tcp = {{ address = \"127.0.0.1:{}\", preset = \"{preset}\" }}",
        server.port
    ))
    .await;
    format!("{}: {}", outcome.verdict.word(), text(&outcome))
}

async fn redis(more: &str) -> Real {
    Real::listening("redis-server", |_, port| {
        words(&format!("--port {port} --bind 127.0.0.1 --save '' {more}").replace("''", "\"\""))
    })
    .await
}

#[tokio::test]
async fn redis_is_known_by_its_pong_with_and_without_a_password() {
    assert_eq!(
        by_preset(&redis("").await, "redis").await,
        "pass: speaks redis in T"
    );
    let locked = redis("--requirepass secret").await;
    assert_eq!(by_preset(&locked, "redis").await, "pass: speaks redis in T");
    // A redis is no memcached.
    let other = by_preset(&redis("").await, "memcached").await;
    assert!(other.starts_with("fail: "), "{other}");
    assert!(other.contains("\"-ERR unknown command"), "{other}");
}

#[tokio::test]
async fn a_server_that_hangs_is_told_within_the_deadline() {
    let server = redis("").await;
    server.freeze();
    let keys = format!(
        "tcp = {{ address = \"127.0.0.1:{}\", preset = \"redis\" }}",
        server.port
    );
    assert_fails(
        &look_briefly(&keys).await,
        "no answer within 400 ms (connected, waiting for the answer)",
    );
}

#[tokio::test]
async fn a_server_that_has_ended_is_told() {
    let mut server = redis("").await;
    server.kill().await;
    let keys = format!(
        "tcp = {{ address = \"127.0.0.1:{}\", preset = \"redis\" }}",
        server.port
    );
    assert_fails(&look(&keys).await, "nothing listens on 127.0.0.1:");
    drop(server.folder);
}

#[tokio::test]
async fn memcached_and_mosquitto_are_known() {
    let memcached = Real::listening("memcached", |_, port| {
        words(&format!("-l 127.0.0.1 -p {port} -U 0 -u nobody"))
    })
    .await;
    assert_eq!(
        by_preset(&memcached, "memcached").await,
        "pass: speaks memcached in T"
    );

    let mosquitto = |more: &'static str| {
        Real::listening("mosquitto", move |folder, port| {
            let file = folder.join("mosquitto.conf");
            let text = format!("listener {port} 127.0.0.1\n{more}\n");
            std::fs::write(&file, text).expect("there is room");
            vec!["-c".to_owned(), file.display().to_string()]
        })
    };
    let open = mosquitto("allow_anonymous true").await;
    assert_eq!(by_preset(&open, "mqtt").await, "pass: speaks mqtt in T");
    let locked = mosquitto("allow_anonymous false").await;
    assert_eq!(by_preset(&locked, "mqtt").await, "pass: speaks mqtt in T");
    let other = by_preset(&open, "redis").await;
    assert!(other.starts_with("fail: "), "{other}");
}

/// sshd with these options.
async fn sshd(more: &str) -> Real {
    let key = |folder: &Path| {
        let file = folder.join("host_key");
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&file)
            .status()
            .expect("it can be run");
        assert!(made.success());
        file.display().to_string()
    };
    // What sshd wants to be there, and Debian makes at boot.
    drop(std::fs::create_dir("/run/sshd"));
    Real::listening("sshd", |folder, port| {
        let key = key(folder);
        words(&format!(
            "-D -e -f /dev/null -h {key} -p {port} -o ListenAddress=127.0.0.1 -o PidFile=none {more}"
        ))
    })
    .await
}

#[tokio::test]
async fn sshd_is_known_by_its_banner() {
    let server = sshd("").await;
    assert_eq!(by_preset(&server, "ssh").await, "pass: speaks ssh in T");
    let outcome = look_briefly(&format!(
        "tcp = {{ address = \"127.0.0.1:{}\", preset = \"ftp\" }}",
        server.port
    ))
    .await;
    assert_fails(&outcome, "answered \"SSH-2.0-OpenSSH");
    let told = said(&outcome);
    assert!(
        told.contains("which does not match /^220( |$)/ (step 1 of 2)"),
        "{told}"
    );
}

#[tokio::test]
async fn sshd_that_takes_no_more_is_told() {
    // One place for who has not logged in yet.
    let server = sshd("-o MaxStartups=1").await;
    let until = Instant::now() + STARTUP;
    let _first = loop {
        let first = TcpStream::connect(("127.0.0.1", server.port)).await;
        let mut first = first.expect("it listens");
        if let Ok(b'S') = first.read_u8().await {
            break first;
        }
        // The place is still taken by who has seen that it listens.
        assert!(Instant::now() < until, "it greets nobody");
        sleep(Duration::from_millis(20)).await;
    };
    let full = by_preset(&server, "ssh").await;
    assert!(full.starts_with("fail: "), "{full}");
    assert!(full.contains("answered \"Exceeded MaxStartups"), "{full}");
}
