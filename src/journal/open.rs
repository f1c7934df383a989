//! Opening: the folder, its lock, the file or a new one in its place, and what was in it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, mpsc};

use anyhow::Context;
use tokio::sync::Semaphore;

use super::alive::Alive;
use super::ground::{Footing, Ground, Verdict};
use super::reader::Reader;
use super::schema::{self, Trouble};
use super::store::Store;
use super::writer::Writer;
use super::{Journal, QUEUE, lock, quarantine, restore, salvage};
use crate::core::engine::Restored;
use crate::core::time::Time;
use crate::vitals::Vitals;

/// The file's name in the data folder.
const FILE: &str = "journal.sqlite3";

/// A journal, and what it remembers.
#[derive(Debug)]
pub struct Opened {
    pub journal: Journal,
    pub restored: Restored,
    /// When a daemon was last alive with this folder; none at the first start.
    pub last_alive: Option<Time>,
    /// Set when the journal could not be used and a new one was begun: what happened, for the log and for
    /// an incident.
    pub quarantined: Option<String>,
}

/// Whether a journal could be opened in a folder, as far as that can be known without opening it: the folder is there then,
/// and nobody has it.
pub(super) fn is_free(data_dir: &Path) -> anyhow::Result<()> {
    taken(data_dir).map(drop)
}

/// The folder, made where it is not there, and taken.
fn taken(data_dir: &Path) -> anyhow::Result<lock::Lock> {
    let doing = || {
        format!(
            "making the data folder {}: make it for the user that Belfry runs as, or name another one as data_dir \
             in [daemon]",
            data_dir.display()
        )
    };
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(data_dir);
    made.with_context(doing)?;
    lock::take(data_dir)
}

pub(super) fn open(data_dir: &Path, now: Time, vitals: Arc<Vitals>) -> anyhow::Result<Opened> {
    let shown = data_dir.display();
    let lock = taken(data_dir)?;
    let (alive, last_alive) =
        Alive::open(data_dir).with_context(|| format!("writing into the data folder {shown}"))?;
    let path = data_dir.join(FILE);
    let start = start(&path, now, last_alive.is_some())?;
    let mut ground = Ground::new(&path, start.footing, start.store);
    let news = ground.news();
    if let Err(error) = ground.ready(now) {
        tracing::error!("{error}; watching all the same, and alerts leave from memory");
    }
    let quarantined = start
        .told
        .or_else(|| news.borrow().as_deref().map(str::to_owned));
    let (orders, receiver) = mpsc::channel();
    let latest = Arc::new(AtomicI64::new(now.millis()));
    let writer = Writer {
        orders: receiver,
        ground,
        alive,
        now: Arc::clone(&latest),
        vitals,
        lock,
    };
    writer.start().context("starting the journal's thread")?;
    let journal = Journal {
        orders,
        room: Arc::new(Semaphore::new(QUEUE)),
        reader: Reader::new(&path),
        now: latest,
        news,
    };
    Ok(Opened {
        journal,
        restored: start.restored,
        last_alive,
        quarantined,
    })
}

/// How the journal is found.
struct Start {
    footing: Footing,
    store: Option<Store>,
    restored: Restored,
    /// What has to be told of it, but for a file that is still to be moved aside.
    told: Option<String>,
}

/// Finds out what there is at `path`, and what can be known from it. A disk that is full or broken does not
/// keep the daemon from watching: what can be read is, and the rest follows when the disk is well again.
fn start(path: &Path, now: Time, was_here: bool) -> anyhow::Result<Start> {
    let length = fs::metadata(path).map_or(0, |file| file.len());
    match read(path, now) {
        Ok((store, restored)) if was_here && restored.definitions.is_empty() => {
            Ok(begun(path, store, length == 0, now))
        }
        Ok((store, restored)) => Ok(Start {
            footing: Footing::Ours,
            store: Some(store),
            restored,
            told: None,
        }),
        Err(Trouble::Unusable(why)) => Ok(condemned(path, why, now)),
        Err(Trouble::Held(error)) => Err(error),
        Err(_) if length == 0 => Ok(Start {
            footing: Footing::Anew,
            store: None,
            restored: salvage::salvage(path, None, now).0,
            told: None,
        }),
        Err(trouble) => {
            let seen = schema::look_at(path).and_then(|conn| restore::restore(&conn, now));
            match seen {
                Ok(restored) => Ok(Start {
                    footing: Footing::Unopened,
                    store: None,
                    restored,
                    told: None,
                }),
                Err(error) => Ok(condemned(path, format!("{trouble}; {error}"), now)),
            }
        }
    }
}

/// A journal in which there is nothing, though the folder was used before: it was removed, or a crash came
/// between a file that was moved aside and the first batch of the next one.
fn begun(path: &Path, store: Store, was_missing: bool, now: Time) -> Start {
    let aside = quarantine::newest(path);
    let (restored, saved) = salvage::salvage(path, aside.as_deref(), now);
    let told = was_missing.then(|| {
        let name = path.display();
        format!(
            "the journal {name} was missing or empty, though this folder was used before: a new one was \
             begun; {saved}"
        )
    });
    Start {
        footing: Footing::Anew,
        store: Some(store),
        restored,
        told,
    }
}

/// A journal that has to be moved aside; what can be read of it is.
fn condemned(path: &Path, why: String, now: Time) -> Start {
    let (restored, saved) = salvage::salvage(path, Some(path), now);
    Start {
        footing: Footing::Condemned(Verdict { why, saved }),
        store: None,
        restored,
        told: None,
    }
}

fn read(path: &Path, now: Time) -> Result<(Store, Restored), Trouble> {
    schema::touch(path)?;
    let conn = schema::open(path)?;
    let restored = restore::restore(&conn, now).map_err(|error| schema::trouble(&error))?;
    let store = Store::load(conn, path).map_err(|error| schema::trouble(&error))?;
    Ok((store, restored))
}
