//! Copies of the journal that are known to be good.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, bail};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::quarantine::{named, stamp, with};
use super::reader::Reader;
use super::{Error, ledger};
use crate::core::time::Time;

/// How many copies are kept: a week of daily ones.
const KEPT: usize = 7;
pub(super) const PREFIX: &str = "journal-";

/// Copies the journal as of now into the folder `backup`, reads the copy through, and keeps the newest.
pub(super) async fn backup(reader: Reader, now: Time) -> Result<String, Error> {
    let path = reader.path().to_owned();
    let copied = reader
        .query(move |source| Ok(copy(source, &path, now)))
        .await;
    match copied {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) | Err(error) => Err(Error::Broken(format!("backup: {error:#}"))),
    }
}

/// Whether there is a copy of the journal at `path`.
pub(super) fn is_there(path: &Path) -> bool {
    !named(&path.with_file_name("backup"), PREFIX).is_empty()
}

fn copy(source: &Connection, path: &Path, now: Time) -> anyhow::Result<String> {
    let folder = path.with_file_name("backup");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("making {}", folder.display()))?;
    let partial = folder.join("partial");
    let to = folder.join(format!("{PREFIX}{}.sqlite3", stamp(now)));
    for tail in ["", "-wal", "-shm", "-journal"] {
        let left = with(&partial, tail);
        if left.exists() {
            fs::remove_file(&left).with_context(|| format!("removing {}", left.display()))?;
        }
    }
    let copied = fill(source, &partial);
    if copied.is_err() {
        // A copy that is not whole is of no use, and a full disk wants its room back.
        fs::remove_file(&partial).ok();
    }
    let events = copied.with_context(|| format!("copying to {}", partial.display()))?;
    File::open(&partial).and_then(|file| file.sync_all())?;
    fs::rename(&partial, &to).with_context(|| format!("writing {}", to.display()))?;
    File::open(&folder).and_then(|folder| folder.sync_all())?;
    let names = named(&folder, PREFIX);
    for old in names.iter().take(names.len().saturating_sub(KEPT)) {
        fs::remove_file(old).with_context(|| format!("removing {}", old.display()))?;
    }
    let bytes = fs::metadata(&to)?.len();
    Ok(format!(
        "{bytes} bytes in {}, read through: {events} events as they were written",
        to.display()
    ))
}

/// One snapshot in one step: the writer goes on meanwhile, its pages stay in the WAL. Returns how many events
/// the ledger in it has, all of which were found as they were written.
fn fill(source: &Connection, to: &Path) -> anyhow::Result<u64> {
    let mut copy = Connection::open(to)?;
    let done = Backup::new(source, &mut copy)?.step(-1)?;
    if done != StepResult::Done {
        bail!("the journal was locked; it is tried again next time");
    }
    // Without a WAL the copy is one file.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    let said: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        bail!("the copy is damaged ({said}), and so may the journal be");
    }
    let events = ledger::verify(&copy)??;
    copy.close().map_err(|(_, error)| error)?;
    Ok(events)
}
