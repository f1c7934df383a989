//! Opening: the folder, its lock, the file or a new one in its place, and what was in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, mpsc};

use anyhow::{Context, anyhow};
use tokio::sync::Semaphore;

use super::alive::Alive;
use super::reader::Reader;
use super::schema::{self, Trouble};
use super::store::Store;
use super::writer::Writer;
use super::{Journal, QUEUE, lock, quarantine, restore};
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

pub(super) fn open(data_dir: &Path, now: Time, vitals: Arc<Vitals>) -> anyhow::Result<Opened> {
    let shown = data_dir.display();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("making the data folder {shown}"))?;
    let lock = lock::take(data_dir)?;
    let (alive, last_alive) =
        Alive::open(data_dir).with_context(|| format!("writing into the data folder {shown}"))?;
    let path = data_dir.join(FILE);
    let ((store, restored), quarantined) = journal(&path, now, last_alive.is_some())?;
    let (orders, receiver) = mpsc::channel();
    let latest = Arc::new(AtomicI64::new(now.millis()));
    let writer = Writer {
        orders: receiver,
        store: Some(store),
        path: path.clone(),
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
    };
    Ok(Opened {
        journal,
        restored,
        last_alive,
        quarantined,
    })
}

/// The journal at `path`, or a new one, and then why.
fn journal(
    path: &Path,
    now: Time,
    was_here: bool,
) -> anyhow::Result<((Store, Restored), Option<String>)> {
    let empty = fs::metadata(path).map_or(true, |file| file.len() == 0);
    let why = match read(path, now) {
        Ok(read) if was_here && empty => {
            let name = path.display();
            let text = format!(
                "the journal {name} was missing or empty, though this folder was used before: a new \
                 one was begun, and what was known of incidents and heartbeats is lost"
            );
            return Ok((read, Some(text)));
        }
        Ok(read) => return Ok((read, None)),
        Err(Trouble::Unreachable(error)) => return Err(error),
        Err(Trouble::Unusable(why)) => why,
    };
    let aside = quarantine::aside(path, now)?;
    let text = format!(
        "the journal could not be used ({why}): it is now {}, and a new one was begun",
        aside.display()
    );
    match read(path, now) {
        Ok(read) => Ok((read, Some(text))),
        Err(Trouble::Unreachable(error)) => Err(error.context(text)),
        Err(Trouble::Unusable(why)) => Err(anyhow!("a new journal cannot be used either ({why})")),
    }
}

fn read(path: &Path, now: Time) -> Result<(Store, Restored), Trouble> {
    // SQLite gives its other files the permissions of this one. Ping addresses are in it.
    let made = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path);
    made.with_context(|| format!("opening {}", path.display()))
        .map_err(Trouble::Unreachable)?;
    let conn = schema::open(path)?;
    let restored = restore::restore(&conn, now).map_err(schema::trouble)?;
    let store = Store::load(conn, path).map_err(schema::trouble)?;
    Ok((store, restored))
}
