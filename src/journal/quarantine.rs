//! Moving a journal aside that cannot be used, so that monitoring starts all the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::core::time::Time;

/// How many are kept. A machine with bad memory must not fill its disk with them.
const KEPT: usize = 3;
const PREFIX: &str = "journal-quarantine-";

/// Moves the journal at `path` with its WAL to `journal-quarantine-TIME-N.sqlite3` beside it.
pub(super) fn aside(path: &Path, now: Time) -> anyhow::Result<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let stamp = stamp(now);
    let to = (0..=KEPT)
        .map(|n| folder.join(format!("{PREFIX}{stamp}-{n}.sqlite3")))
        .find(|to| !to.exists())
        .context("finding a free name: too many journals were moved aside in one second")?;
    for tail in ["", "-wal", "-shm"] {
        let (from, to) = (with(path, tail), with(&to, tail));
        if from.exists() {
            fs::rename(&from, &to).with_context(|| format!("moving {} aside", from.display()))?;
        }
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("syncing {}", folder.display()))?;
    prune(folder);
    Ok(to)
}

/// The journal that was moved aside last, if one was.
pub(super) fn newest(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    named(folder, PREFIX).pop()
}

/// `path` with something after its name.
pub(super) fn with(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    name.into()
}

/// An instant in a file's name: `20261124T034840Z`.
pub(super) fn stamp(now: Time) -> String {
    now.utc().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Names in `folder` that begin with `prefix` and end with `.sqlite3`, oldest first.
pub(super) fn named(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && name.ends_with(".sqlite3")
    };
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(ours)
        .collect();
    names.sort();
    names
}

fn prune(folder: &Path) {
    let names = named(folder, PREFIX);
    let excess = names.len().saturating_sub(KEPT);
    for old in names.iter().take(excess) {
        for tail in ["", "-wal", "-shm"] {
            let gone = with(old, tail);
            if gone.exists()
                && let Err(error) = fs::remove_file(&gone)
            {
                tracing::warn!("removing {}: {error}", gone.display());
            }
        }
    }
}
