//! The job itself: started at once, its output copied through, signals passed on.
//!
//! The output is copied by threads: whoever reads ours may stop reading, and signals have to pass all the same.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, PipeReader, Read as _, Write, pipe};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How much of the end of the output is reported: some pages of a log.
const TAIL: usize = 16 << 10;
/// How much is copied at once.
const PIECE: usize = 8 << 10;
/// How long the output is waited for when the job has ended and its children keep the pipe open.
const LINGER: Duration = Duration::from_secs(1);
/// What a shell says of a command that cannot be run, or is not there.
const NOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;
/// What a shell adds to the number of a signal.
const BY_SIGNAL: i32 = 128;

/// How a job ended.
pub(super) struct Ended {
    /// Its exit code; as a shell has it for one that was killed by a signal, or could not be run.
    pub(super) code: u8,
    /// The end of its output, both streams as they came.
    pub(super) tail: Vec<u8>,
}

/// Runs it, and tells `over` how it ended as soon as it has. Returns its exit code when its output has ended, too:
/// what it leaves behind may go on writing, as it could without us.
pub(super) async fn run(command: &[OsString], captures: bool, over: impl FnOnce(Ended)) -> u8 {
    let tail = Arc::new(Mutex::new(Tail::default()));
    let (mut child, copied) = match start(command, captures, &tail) {
        Ok(started) => started,
        Err((code, why)) => {
            eprintln!("belfry wrap: {why}");
            let tail = why.into_bytes();
            over(Ended { code, tail });
            return code;
        }
    };
    let copied = async {
        for stream in copied {
            stream.await.ok();
        }
    };
    tokio::pin!(copied);
    let ended = until_ended(&mut child).await;
    let is_all = timeout(LINGER, &mut copied).await.is_ok();
    let code = ended.map_or(NOT_RUN, code_of);
    over(Ended {
        code,
        tail: said(&tail),
    });
    if !is_all {
        copied.await;
    }
    code
}

fn said(tail: &Mutex<Tail>) -> Vec<u8> {
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    tail.0.iter().copied().collect()
}

type Started = (Child, Vec<oneshot::Receiver<()>>);

/// Starts it, and the threads that copy its output.
fn start(
    command: &[OsString],
    captures: bool,
    tail: &Arc<Mutex<Tail>>,
) -> Result<Started, (u8, String)> {
    let Some((program, arguments)) = command.split_first() else {
        return Err((NOT_FOUND, "no command".to_owned()));
    };
    let refused = |error: io::Error| {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        let code = if is_missing { NOT_FOUND } else { NOT_RUN };
        (code, format!("{}: {error}", program.display()))
    };
    let mut job = Command::new(program);
    job.args(arguments);
    let mut readers = Vec::new();
    if captures {
        let ((out, to_out), (err, to_err)) = (pipe().map_err(refused)?, pipe().map_err(refused)?);
        job.stdout(to_out).stderr(to_err);
        readers = vec![(out, false), (err, true)];
    }
    let child = job.spawn().map_err(refused)?;
    // Our ends of its pipes close here, so that they end with the last who writes.
    drop(job);
    let copied = readers.into_iter().map(|(from, is_error)| {
        let (done, told) = oneshot::channel();
        let tail = Arc::clone(tail);
        let body = move || {
            if is_error {
                copy(from, io::stderr(), &tail);
            } else {
                copy(from, io::stdout(), &tail);
            }
            done.send(()).ok();
        };
        let started = thread::Builder::new().name("output".to_owned()).spawn(body);
        started.map(|_| told)
    });
    let copied: io::Result<Vec<_>> = copied.collect();
    Ok((child, copied.map_err(refused)?))
}

fn code_of(status: ExitStatus) -> u8 {
    let signal = status.signal().unwrap_or_default();
    let code = status.code().unwrap_or(BY_SIGNAL + signal);
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Waits for its end, and passes on the signals that we get.
async fn until_ended(child: &mut Child) -> io::Result<ExitStatus> {
    // What is typed at a terminal reaches the job by itself: it is in our process group.
    let typed = io::stdin().is_terminal();
    let mut ways = Vec::new();
    for (kind, signal_, is_typed) in [
        (SignalKind::terminate(), Signal::SIGTERM, false),
        (SignalKind::hangup(), Signal::SIGHUP, false),
        (SignalKind::user_defined1(), Signal::SIGUSR1, false),
        (SignalKind::user_defined2(), Signal::SIGUSR2, false),
        (SignalKind::interrupt(), Signal::SIGINT, true),
        (SignalKind::quit(), Signal::SIGQUIT, true),
    ] {
        ways.push((signal(kind)?, signal_, typed && is_typed));
    }
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    loop {
        let next = std::future::poll_fn(|context| {
            for (way, signal, is_theirs) in &mut ways {
                if way.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready((*signal, *is_theirs));
                }
            }
            std::task::Poll::Pending
        });
        tokio::select! {
            ended = child.wait() => return ended,
            (signal, is_theirs) = next => if let Some(pid) = pid.filter(|_| !is_theirs) {
                // One that has just ended needs no signal.
                kill(Pid::from_raw(pid), signal).ok();
            }
        }
    }
}

/// The last bytes of the output.
#[derive(Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let bytes = bytes
            .get(bytes.len().saturating_sub(TAIL)..)
            .unwrap_or(bytes);
        let excess = (self.0.len() + bytes.len()).saturating_sub(TAIL);
        self.0.drain(..excess);
        self.0.extend(bytes);
    }
}

/// Copies a stream of the job to ours, and keeps its end. Where ours is closed the job goes on all the same.
fn copy(mut from: PipeReader, mut to: impl Write, tail: &Mutex<Tail>) {
    let mut piece = vec![0; PIECE];
    let mut is_open = true;
    while let Ok(count @ 1..) = from.read(&mut piece) {
        let bytes = piece.get(..count).unwrap_or_default();
        tail.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bytes);
        is_open = is_open && to.write_all(bytes).and_then(|()| to.flush()).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_bytes() {
        let mut tail = Tail::default();
        tail.push(b"first");
        tail.push(&vec![b'x'; TAIL - 2]);
        assert_eq!(tail.0.len(), TAIL);
        assert_eq!(tail.0.iter().take(3).copied().collect::<Vec<_>>(), b"stx");
        tail.push(&vec![b'y'; TAIL * 2]);
        assert!(tail.0.len() == TAIL && tail.0.iter().all(|byte| *byte == b'y'));
    }
}
