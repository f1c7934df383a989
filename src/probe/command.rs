//! Runs a command for a look: no shell, a process group of its own that is gone afterwards, bounded output.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::aside::Aside;
use super::error::Looked;
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::core::time::human;

mod group;
mod user;

use group::Group;

/// How much of the output is kept; what comes after it is read and thrown away. Plugins print a page at most.
pub(super) const OUTPUT: usize = 64 << 10;
/// How much of standard error is kept: it is only asked for its first line.
const ERRORS: usize = 4 << 10;
/// How much is read at once.
const PIECE: usize = 16 << 10;
/// How long the output is waited for when the command has ended and its children keep the pipe open.
const LINGER: Duration = Duration::from_millis(200);
/// The longest time between TERM and the deadline; half of it is left for the command to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// Most commands at once, of all checks together: a process is dear, and many would be the load they look for.
const AT_ONCE: usize = 32;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// A command as it is started. Nothing is inherited but PATH and LANG.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Command {
    /// The program and its arguments; never empty.
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// Default: `/`.
    pub(super) directory: Option<PathBuf>,
    /// Whom it runs as, if not as we do.
    pub(super) user: Option<String>,
    /// How much of its output is wanted: then it is left alone, and ends when it writes more. Default: the first
    /// [`OUTPUT`] bytes are kept, and it goes on to its end.
    pub(super) enough: Option<usize>,
}

/// How a command came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Code(i32),
    Signal(i32),
    /// Not within this time; it was killed.
    Late(Duration),
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) ended: Ended,
    /// The first bytes of its standard output.
    pub(super) out: Vec<u8>,
    /// The beginning of its standard error.
    pub(super) err: Vec<u8>,
    /// Whether there was more output than was kept.
    pub(super) cut: bool,
    pub(super) took: Duration,
}

impl Command {
    /// Runs it to its end, or until shortly before the deadline of the look. No process of its group is left then.
    pub(super) async fn run(&self, aside: &Aside, trace: &mut Trace) -> Looked<Ran> {
        let left = trace.left();
        let grace = (left / 5).min(GRACE);
        let late = trace.deadline() - grace;
        trace.enter(Stage::Run);
        let room = timeout_at(late, ROOM.acquire()).await;
        let full =
            |_| Outcome::unknown(&format!("{AT_ONCE} commands run already; the others wait"));
        let _room = room.map_err(full)?.expect("nobody closes it");
        let command = self.clone();
        let started = Instant::now();
        let mut group = aside.run(trace, move || command.start()).await??;
        let (mut out, mut err) = (Output::new(OUTPUT), Output::new(ERRORS));
        if let Some(enough) = self.enough {
            (out.most, out.ends) = (enough, true);
        }
        let pipes = (group.stdout(), group.stderr());
        let work = async {
            let read = async { tokio::join!(out.drain(pipes.0), err.drain(pipes.1)) };
            tokio::pin!(read);
            tokio::select! {
                () = group.exited() => { timeout(LINGER, &mut read).await.ok(); }
                _ = &mut read => group.exited().await,
            }
        };
        let in_time = timeout_at(late, work).await.is_ok();
        let took = started.elapsed();
        if !in_time {
            group.ask_to_end(grace / 2).await;
        }
        let ended = group.end().await;
        let ended = ended.map_err(|error| Outcome::unknown(&format!("waiting for it: {error}")))?;
        Ok(Ran {
            ended: if in_time {
                ended
            } else {
                Ended::Late(whole_millis(left.saturating_sub(grace)))
            },
            cut: out.cut,
            out: out.kept,
            err: err.kept,
            took,
        })
    }

    /// Starts it. May hang, where the file system of the program does.
    fn start(&self) -> Looked<Group> {
        let (program, arguments) = self.argv.split_first().expect("a command is never empty");
        let inherited = ["PATH", "LANG"].map(|name| (name, std::env::var_os(name)));
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(inherited.into_iter().filter_map(|(n, v)| Some((n, v?))))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.as_deref().unwrap_or("/".as_ref()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(name) = &self.user
            && let Some((uid, gid)) = user::identity(name)?
        {
            // The standard library takes our other groups away with it.
            command.uid(uid).gid(gid);
        }
        let child = command.spawn().map_err(|error| self.refused(&error))?;
        Ok(Group::new(child))
    }

    /// Why it could not be started: nothing is known of what it looks at.
    fn refused(&self, error: &io::Error) -> Outcome {
        let program = &self.argv[0];
        if let Some(directory) = self.directory.as_ref().filter(|path| !path.is_dir()) {
            let directory = directory.display();
            return Outcome::unknown(&format!("there is no directory {directory} to run it in"));
        }
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the standard library adds kinds; an unknown one is told as it is"
        )]
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file, or its interpreter is missing",
            io::ErrorKind::PermissionDenied => "we may not run it; look at its mode and owner",
            _ => return Outcome::unknown(&format!("{program} cannot be run: {error}")),
        };
        Outcome::unknown(&format!("{program} cannot be run: {reason}"))
    }
}

/// So many milliseconds or a little less: some microseconds have gone by since the look began.
fn whole_millis(time: Duration) -> Duration {
    let millis = time.as_micros().div_ceil(1_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

impl Ended {
    /// For people.
    pub(super) fn told(self) -> String {
        match self {
            Self::Code(code) => format!("exit code {code}"),
            Self::Signal(signal) => format!("killed by {}", group::name(signal)),
            Self::Late(time) => format!("did not end within {}", human(time)),
        }
    }
}

/// One of its pipes.
struct Output {
    kept: Vec<u8>,
    most: usize,
    /// Whether it is read no further than that.
    ends: bool,
    cut: bool,
}

impl Output {
    fn new(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most,
            ends: false,
            cut: false,
        }
    }

    /// Reads to the end, or until it is enough. An error of a pipe is its end.
    async fn drain(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = pipe.read(&mut piece).await {
            let room = self.most - self.kept.len();
            self.cut |= count > room;
            self.kept.extend_from_slice(&piece[..count.min(room)]);
            if self.cut && self.ends {
                return;
            }
        }
    }
}
