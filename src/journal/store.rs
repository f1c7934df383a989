//! The writing connection with what is known of its content. Owned by the writer's thread alone.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::heads::Heads;
use super::meta;
use super::texts::Texts;
use crate::core::check::CheckId;

/// See the module.
pub(super) struct Store {
    pub(super) conn: Connection,
    pub(super) heads: Heads,
    pub(super) texts: Texts,
    pub(super) latest: Latest,
    pub(super) identity: Uuid,
    /// The file's inode: when the path leads to another one, what we write goes nowhere.
    inode: Option<u64>,
}

impl Store {
    /// Takes a connection to a journal that is known to be sound.
    pub(super) fn load(conn: Connection, path: &Path) -> rusqlite::Result<Self> {
        let identity = identity(&conn)?;
        let heads = Heads::load(&conn)?;
        let inode = inode(path);
        Ok(Self {
            conn,
            heads,
            texts: Texts::default(),
            latest: Latest::default(),
            identity,
            inode,
        })
    }

    /// Whether the file at `path` is still the one that is open.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.inode == inode(path)
    }

    /// Does `work` in a transaction of its own: all of it, durable at the return, or nothing.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Desk<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut desk = Desk {
            conn: &tx,
            heads: self.heads.clone(),
            texts: &mut self.texts,
            latest: &mut self.latest,
            identity: self.identity,
        };
        let done = work(&mut desk);
        let heads = desk.heads;
        match done.and_then(|done| tx.commit().map(|()| done)) {
            Ok(done) => {
                self.heads = heads;
                self.latest.settle();
                Ok(done)
            }
            Err(error) => {
                self.texts.forget();
                self.latest.fresh.clear();
                Err(error)
            }
        }
    }
}

/// What is at hand within a transaction.
pub(super) struct Desk<'a> {
    pub(super) conn: &'a Connection,
    pub(super) heads: Heads,
    pub(super) texts: &'a mut Texts,
    pub(super) latest: &'a mut Latest,
    pub(super) identity: Uuid,
}

/// When the last outcome of each check was, so that no two have the same instant.
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// By number; as of the last commit.
    known: Vec<i64>,
    /// Since then.
    fresh: HashMap<u32, i64>,
}

impl Latest {
    /// Outcomes nearer than this may be of one burst (pings in the same millisecond); further apart, the
    /// clock was set back.
    const BURST_MS: i64 = 1_000;

    /// The instant for an outcome of `check` at `at`: later by a millisecond or so where that is taken.
    pub(super) fn place(&mut self, check: CheckId, at: i64) -> i64 {
        let slot = usize::try_from(check.0).unwrap_or(usize::MAX);
        let known = || self.known.get(slot).copied().unwrap_or(i64::MIN);
        let last = self.fresh.get(&check.0).copied().unwrap_or_else(known);
        let taken = at <= last && last.saturating_sub(at) < Self::BURST_MS;
        let at = if taken { last + 1 } else { at };
        self.fresh.insert(check.0, at);
        at
    }

    fn settle(&mut self) {
        for (check, at) in self.fresh.drain() {
            let slot = usize::try_from(check).unwrap_or(usize::MAX);
            if self.known.len() <= slot {
                self.known.resize(slot + 1, i64::MIN);
            }
            self.known[slot] = at;
        }
    }
}

fn identity(conn: &Connection) -> rusqlite::Result<Uuid> {
    let text: Option<String> = meta::read(conn, meta::IDENTITY)?;
    if let Some(known) = text.and_then(|text| text.parse().ok()) {
        return Ok(known);
    }
    let fresh = Uuid::new_v4();
    meta::write(conn, meta::IDENTITY, &fresh.to_string())?;
    Ok(fresh)
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.ino())
}
