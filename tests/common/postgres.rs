//! A private PostgreSQL for tests: its own cluster in a folder of its own, gone when dropped.
//!
//! To be included by test binaries: `#[path = "common/postgres.rs"] mod postgres;`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Who may do everything in the cluster, and the password.
pub(crate) const USER: &str = "belfry";
pub(crate) const PASSWORD: &str = "correct horse";

/// A running PostgreSQL on a free port of loopback.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it. `settings` are `name=value` of `postgresql.conf`.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start; says what to do.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let postgres = Self::make();
        let lines: Vec<String> = settings.iter().map(|line| format!("{line}\n")).collect();
        let configuration = postgres.data().join("postgresql.auto.conf");
        fs::write(&configuration, lines.concat()).expect("the cluster's folder can be written");
        postgres.resume();
        postgres
    }

    /// Starts a standby that streams from this one.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::folder();
        let mut copy = standby.program("pg_basebackup");
        copy.env("PGPASSWORD", PASSWORD)
            .args(["-c", "fast", "-X", "stream", "-R", "-h", "127.0.0.1"])
            .args(["-U", USER, "-p", &self.port.to_string(), "-D"])
            .arg(standby.data());
        must(&mut copy, None);
        standby.resume();
        standby
    }

    /// An empty folder that the server owns, and a free port.
    fn folder() -> Self {
        let folder = TempDir::with_prefix("belfry-postgres-")
            .expect("there is a folder for temporary files");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let postgres = Self {
            folder,
            programs: programs(),
            port: port.expect("loopback has a free port").port(),
        };
        postgres.own();
        postgres
    }

    /// Gives the folder to whom the server runs as.
    fn own(&self) {
        if is_root() {
            let path = self.folder.path();
            must(
                Command::new("chown").args(["-R", "postgres:"]).arg(path),
                None,
            );
        }
    }

    fn make() -> Self {
        let postgres = Self::folder();
        let password = postgres.folder.path().join("password");
        fs::write(&password, PASSWORD).expect("a temporary file can be written");
        postgres.own();
        let mut initdb = postgres.program("initdb");
        initdb
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
            ])
            .args(["--username", USER, "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(postgres.data());
        must(&mut initdb, None);
        postgres
    }

    /// Starts it again after [`Postgres::stop`].
    pub(crate) fn resume(&self) {
        let log = self.folder.path().join("data/log");
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off",
            self.port,
            self.folder.path().display()
        );
        let mut start = self.control(&["-w", "-t", "60", "-o", &options, "start"]);
        start.arg("-l").arg(&log);
        must(&mut start, Some(&log));
    }

    /// Stops it at once, as a crash would.
    pub(crate) fn stop(&self) {
        must(&mut self.control(&["-w", "-m", "immediate", "stop"]), None);
    }

    /// Stops it in order.
    pub(crate) fn shut_down(&self) {
        must(&mut self.control(&["-w", "-m", "fast", "stop"]), None);
    }

    /// Gives every page of it a checksum; it must be shut down.
    pub(crate) fn enable_checksums(&self) {
        let mut enable = self.program("pg_checksums");
        must(
            enable
                .args(["--enable", "--no-sync", "-D"])
                .arg(self.data()),
            None,
        );
    }

    /// Every process of it stands still: its port still accepts, its connections stay open, and nothing
    /// answers.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Ends a freeze.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// Sends a signal to the postmaster and its children; to the postmaster first, so that it starts no
    /// child meanwhile. Nothing happens when it does not run.
    fn signal(&self, name: &str) {
        let Ok(lines) = fs::read_to_string(self.data().join("postmaster.pid")) else {
            return;
        };
        let postmaster = lines.lines().next().unwrap_or_default();
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        send(name, postmaster);
        let children = fs::read_to_string(children).unwrap_or_default();
        for child in children.split_whitespace() {
            send(name, child);
        }
    }

    /// Puts a file into the cluster's folder that only the server may read, and says where.
    pub(crate) fn place(&self, name: &str, text: &str) -> PathBuf {
        let path = self.data().join(name);
        fs::write(&path, text).expect("the cluster's folder can be written");
        must(Command::new("chmod").arg("600").arg(&path), None);
        if is_root() {
            must(Command::new("chown").arg("postgres:").arg(&path), None);
        }
        path
    }

    /// A copy of the cluster, which must be shut down.
    pub(crate) fn back_up(&self) -> PathBuf {
        let copy = self.folder.path().join("backup");
        let data = self.data();
        must(Command::new("cp").arg("-a").args([&data, &copy]), None);
        copy
    }

    /// Puts a copy back, into a cluster that is shut down.
    pub(crate) fn restore(&self, copy: &Path) {
        let data = self.data();
        fs::remove_dir_all(&data).expect("the cluster can be removed");
        must(
            Command::new("cp").arg("-a").args([copy, data.as_path()]),
            None,
        );
    }

    /// The folder of the cluster.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of its socket.
    pub(crate) fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port, also part of the socket's name.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A URL for [`USER`] with the password.
    pub(crate) fn url(&self) -> String {
        self.url_of(USER)
    }

    /// A URL for another role with the same password.
    pub(crate) fn url_of(&self, role: &str) -> String {
        let password = PASSWORD.replace(' ', "%20");
        format!("postgres://{role}:{password}@{}/postgres", self.address())
    }

    fn control(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).args(arguments);
        command
    }

    /// A program of PostgreSQL, as a user that may run it.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
                .arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.thaw();
        let mut stop = self.control(&["-m", "immediate", "stop"]);
        // It may be stopped already; then there is nothing to do.
        drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// Signals a process; it may have ended before.
fn send(signal: &str, process: &str) {
    let mut kill = Command::new("kill");
    drop(
        kill.args(["-s", signal, process])
            .stderr(Stdio::null())
            .status(),
    );
}

/// Whether we are root, as whom PostgreSQL does not run.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The folder of the newest PostgreSQL that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter(|entry| entry.path().join("bin/initdb").exists())
        .max_by_key(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .parse::<u32>()
                .unwrap_or(0)
        });
    newest
        .map(|entry| entry.path().join("bin"))
        .expect("these tests need a PostgreSQL: apt-get install postgresql")
}

/// Runs `command` and waits for its end, which must be a good one. Its output goes nowhere: a server that it
/// starts would keep a pipe open.
fn must(command: &mut Command, log: Option<&Path>) {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let good = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    let log = log.map(|log| fs::read_to_string(log).unwrap_or_default());
    assert!(good, "{command:?}: {status:?}\n{}", log.unwrap_or_default());
}
