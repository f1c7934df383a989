//! What Belfry remembers: SQLite in a file of its own, written by one thread.
//!
//! A commit returns after its fsync. Reading goes through [`Reader`] and never waits for the writer, nor
//! does the writer wait for it.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::core::engine::Watched;
use crate::core::event::Event;
use crate::core::incident::Incident;
use crate::core::outbox::Notification;
use crate::core::time::Time;

mod alive;
mod backup;
mod chore;
mod commit;
mod ground;
mod heads;
mod ledger;
mod lock;
mod meta;
mod open;
mod pack;
mod packing;
mod quarantine;
mod reader;
mod restore;
mod retain;
mod rollup;
mod salvage;
mod schema;
mod series;
mod ship;
pub mod shipment;
mod store;
mod straggler;
mod texts;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use chore::{Chore, Retention};
pub use lock::holder;

/// Whether a folder could be opened by [`Journal::open`]: it is made where it is not there.
///
/// # Errors
/// It cannot be made, or another daemon has it.
pub fn is_free(data_dir: &Path) -> anyhow::Result<()> {
    open::is_free(data_dir)
}
pub use open::Opened;
pub use reader::{EventRow, Reader, Waiting};
pub use shipment::Shipment;

/// Most orders that wait for the writer. The engine waits for each of its commits; the rest are chores.
const QUEUE: usize = 16;

/// Everything that one commit makes durable: what happened, and how things are after it.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub at: Time,
    pub events: Vec<Event>,
    /// Checks with their records as of the end of the batch. A record may be left out as long as only
    /// looks have changed it: these are taken in again at the next start.
    pub records: Vec<Arc<Watched>>,
    pub incidents: Vec<Arc<Incident>>,
    /// The bytes of a message are stored with the first batch that has it; they never change.
    pub notifications: Vec<Arc<Notification>>,
    /// Whether there is an archive: then the batch is kept for it.
    pub archived: bool,
    /// Whether this is all that the engine knows: the record of every check there ever was, all incidents and
    /// all notifications at hand. A journal that is begun anew takes nothing less, see [`Error::Anew`].
    pub whole: bool,
}

/// What a commit was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// In the writer, with its fsync.
    pub took: Duration,
    /// Text and blobs that were handed to SQLite.
    pub bytes: u64,
}

/// Why nothing was written. The batch is not in the journal, not even a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no room on the disk.
    Full,
    /// Anything else; why.
    Broken(String),
    /// A new journal was begun, because the one before is damaged or there was none. It waits for a batch that
    /// is [`Batch::whole`].
    Anew,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str(
                "the journal's disk is full: free some room there; writing goes on by itself",
            ),
            Self::Broken(why) => write!(
                f,
                "the journal cannot be written ({why}): look whether the data folder is there, may be \
                 written and its disk is healthy; it is tried again with every commit"
            ),
            Self::Anew => f.write_str("a new journal was begun and waits for all that is known"),
        }
    }
}

impl std::error::Error for Error {}

/// The way to the journal. Clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Journal {
    orders: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
    reader: Reader,
    now: Arc<AtomicI64>,
    news: watch::Receiver<Option<Arc<str>>>,
}

/// What the writer is asked to do. The permit is the order's place in the queue.
#[derive(Debug)]
enum Order {
    Commit {
        batch: Box<Batch>,
        done: oneshot::Sender<Result<Committed, Error>>,
        permit: OwnedSemaphorePermit,
    },
    Chore {
        task: chore::Task,
        done: oneshot::Sender<Result<String, Error>>,
        permit: OwnedSemaphorePermit,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

impl Journal {
    /// Opens the journal in `data_dir`, or begins a new one, and starts its writer. One that cannot be
    /// used is moved aside, which [`Opened::quarantined`] tells. On a disk that is full or broken the writer
    /// starts all the same: commits fail, and go on by themselves when the disk is well again. Blocks for some
    /// milliseconds.
    ///
    /// # Errors
    /// When another daemon uses the folder, or we may not write there.
    pub fn open(
        data_dir: &Path,
        now: Time,
        vitals: Arc<crate::vitals::Vitals>,
    ) -> anyhow::Result<Opened> {
        open::open(data_dir, now, vitals)
    }

    /// Writes a batch and waits until it is durable. Ask for one at a time. A caller that gives up does
    /// not undo it.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let (done, answer) = oneshot::channel();
        let permit = self.place().await?;
        let batch = Box::new(batch);
        self.order(Order::Commit {
            batch,
            done,
            permit,
        })?;
        answer.await.map_err(|_| closed())?
    }

    /// Tells of a journal that was moved aside while the daemon runs, for the log and for an incident.
    pub fn news(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.news.clone()
    }

    /// A way to read. Each query is a snapshot of what is durable.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Does a chore in small steps between commits, and says what was done.
    pub async fn maintain(&self, chore: Chore) -> Result<String, Error> {
        if let Some(task) = chore::Task::of(&chore) {
            return self.task(task).await;
        }
        if matches!(chore, Chore::FirstBackup) && backup::is_there(self.reader.path()) {
            return Ok("there is a copy already".to_owned());
        }
        let now = Time::from_millis(self.now.load(Ordering::Relaxed));
        backup::backup(self.reader.clone(), now).await
    }

    /// Forgets the shipments up to `up_to`: the archive has them.
    pub async fn shipped(&self, up_to: u64) -> Result<(), Error> {
        self.task(chore::Task::Shipped { up_to }).await.map(drop)
    }

    /// Notes that the daemon lives. About once a second the writer puts it into a file, from which
    /// [`Opened::last_alive`] is read at the next start. Costs nothing. A clock that was set back is followed.
    pub fn alive(&self, now: Time) {
        self.now.store(now.millis(), Ordering::Relaxed);
    }

    /// Ends the writer after what is already in its queue, and gives the folder free.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        if self.order(Order::Close { done }).is_ok() {
            // An error says that the writer is gone, which is what was asked for.
            drop(answer.await);
        }
    }

    async fn task(&self, task: chore::Task) -> Result<String, Error> {
        let (done, answer) = oneshot::channel();
        let permit = self.place().await?;
        self.order(Order::Chore { task, done, permit })?;
        answer.await.map_err(|_| closed())?
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let room = Arc::clone(&self.room);
        room.acquire_owned().await.map_err(|_| closed())
    }

    fn order(&self, order: Order) -> Result<(), Error> {
        self.orders.send(order).map_err(|_| closed())
    }
}

fn closed() -> Error {
    Error::Broken("its writer has ended".to_owned())
}
