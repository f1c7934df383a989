//! The daemon (and anything else) as a process that is measured from outside.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A process that ends with this.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The daemon in a folder of its own.
pub(crate) struct Daemon {
    pub(crate) dir: TempDir,
    pub(crate) status: SocketAddr,
    pub(crate) hello: SocketAddr,
    pub(crate) process: Option<Running>,
}

impl Daemon {
    pub(crate) fn new(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (status, hello, shrunken) = (free(), free(), free());
        let config = format!(
            "[daemon]\nname = \"bench\"\ndata_dir = \"{}/data\"\n[listen]\nstatus = \"{status}\"\nhello = \"{hello}\"\nshrunken = \"{shrunken}\"\n{extra}",
            dir.path().display()
        );
        std::fs::write(dir.path().join("belfry.toml"), config).unwrap();
        Self {
            dir,
            status,
            hello,
            process: None,
        }
    }

    /// Adds a file to its configuration.
    pub(crate) fn more(&self, number: usize, text: &str) {
        let folder = self.dir.path().join("conf.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{number:03}.toml")), text).unwrap();
    }

    /// Starts it; returns how long it took to the first page.
    pub(crate) fn start(&mut self) -> Duration {
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_belfry"))
            .arg("--config")
            .arg(self.dir.path().join("belfry.toml"))
            .arg("run")
            .env("RUST_LOG", "warn")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(Running { child });
        while get(self.status, "/").is_none_or(|page| !page.starts_with("HTTP/1.1 200")) {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "does not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        began.elapsed()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().pid()
    }

    /// The CPU seconds that it has used, and how many looks it has begun.
    pub(crate) fn work(&self) -> (f64, f64) {
        let looks = self.metric("belfry_probes_total");
        (cpu_seconds(self.pid()), looks)
    }

    /// The value of a line of /metrics that begins with `name`.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = get(self.status, "/metrics").unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name} in /metrics"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// This program again, in another role.
pub(crate) fn role(name: &str, settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env("BELFRY_BENCH_ROLE", name)
        .envs(settings.iter().map(|(key, value)| (key, value.clone())))
        .stdout(Stdio::piped());
    command
}

/// A bare hyper server that answers with the bytes of a file, and its address.
pub(crate) fn bare(head: &str, body: &Path) -> (Running, SocketAddr) {
    bare_at(1, head, body)
}

/// The same at this many addresses, of which the first is returned; the others follow it.
pub(crate) fn bare_at(addresses: u8, head: &str, body: &Path) -> (Running, SocketAddr) {
    let settings = [
        ("ADDRESSES", addresses.to_string()),
        ("HEAD", head.to_owned()),
        ("BODY", body.display().to_string()),
    ];
    let mut child = role("bare", &settings).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (Running { child }, line.trim().parse().unwrap())
}

/// User and system seconds that a process has used (`/proc/PID/stat`, ticks of 10 ms; see proc(5)).
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Resident memory in MB (`VmRSS`; 10^6 bytes).
pub(crate) fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        * 1_024.0
        / 1e6
}

/// GET with a connection of its own: the whole answer.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    get_bytes(address, path, "").map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn get_bytes(address: SocketAddr, path: &str, headers: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
