//! A restart in place: the process becomes the program that is installed now, with the same arguments, and keeps its
//! listening sockets open over that. So it keeps its number for whoever supervises it, no connection is refused, what
//! comes in meanwhile waits, and nobody else can step in between.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use command_fds::{CommandFdExt as _, FdMapping};
use nix::unistd::{AccessFlags, access};
use tokio::time::timeout;

use crate::config::{self, Plan, Source};
use crate::core::text;
use crate::journal;
use crate::listen::{self, Listening};

/// How long the program that is to come may take to read the configuration.
const EXAMINATION: Duration = Duration::from_secs(30);
/// Longest complaint of it that is logged, in characters.
const COMPLAINT: usize = 400;
/// The program that runs, though its file may be gone.
const OURSELVES: &str = "/proc/self/exe";
/// The number of the first socket that is handed on, `SD_LISTEN_FDS_START` of `sd_listen_fds(3)`.
const FIRST: i32 = 3;

/// What is handed on.
#[derive(Debug)]
pub struct Heir {
    /// Where our file was at the start: what lies there now comes next.
    program: PathBuf,
    arguments: Vec<OsString>,
    source: Source,
    /// The data folder, which we hold.
    data_dir: PathBuf,
    /// By the names of their services.
    sockets: Vec<(String, OwnedFd)>,
    /// Where each service listens; none for one whose sockets are a service manager's.
    bound: Vec<(&'static str, Option<Vec<SocketAddr>>)>,
}

impl Heir {
    /// Of what listens now.
    pub(super) fn of(
        (source, data_dir): (&Source, &Path),
        services: [(&'static str, &Vec<Listening>); 4],
    ) -> io::Result<Self> {
        let mut heir = Self {
            program: std::env::current_exe()?,
            arguments: std::env::args_os().skip(1).collect(),
            source: source.clone(),
            data_dir: data_dir.to_owned(),
            sockets: Vec::new(),
            bound: Vec::new(),
        };
        for (name, all) in services {
            heir.keep(name, all)?;
        }
        Ok(heir)
    }

    fn keep(&mut self, name: &'static str, all: &[Listening]) -> io::Result<()> {
        for listening in all {
            self.sockets.push(listening.twin(name)?);
        }
        let ours = !all.iter().any(Listening::is_given);
        let at = ours.then(|| all.iter().map(|listening| listening.address).collect());
        self.bound.push((name, at));
        Ok(())
    }

    /// Whether the program that is to come will start, as far as that can be known before: it reads the configuration, a
    /// data folder that is new in it is nobody's, and new addresses can be bound. They are from then on, so that they still
    /// can be.
    ///
    /// # Errors
    /// What stands against it; then everything stays as it is.
    pub(super) async fn examine(&mut self) -> anyhow::Result<()> {
        let mut command = tokio::process::Command::new(self.next());
        if let Source::File(path) = &self.source {
            command.arg("--config").arg(path);
        }
        command
            .arg("validate")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let output = timeout(EXAMINATION, command.output())
            .await
            .with_context(|| format!("no answer within {} s", EXAMINATION.as_secs()))
            .and_then(|output| Ok(output?))
            .with_context(|| format!("{} validate", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let said = text::line(&said, COMPLAINT);
        anyhow::ensure!(
            output.status.success(),
            "{} validate: {said}",
            self.program.display()
        );
        // What only the next program understands, only it can bind.
        match config::load(&self.source) {
            Ok(plan) => self.bind(plan),
            Err(_) => Ok(()),
        }
    }

    /// Binds the addresses that are new: all of them, or none. Another data folder has to be there, and nobody's.
    fn bind(&mut self, plan: Plan) -> anyhow::Result<()> {
        if absolute(&plan.data_dir)? != absolute(&self.data_dir)? {
            journal::is_free(&plan.data_dir)?;
        }
        let mail = plan.mail_pings.map(|mail| mail.listen).unwrap_or_default();
        let wanted = [
            &plan.listen.status,
            &plan.listen.hello,
            &plan.listen.shrunken,
            &mail,
        ];
        let mut new = Vec::new();
        for ((name, at), wanted) in self.bound.iter().zip(wanted) {
            let Some(at) = at else { continue };
            let is_new = |address: &&SocketAddr| address.port() != 0 && !at.contains(address);
            for &address in wanted.iter().filter(is_new) {
                new.push(listen::bind(name, address)?.twin(name)?);
            }
        }
        self.sockets.append(&mut new);
        Ok(())
    }

    /// What comes next: the file where ours was, or ourselves once more where there is none.
    fn next(&self) -> &Path {
        let there = self.program.is_file() && access(&self.program, AccessFlags::X_OK).is_ok();
        if there {
            &self.program
        } else {
            Path::new(OURSELVES)
        }
    }

    /// Becomes it. Returns only where that fails.
    pub fn take_over(self) -> io::Error {
        let mut command = Command::new(self.next());
        let names: Vec<&str> = self.sockets.iter().map(|(name, _)| name.as_str()).collect();
        command
            .args(&self.arguments)
            .env("LISTEN_FDS", self.sockets.len().to_string())
            .env("LISTEN_FDNAMES", names.join(":"))
            // It stays the same process.
            .env("LISTEN_PID", std::process::id().to_string());
        let mut mappings = Vec::new();
        for ((_, socket), child_fd) in self.sockets.iter().zip(FIRST..) {
            match socket.as_fd().try_clone_to_owned() {
                Ok(parent_fd) => mappings.push(FdMapping {
                    parent_fd,
                    child_fd,
                }),
                Err(error) => return error,
            }
        }
        match command.fd_mappings(mappings) {
            Ok(command) => command.exec(),
            Err(error) => io::Error::other(error),
        }
    }
}
