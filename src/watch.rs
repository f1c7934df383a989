//! Follows files and folders, and tells that something has changed. What has changed, and whether it is any
//! good, is not decided here: whoever is told reads everything again.
//!
//! The kernel's events (inotify) only say *when* to look. What counts is a fingerprint of all that is
//! followed, so that no event can be misunderstood, missed for good, or counted twice: editors that write
//! a new file and rename it, links that are swapped, folders that are removed and made again, and queues that
//! overflow are all the same case.

mod fingerprint;
mod folders;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use fingerprint::Fingerprint;
use folders::Folder;

/// The times between an event and being told of it.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// As long as events come this close together, somebody is still writing.
    quiet: Duration,
    /// But nobody waits longer than this: a saved file is in force within a second.
    patience: Duration,
    /// How often it is looked without an event: inotify sees nothing of network file systems.
    poll: Duration,
    /// How often it is looked if there are no events at all.
    blind: Duration,
}

const PACE: Pace = Pace {
    quiet: Duration::from_millis(150),
    patience: Duration::from_millis(600),
    poll: Duration::from_secs(30),
    blind: Duration::from_secs(2),
};

/// Rung by the kernel's events.
#[derive(Debug, Default)]
struct Bell {
    rung: Notify,
    /// Something was removed or renamed, perhaps a folder that is watched: the kernel stays with the one that
    /// is gone, and one that is made again may even have its number.
    stale: AtomicBool,
}

/// Gets the kernel's events for some folders.
type Open = fn(&[Folder], Arc<Bell>) -> notify::Result<RecommendedWatcher>;

/// What can be told of the watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// How many changes there were.
    changes: u64,
    /// Why there are no events and every change is found late; none if all is well.
    blind: Option<Arc<str>>,
}

/// The task that looks; see [`follow`].
#[derive(Debug)]
pub struct Watch {
    paths: Vec<PathBuf>,
    /// Followed beside them, as whoever reads finds out.
    also: watch::Receiver<Vec<PathBuf>>,
    known: Fingerprint,
    told: watch::Sender<Told>,
    pace: Pace,
    open: Open,
}

/// The end at which changes are heard. However many there were since the last time, they are one.
#[derive(Debug)]
pub struct Changes {
    told: watch::Receiver<Told>,
    heard: u64,
    also: watch::Sender<Vec<PathBuf>>,
}

/// Follows `paths`: files, and folders with what is in them. None of them need be there. They are looked
/// at in this call: whoever reads them afterwards is told of everything that he has not read.
pub fn follow(paths: Vec<PathBuf>) -> (Watch, Changes) {
    follow_at(PACE, open, paths)
}

fn follow_at(pace: Pace, open: Open, paths: Vec<PathBuf>) -> (Watch, Changes) {
    let (sender, receiver) = watch::channel(Told::default());
    let (more, also) = watch::channel(Vec::new());
    let watch = Watch {
        also,
        known: Fingerprint::of(&paths),
        paths,
        told: sender,
        pace,
        open,
    };
    let changes = Changes {
        told: receiver,
        heard: 0,
        also: more,
    };
    (watch, changes)
}

impl Changes {
    /// Waits for the next change; false when the watch has ended. Giving up the waiting loses nothing.
    pub async fn next(&mut self) -> bool {
        let heard = self.heard;
        match self.told.wait_for(|told| told.changes != heard).await {
            Ok(told) => {
                self.heard = told.changes;
                true
            }
            Err(_) => false,
        }
    }

    /// Follows these files as well, instead of those of the last time. What was not followed before counts as
    /// changed, because nobody knows what happened to it since it was read.
    pub fn also(&self, paths: Vec<PathBuf>) {
        self.also.send_if_modified(|also| {
            let changed = *also != paths;
            *also = paths;
            changed
        });
    }

    /// Why changes are found late, for a page; none if all is well.
    pub fn blind(&self) -> Option<Arc<str>> {
        self.told.borrow().blind.clone()
    }
}

