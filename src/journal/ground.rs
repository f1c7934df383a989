//! What the writer stands on: the open file, or the way to one. It opens again what was lost, moves aside what
//! is damaged, and begins anew where there is nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::schema::{self, Trouble};
use super::store::Store;
use super::{Batch, Error, commit, quarantine};
use crate::core::time::Time;

/// How long after a journal was moved aside the next one may be. What damages one after the other is a disk or
/// memory that is broken, and must not push out the first of the files that were kept.
const REST: Duration = Duration::from_hours(1);

/// What is known of the file.
#[derive(Debug)]
pub(super) enum Footing {
    /// It is the journal that goes with the engine's memory.
    Ours,
    /// It could be read but not written at the start: looked at again, as at a start, before the first write.
    Unopened,
    /// There is none yet: it is begun anew, and the first batch in it has to hold everything.
    Anew,
    /// The same, after what is there is moved aside.
    Condemned(Verdict),
}

/// Why a file has to go.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) why: String,
    /// What was saved of it, for people.
    pub(super) saved: String,
}

/// See the module.
pub(super) struct Ground {
    path: PathBuf,
    footing: Footing,
    /// None before it is opened, and after an error that the connection does not survive.
    store: Option<Store>,
    /// What has to be told of a journal that was moved aside.
    news: watch::Sender<Option<Arc<str>>>,
    condemned: Option<Instant>,
}

/// Why there is nothing to write to, or nothing was written.
struct Refusal {
    error: Error,
    /// Set when it is what is in the file: why.
    damage: Option<String>,
}

impl Ground {
    pub(super) fn new(path: &Path, footing: Footing, store: Option<Store>) -> Self {
        Self {
            path: path.to_owned(),
            footing,
            store,
            news: watch::Sender::new(None),
            condemned: None,
        }
    }

    /// Tells of journals that were moved aside.
    pub(super) fn news(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.news.subscribe()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the connection, which checkpoints.
    pub(super) fn close(&mut self) {
        drop(self.store.take());
    }

    /// Writes a batch. One that does not hold everything is refused by a journal that was begun anew.
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<u64, Error> {
        if !batch.whole && self.is_new() {
            self.open(batch.at).map_err(|refusal| refusal.error)?;
            return Err(Error::Anew);
        }
        let bytes = self.work(batch.at, |store| {
            store.transact(|desk| commit::write(desk, batch))
        })?;
        self.footing = Footing::Ours;
        Ok(bytes)
    }

    /// Works with the connection, opened again if need be, and drops it after an error that it does not
    /// survive: after a failed fsync nobody knows what is on the disk, a new connection reads it. Damage that
    /// a second connection finds as well is in the file, which is then moved aside.
    pub(super) fn work<T>(
        &mut self,
        now: Time,
        mut work: impl FnMut(&mut Store) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut found = Err(String::new());
        for _ in 0..2 {
            let refusal = match self.open(now) {
                Ok(store) => match work(store) {
                    Ok(done) => return Ok(done),
                    Err(error) => self.refused(&error),
                },
                Err(refusal) => refusal,
            };
            match refusal.damage {
                Some(why) => found = Err(why),
                None => return Err(refusal.error),
            }
        }
        found.map_err(|why| self.condemn(why, now))
    }

    /// Opens the file if it is not open, whatever has to be done before.
    pub(super) fn ready(&mut self, now: Time) -> Result<(), Error> {
        self.open(now).map(drop).map_err(|refusal| refusal.error)
    }

    fn is_new(&self) -> bool {
        matches!(self.footing, Footing::Anew | Footing::Condemned(_))
    }

    fn open(&mut self, now: Time) -> Result<&mut Store, Refusal> {
        // When the path leads to another file, what is written goes nowhere.
        let elsewhere = |store: &Store| !store.is_at(&self.path);
        if self.store.as_ref().is_some_and(elsewhere) {
            self.store = None;
        }
        if self.store.is_none() {
            if let Footing::Condemned(verdict) = &self.footing {
                let text = aside(&self.path, verdict, now)?;
                tracing::error!("{text}");
                self.news.send_replace(Some(text.into()));
                self.footing = Footing::Anew;
            }
            let conn = match self.footing {
                Footing::Ours => schema::writer(&self.path, false)?,
                Footing::Unopened => schema::open(&self.path)?,
                Footing::Anew | Footing::Condemned(_) => {
                    schema::touch(&self.path)?;
                    schema::open(&self.path)?
                }
            };
            self.store = Some(Store::load(conn, &self.path)?);
            if matches!(self.footing, Footing::Unopened) {
                self.footing = Footing::Ours;
            }
        }
        let store = self.store.as_mut();
        Ok(store.expect("it was there, or has just been opened"))
    }

    fn refused(&mut self, error: &rusqlite::Error) -> Refusal {
        if schema::is_fatal(error) {
            self.store = None;
        }
        Refusal::of(error)
    }

    /// The file is damaged: another one takes its place, into which the engine writes all that it knows.
    fn condemn(&mut self, why: String, now: Time) -> Error {
        self.store = None;
        if self.condemned.is_some_and(|at| at.elapsed() < REST) {
            return Error::Broken(format!(
                "{why}; that is the second one within an hour, is the disk or the memory broken?"
            ));
        }
        self.condemned = Some(Instant::now());
        let saved =
            "what is known of checks, incidents and notifications is written into it from memory";
        self.footing = Footing::Condemned(Verdict {
            why,
            saved: saved.to_owned(),
        });
        match self.open(now) {
            Ok(_) => Error::Anew,
            Err(refusal) => refusal.error,
        }
    }
}

fn aside(path: &Path, verdict: &Verdict, now: Time) -> Result<String, Refusal> {
    let Verdict { why, saved } = verdict;
    let kept = quarantine::aside(path, now).map_err(|error| Refusal {
        error: Error::Broken(format!("{why}, and it cannot be moved aside: {error:#}")),
        damage: None,
    })?;
    Ok(format!(
        "the journal could not be used ({why}): it is now {}, and a new one was begun; {saved}, older \
         history is only there",
        kept.display()
    ))
}

impl Refusal {
    fn of(error: &rusqlite::Error) -> Self {
        Self {
            error: schema::refused(error),
            damage: schema::is_damage(error).then(|| error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::of(&error)
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unusable(why) => Self {
                error: Error::Broken(why.clone()),
                damage: Some(why),
            },
            Trouble::Full => Self {
                error: Error::Full,
                damage: None,
            },
            Trouble::Unreachable(error) | Trouble::Held(error) => Self {
                error: Error::Broken(format!("{error:#}")),
                damage: None,
            },
        }
    }
}
