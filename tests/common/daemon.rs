//! The real binary, on free ports, in a folder of its own.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything: generous, since nothing here is a question of speed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A daemon that can be started, killed and started again on the same data.
pub(crate) struct Daemon {
    pub(crate) dir: TempDir,
    pub(crate) status: SocketAddr,
    pub(crate) hello: SocketAddr,
    pub(crate) shrunken: SocketAddr,
    child: Option<Child>,
}

impl Daemon {
    /// Configured with `extra` beside its ports and its data folder, not started yet.
    pub(crate) fn new(extra: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let daemon = Self {
            dir,
            status: free(),
            hello: free(),
            shrunken: free(),
            child: None,
        };
        daemon.configure(extra);
        daemon
    }

    /// The same, running and ready.
    pub(crate) fn started(extra: &str) -> Self {
        let mut daemon = Self::new(extra);
        daemon.start();
        daemon
    }

    /// Replaces the configuration, as an editor would: a new file is moved over the old one.
    pub(crate) fn configure(&self, extra: &str) {
        let text = format!(
            "[daemon]\nname = \"web-1\"\ndata_dir = \"{}\"\n\n[listen]\nstatus = \"{}\"\nhello = \"{}\"\nshrunken = \"{}\"\n\n{extra}",
            self.data().display(),
            self.status,
            self.hello,
            self.shrunken
        );
        self.write_config(&text);
    }

    /// Replaces the whole text of the configuration.
    pub(crate) fn write_config(&self, text: &str) {
        let new = self.dir.path().join("belfry.toml.new");
        std::fs::write(&new, text).expect("written");
        // Whatever the umask says: nobody else may name what is run.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(&new, mode).expect("it is ours");
        std::fs::rename(new, self.config()).expect("moved");
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("belfry.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts the binary and waits until it is ready.
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.until("ready", |daemon| {
            daemon
                .get("/readyz")
                .is_some_and(|(status, _)| status == 200)
        });
    }

    /// Starts the binary.
    pub(crate) fn spawn(&mut self) {
        self.spawn_by(&[]);
    }

    /// Starts the binary by way of a command (`strace …`, `prlimit …`).
    pub(crate) fn spawn_by(&mut self, wrapper: &[&str]) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .expect("a log");
        let binary = env!("CARGO_BIN_EXE_belfry");
        let (program, before) = wrapper
            .split_first()
            .map_or((binary, [].as_slice()), |(program, rest)| (*program, rest));
        let mut command = Command::new(program);
        command.args(before);
        if program != binary {
            command.arg(binary);
        }
        command
            .args([
                "--config",
                self.config().to_str().expect("a plain path"),
                "run",
            ])
            .current_dir(self.dir.path())
            .env_remove("DATABASE_URL")
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        self.child = Some(command.spawn().expect("the daemon starts"));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Sends a signal by its name: `KILL`, `STOP`, `CONT`, `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// Asks it to end, and waits for it.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut child = self.child.take().expect("running");
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "does not end: {}", self.log());
            pause();
        }
    }

    /// Runs a command of the command line with this configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_belfry"))
            .arg("--config")
            .arg(self.config())
            .args(arguments)
            .current_dir(self.dir.path())
            .env_remove("DATABASE_URL")
            .output()
            .expect("the command runs")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// GET on the status address.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        request(self.status, "GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Option<(u16, String)> {
        request(self.status, "POST", path, body)
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        self.get(path)
            .and_then(|(_, body)| serde_json::from_str(&body).ok())
            .unwrap_or_default()
    }

    /// One check as `/api/v1/status` shows it.
    pub(crate) fn check(&self, name: &str) -> Value {
        let status = self.json("/api/v1/status");
        let checks = status["checks"].as_array().cloned().unwrap_or_default();
        checks
            .into_iter()
            .find(|check| check["name"] == name)
            .unwrap_or_default()
    }

    pub(crate) fn state(&self, name: &str) -> String {
        self.check(name)["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits for a condition.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        until(what, || condition(self), || self.log());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Not an error: it may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Waits for a condition, asking every few milliseconds; `explain` is printed when it does not come.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool, explain: impl Fn() -> String) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "never {what}: {}", explain());
        pause();
    }
}

/// Between two questions.
#[allow(
    clippy::disallowed_methods,
    reason = "a test thread polls a process from outside"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// One request with a connection of its own; none when there was no (whole) answer.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(15)))
        .ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    Some((
        status,
        if chunked {
            unchunk(body)
        } else {
            body.to_owned()
        },
    ))
}

fn unchunk(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else {
            break;
        };
        if size == 0 {
            break;
        }
        out.push_str(after.get(..size).unwrap_or(after));
        rest = after.get(size + 2..).unwrap_or("");
    }
    out
}

/// A port that nobody uses now, and that this test was not given before: the kernel may give one twice.
pub(crate) fn free() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if given.insert(address) {
            return address;
        }
    }
}

/// Where the repository's files are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