impl Watch {
    /// Looks until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let stopped = shutdown.clone();
        tokio::select! {
            () = stopped.cancelled() => {}
            () = self.look_forever() => {}
        }
    }

    async fn look_forever(&mut self) {
        let bell = Arc::new(Bell::default());
        let mut eyes = Eyes::default();
        loop {
            // The events are asked for before the look, so that nothing can happen between the two.
            let mut paths = self.paths.clone();
            paths.extend(self.also.borrow_and_update().iter().cloned());
            let folders = blocking(paths.clone(), folders::around).await;
            self.say_blind(eyes.turn_to(folders.unwrap_or_default(), self.open, &bell));
            if let Some(print) = blocking(paths, Fingerprint::of).await
                && print != self.known
            {
                self.known = print;
                self.told.send_modify(|told| told.changes += 1);
            }
            let poll = if eyes.watcher.is_some() {
                self.pace.poll
            } else {
                self.pace.blind
            };
            tokio::select! {
                () = sleep(poll) => {}
                Ok(()) = self.also.changed() => {}
                () = bell.rung.notified() => self.settle(&bell).await,
            }
        }
    }

    /// Waits until there was no event for a moment.
    async fn settle(&self, bell: &Bell) {
        let patience = Instant::now() + self.pace.patience;
        while Instant::now() < patience {
            let quiet = Instant::now() + self.pace.quiet;
            if timeout_at(quiet, bell.rung.notified()).await.is_err() {
                return;
            }
        }
    }

    /// Notes whether there are events, and says so when that changes.
    fn say_blind(&self, blind: Option<String>) {
        let blind: Option<Arc<str>> = blind.map(Arc::from);
        self.told.send_if_modified(|told| {
            if told.blind == blind {
                return false;
            }
            if let Some(why) = &blind {
                tracing::warn!(reason = %why, "Files are looked at every two seconds, because there are no events");
            } else {
                tracing::info!("Files are watched by events again");
            }
            told.blind = blind;
            true
        });
    }
}

/// Looks at files where it may take its time. None when the runtime ends meanwhile. A file system that
/// hangs delays the next look, and nothing else; ending does not wait for it.
async fn blocking<T: Send + 'static>(paths: Vec<PathBuf>, look: fn(&[PathBuf]) -> T) -> Option<T> {
    tokio::task::spawn_blocking(move || look(&paths)).await.ok()
}

/// The kernel's events, and for which folders.
#[derive(Default)]
struct Eyes {
    folders: Vec<Folder>,
    watcher: Option<RecommendedWatcher>,
}

impl Eyes {
    /// Watches `folders`, unless they are watched already. Says why that is not possible.
    fn turn_to(&mut self, folders: Vec<Folder>, open: Open, bell: &Arc<Bell>) -> Option<String> {
        let stale = bell.stale.swap(false, Ordering::Relaxed);
        if self.watcher.is_some() && self.folders == folders && !stale {
            return None;
        }
        self.watcher = None;
        match open(&folders, Arc::clone(bell)) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.folders = folders;
                None
            }
            Err(error) => Some(format!("{error} (see /proc/sys/fs/inotify)")),
        }
    }
}

fn open(folders: &[Folder], bell: Arc<Bell>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event| {
        if may_matter(&event) {
            if is_unsettling(&event) {
                bell.stale.store(true, Ordering::Relaxed);
            }
            bell.rung.notify_one();
        }
    })?;
    for folder in folders {
        // One that has gone since it was found is found missing by the look that follows.
        match watcher.watch(&folder.path, RecursiveMode::NonRecursive) {
            Err(error) if !matches!(error.kind, notify::ErrorKind::PathNotFound) => {
                return Err(error);
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(watcher)
}

/// Anything may, an error and a lost event above all; but our own reading must not make us look again.
fn may_matter(event: &notify::Result<notify::Event>) -> bool {
    match event {
        Err(_) => true,
        Ok(event) if event.need_rescan() => true,
        Ok(event) => match event.kind {
            EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
            EventKind::Any
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Other => true,
        },
    }
}

/// Whether a folder that is watched may be gone.
fn is_unsettling(event: &notify::Result<notify::Event>) -> bool {
    let Ok(event) = event else {
        return true;
    };
    let renamed = matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
    event.need_rescan() || renamed || matches!(event.kind, EventKind::Remove(_))
}

#[cfg(test)]
mod tests;
