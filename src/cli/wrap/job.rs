//! The job itself: started at once, its output copied through, signals passed on.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::now_ms;
use super::output::Output;

/// How long the output is waited for when the job has ended and its children keep the pipe open.
const LINGER: Duration = Duration::from_millis(200);
/// What a shell says of a command that cannot be run, or is not there.
const NOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;
/// A job that ended well, whose output could not be written.
const LOST: u8 = 1;
/// What a shell adds to the number of a signal.
const BY_SIGNAL: i32 = 128;

/// How a job ended.
pub(super) struct Ended {
    /// Its exit code; as a shell has it for one that was killed by a signal, or could not be run.
    pub(super) code: u8,
    /// When, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// The end of its output, both streams as they came.
    pub(super) tail: Vec<u8>,
}

/// Runs it, and tells `over` how it ended as soon as it has. Returns its exit code then: what it leaves behind may go on
/// writing, and is waited for by nobody.
pub(super) async fn run(command: &[OsString], captures: bool, over: impl FnOnce(Ended)) -> u8 {
    let (mut child, mut output) = match start(command, captures) {
        Ok(started) => started,
        Err((code, why)) => {
            eprintln!("belfry wrap: {why}");
            let (at_ms, tail) = (now_ms(), why.into_bytes());
            over(Ended { code, at_ms, tail });
            return code;
        }
    };
    let ended = until_ended(&mut child).await;
    let at_ms = now_ms();
    let is_all = timeout(LINGER, output.is_over()).await.is_ok();
    let (mut code, mut tail) = (ended.map_or(NOT_RUN, code_of), output.tail());
    if let Some(why) = output.lost() {
        // Whoever writes it himself is told, and ends so.
        eprintln!("belfry wrap: {why}");
        code = if code == 0 { LOST } else { code };
        tail.extend_from_slice(format!("\n{why}\n").as_bytes());
    }
    over(Ended { code, at_ms, tail });
    if !is_all {
        output.leave().await;
    }
    code
}

/// Starts it, and the threads that copy its output.
fn start(command: &[OsString], captures: bool) -> Result<(Child, Output), (u8, String)> {
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
    let mut output = Output::none();
    if captures {
        let (copied, to_out, to_err) = Output::copied().map_err(refused)?;
        job.stdout(to_out).stderr(to_err);
        output = copied;
    }
    // With the command our ends of its pipes close, so that they end with the last who writes.
    job.spawn().map(|child| (child, output)).map_err(refused)
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
        (SignalKind::alarm(), Signal::SIGALRM, false),
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
