//! The job itself: started at once, its output copied through, signals passed on.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;
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

/// Runs it to its end.
pub(super) async fn run(command: &[OsString], captures: bool) -> Ended {
    let Some((program, arguments)) = command.split_first() else {
        return not_run(NOT_FOUND, "no command".to_owned());
    };
    let pipe = || {
        if captures {
            Stdio::piped()
        } else {
            Stdio::inherit()
        }
    };
    let started = Command::new(program)
        .args(arguments)
        .stdout(pipe())
        .stderr(pipe())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound {
                NOT_FOUND
            } else {
                NOT_RUN
            };
            return not_run(code, format!("{}: {error}", program.display()));
        }
    };
    let tail = Mutex::new(Tail::default());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let copied = async {
        tokio::join!(
            copy(out, io::stdout(), &tail),
            copy(err, io::stderr(), &tail)
        )
    };
    let ended = {
        tokio::pin!(copied);
        tokio::select! {
            ended = until_ended(&mut child) => {
                timeout(LINGER, &mut copied).await.ok();
                ended
            }
            _ = &mut copied => until_ended(&mut child).await,
        }
    };
    let code = match ended {
        Ok(status) => code_of(status),
        Err(error) => return not_run(NOT_RUN, format!("waiting for it: {error}")),
    };
    let tail = tail.into_inner().0.into();
    Ended { code, tail }
}

fn not_run(code: u8, why: String) -> Ended {
    eprintln!("belfry wrap: {why}");
    let tail = why.into_bytes();
    Ended { code, tail }
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
async fn copy(from: Option<impl AsyncRead + Unpin>, mut to: impl Write, tail: &Mutex<Tail>) {
    let Some(mut from) = from else { return };
    let mut piece = vec![0; PIECE];
    let mut is_open = true;
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let bytes = piece.get(..count).unwrap_or_default();
        tail.lock().await.push(bytes);
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
