//! The processes of this machine at one moment.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use procfs::process::{Process, Stat, all_processes};
use procfs::{Current, Uptime};

use super::Which;
use super::choose;
use crate::core::outcome::Outcome;
use crate::probe::error::Looked;
use crate::probe::regular;

/// How much of a command line is read: enough for any pattern; some hold a whole script.
const LINE: u64 = 16 << 10;
/// How much of a pidfile is read: a number.
const PIDFILE: u64 = 64;

/// One process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) comm: String,
    /// Its arguments, each with a NUL behind it; empty for a zombie and the kernel's own.
    pub(super) arguments: Vec<u8>,
    pub(super) zombie: bool,
    /// Ticks since the start of the machine; with the number it names one process for ever.
    pub(super) start: u64,
    /// Ticks that it had a processor.
    pub(super) ticks: u64,
    /// Bytes in memory, shared ones too.
    pub(super) memory: u64,
    pub(super) threads: u64,
    /// Open files; none where we may not see them, or did not look.
    pub(super) files: Option<u64>,
}

impl Row {
    fn of(process: &Process, stat: Stat, page: u64) -> Self {
        Self {
            pid: stat.pid,
            parent: stat.ppid,
            comm: stat.comm,
            arguments: arguments(process.pid),
            zombie: matches!(stat.state, 'Z' | 'X'),
            start: stat.starttime,
            ticks: stat.utime + stat.stime,
            memory: stat.rss * page,
            threads: u64::try_from(stat.num_threads).unwrap_or_default(),
            files: None,
        }
    }

    /// The last part of the program it was started as.
    pub(super) fn program(&self) -> &[u8] {
        let mut parts = self.arguments.split(|byte| *byte == 0);
        let program = parts.next().unwrap_or_default();
        program
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or_default()
    }

    /// Its command line as people write it.
    pub(super) fn line(&self) -> Vec<u8> {
        let line = self.arguments.strip_suffix(&[0]).unwrap_or(&self.arguments);
        line.iter()
            .map(|byte| if *byte == 0 { b' ' } else { *byte })
            .collect()
    }
}

/// One moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Since the start of the machine.
    pub(super) up: Duration,
    /// Ticks of a second.
    pub(super) second: u64,
    /// Those that are meant.
    pub(super) rows: Vec<Row>,
    /// Those that they have started and that are not meant themselves.
    pub(super) children: Vec<Row>,
    /// Why none is meant, where the pidfile is why.
    pub(super) nothing: Option<String>,
    /// Whether processes of others are hidden from us (`hidepid=` of /proc, or `ProtectProc=` of our unit).
    pub(super) hidden: bool,
}

impl Seen {
    /// Now. Reads /proc of every process, which may hang where one of them does.
    pub(super) fn now(which: &Which) -> Looked<Self> {
        let unreadable =
            |error: procfs::ProcError| Outcome::unknown(&format!("/proc cannot be read: {error}"));
        let named = match which {
            Which::Pidfile(path) => Some(pidfile(path)?),
            Which::Name(_) | Which::Match(_) => None,
        };
        let own = i32::try_from(std::process::id()).unwrap_or_default();
        let page = procfs::page_size();
        let mut all = Vec::new();
        for process in all_processes().map_err(unreadable)? {
            // One that ends while it is read is none.
            if let Ok(process) = process
                && let Ok(stat) = process.stat()
            {
                all.push(Row::of(&process, stat, page));
            }
        }
        let pid = named
            .as_ref()
            .and_then(|named| named.as_ref().ok())
            .copied();
        let hidden = pid.map_or_else(
            || !all.iter().any(|row| row.pid == 1),
            |pid| !all.iter().any(|row| row.pid == pid) && exists(pid),
        );
        let (mut rows, children) = choose::family(all, |row| which.means(row, pid, own));
        for row in &mut rows {
            row.files = Process::new(row.pid)
                .and_then(|process| process.fd_count())
                .ok()
                .and_then(|count| u64::try_from(count).ok());
        }
        Ok(Self {
            up: Uptime::current().map_err(unreadable)?.uptime_duration(),
            second: procfs::ticks_per_second().max(1),
            rows,
            children,
            nothing: match named {
                Some(Err(reason)) => Some(reason),
                Some(Ok(pid)) => Some(format!("{pid} does not run any more")),
                None => None,
            },
            hidden,
        })
    }
}

/// Whether there is such a process, seen or not (kill(2) with no signal).
fn exists(pid: i32) -> bool {
    matches!(kill(Pid::from_raw(pid), None), Ok(()) | Err(Errno::EPERM))
}

fn arguments(pid: i32) -> Vec<u8> {
    let mut line = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/cmdline")) {
        // What could be read of it is what there is.
        file.take(LINE).read_to_end(&mut line).ok();
    }
    line
}

/// The number in a pidfile, or why there is none.
fn pidfile(path: &Path) -> Looked<Result<i32, String>> {
    let told = path.display();
    let mut text = String::new();
    let read = regular::open(path).and_then(|file| file.take(PIDFILE).read_to_string(&mut text));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Err(format!("there is no {told}")));
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => {}
        Err(error) => {
            return Err(Outcome::unknown(&format!("{told} cannot be read: {error}")));
        }
    }
    let number = text.trim().parse().ok().filter(|pid: &i32| *pid > 0);
    Ok(number.ok_or_else(|| format!("{told} holds no number")))
}
