//! The output of a job: copied through by threads, since whoever reads ours may stop reading and signals have to pass
//! all the same. What the job leaves behind when it ends may go on writing; a process of its own copies that then, so
//! that nobody waits for it.

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write, pipe};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::oneshot;

/// How much of the end of the output is reported: some pages of a log.
const TAIL: usize = 16 << 10;
/// How much is copied at once.
const PIECE: usize = 8 << 10;
/// How long a thread waits for output before it looks whether it is still wanted, in milliseconds.
const LOOK: u8 = 100;
/// The name of the command that copies on; not for people.
pub(in crate::cli) const RELAY: &str = "relay";

/// Both streams of a job.
pub(super) struct Output {
    streams: Vec<Stream>,
    tail: Arc<Mutex<Tail>>,
    /// Why output was lost.
    lost: Arc<Mutex<Option<String>>>,
    /// Whether the threads are to leave the rest to others.
    is_left: Arc<AtomicBool>,
}

struct Stream {
    /// The same pipe as the thread's; none where that has given it up.
    from: Arc<Mutex<Option<PipeReader>>>,
    is_error: bool,
    copied: oneshot::Receiver<()>,
}

impl Output {
    /// Of a job whose output is not looked at.
    pub(super) fn none() -> Self {
        Self {
            streams: Vec::new(),
            tail: Arc::default(),
            lost: Arc::default(),
            is_left: Arc::default(),
        }
    }

    /// Two pipes, and the threads that copy them; what the job is to write to is returned.
    pub(super) fn copied() -> io::Result<(Self, PipeWriter, PipeWriter)> {
        let mut output = Self::none();
        let ((out, to_out), (err, to_err)) = (pipe()?, pipe()?);
        output.copy_from(out, false)?;
        output.copy_from(err, true)?;
        Ok((output, to_out, to_err))
    }

    fn copy_from(&mut self, from: PipeReader, is_error: bool) -> io::Result<()> {
        let (done, copied) = oneshot::channel();
        let (tail, is_left) = (Arc::clone(&self.tail), Arc::clone(&self.is_left));
        let source = from.try_clone()?;
        let from = Arc::new(Mutex::new(Some(from)));
        let (kept, lost) = (Arc::clone(&from), Arc::clone(&self.lost));
        let body = move || {
            let copied = if is_error {
                copy(source, io::stderr(), &tail, &is_left)
            } else {
                copy(source, io::stdout(), &tail, &is_left)
            };
            if let Copied::Lost(error) = &copied {
                let why = format!("the output of the job cannot be written: {error}");
                lost.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(why);
            }
            if !matches!(copied, Copied::AsFarAsWanted) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
            done.send(()).ok();
        };
        thread::Builder::new()
            .name("output".to_owned())
            .spawn(body)?;
        self.streams.push(Stream {
            from,
            is_error,
            copied,
        });
        Ok(())
    }

    /// Returns when everything is copied: whoever could write has ended.
    pub(super) async fn is_over(&mut self) {
        for stream in &mut self.streams {
            (&mut stream.copied).await.ok();
        }
        self.streams.clear();
    }

    /// What was said last, both streams as they came.
    pub(super) fn tail(&self) -> Vec<u8> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.0.iter().copied().collect()
    }

    /// Why some of it could not be passed on, where it could not.
    pub(super) fn lost(&self) -> Option<String> {
        let lost = self.lost.lock();
        lost.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves what is still written to processes that copy it on after we have ended.
    pub(super) async fn leave(mut self) {
        self.is_left.store(true, Ordering::Relaxed);
        for stream in std::mem::take(&mut self.streams) {
            if !stream.copied.is_terminated() {
                stream.copied.await.ok();
            }
            let mut from = stream.from.lock().unwrap_or_else(PoisonError::into_inner);
            let relayed = from.take().map(|from| relay(from, stream.is_error));
            if let Some(Err(error)) = relayed {
                eprintln!("belfry wrap: what the job left behind is not heard any more: {error}");
            }
        }
    }
}

/// Begins a process that copies a stream on. What is typed at a terminal does not end it.
fn relay(from: PipeReader, is_error: bool) -> io::Result<()> {
    let to: OwnedFd = if is_error {
        io::stderr().as_fd().try_clone_to_owned()?
    } else {
        io::stdout().as_fd().try_clone_to_owned()?
    };
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(RELAY)
        .stdin(from)
        .stdout(to)
        .stderr(Stdio::null())
        .process_group(0);
    command.spawn().map(drop)
}

/// `belfry relay`: copies its input to its output. When nobody reads that any more it ends, and whoever writes is told by
/// the system, as without us.
///
/// Not by [`io::copy`], which lets the kernel do it by splice(2): that waits for input with the position that a file had
/// then, and overwrites what others have written to the same file since.
pub(in crate::cli) fn copy_on() -> ExitCode {
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        let bytes = piece.get(..count).unwrap_or_default();
        if to.write_all(bytes).and_then(|()| to.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
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

/// Copies a stream of the job to ours, and keeps its end, until it ends or is left to others. Where nobody reads ours any
/// more, nobody reads the job's: it is told by the system, as without us (`belfry wrap … | head -1`). Where ours cannot be
/// written for another reason (the disk is full), that is the same, and the job has not done what it was to do.
fn copy(
    mut from: PipeReader,
    mut to: impl Write,
    tail: &Mutex<Tail>,
    is_left: &AtomicBool,
) -> Copied {
    let mut piece = vec![0; PIECE];
    while has_more(&from, is_left) {
        let Ok(count @ 1..) = from.read(&mut piece) else {
            break;
        };
        let bytes = piece.get(..count).unwrap_or_default();
        tail.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bytes);
        match to.write_all(bytes).and_then(|()| to.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Copied::Unread,
            Err(error) => return Copied::Lost(error),
        }
    }
    Copied::AsFarAsWanted
}

/// How copying ended.
enum Copied {
    AsFarAsWanted,
    /// Nobody reads what we write.
    Unread,
    /// It cannot be written.
    Lost(io::Error),
}

/// Waits until there is something to read, or the end; false when the rest is for others.
fn has_more(from: &PipeReader, is_left: &AtomicBool) -> bool {
    while !is_left.load(Ordering::Relaxed) {
        let mut pipes = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        match poll(&mut pipes, PollTimeout::from(LOOK)) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
    false
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
