//! What is done between commits, in steps so small that no commit waits long.

use std::time::Duration;

use super::heads::buckets;
use super::retain::Retain;
use super::store::Store;
use super::{packing, rollup, ship};
use crate::core::time::Time;

/// Upkeep of the journal, asked for by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Adds finished windows to the sums of hours and days, and packs outcomes of an hour ago. Wants to be
    /// done every hour at least; more often does no harm.
    Rollup,
    /// Forgets what is too old, and the oldest outcomes where the journal is too large.
    Retain(Retention),
    /// Writes a copy to the folder `backup`, reads it through, and keeps the newest ones.
    Backup,
    /// The same where there is no copy yet: a journal that is damaged on its first day is to be salvaged, too.
    FirstBackup,
}

impl Chore {
    /// What it is called in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rollup => "rollup",
            Self::Retain(_) => "retention",
            Self::Backup | Self::FirstBackup => "backup",
        }
    }
}

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Outcomes one by one.
    pub outcomes: Duration,
    /// Sums of five minutes.
    pub windows: Duration,
    pub pings: Duration,
    /// Events, closed incidents, notifications that came to an end, and sums of hours and days; of days
    /// no less than the pages show.
    pub events: Duration,
    /// Above this size outcomes and pings go earlier, those of the last day excepted.
    pub max_bytes: u64,
}

/// A chore under way.
#[derive(Debug)]
pub(super) enum Task {
    Rollup {
        windows: usize,
        looks: usize,
        bucket: u32,
    },
    Retain(Retain),
    Shipped {
        up_to: u64,
    },
}

impl Task {
    /// The beginning of a chore; none for a backup, which only reads and is no work of the writer's.
    pub(super) fn of(chore: &Chore) -> Option<Self> {
        match chore {
            Chore::Rollup => Some(Self::Rollup {
                windows: 0,
                looks: 0,
                bucket: 0,
            }),
            Chore::Retain(rules) => Some(Self::Retain(Retain::new(*rules))),
            Chore::Backup | Chore::FirstBackup => None,
        }
    }

    /// Does one step. What was done, if it was the last one.
    pub(super) fn step(
        &mut self,
        store: &mut Store,
        now: Time,
    ) -> rusqlite::Result<Option<String>> {
        match self {
            Self::Rollup {
                windows,
                looks,
                bucket,
            } => {
                let more = store.transact(|desk| rollup::step(desk.conn, &mut desk.heads))?;
                *windows += more;
                if more > 0 {
                    return Ok(None);
                }
                let last = buckets(&store.conn)?;
                let packed = store.transact(|desk| {
                    packing::step(desk.conn, &desk.heads, *bucket, now.millis())
                })?;
                *looks += packed;
                if packed == 0 {
                    *bucket += 1;
                }
                let done = *bucket >= last;
                Ok(done.then(|| format!("{windows} windows summed, {looks} outcomes packed")))
            }
            Self::Retain(retain) => retain.step(store, now),
            Self::Shipped { up_to } => {
                let up_to = i64::try_from(*up_to).unwrap_or(i64::MAX);
                let gone = store.transact(|desk| ship::shipped(desk.conn, up_to))?;
                Ok((gone == 0).then(String::new))
            }
        }
    }
}
