//! The thread that owns the only connection that writes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::alive::Alive;
use super::chore::Task;
use super::ground::Ground;
use super::lock::Lock;
use super::quarantine::with;
use super::{Batch, Committed, Error, Order};
use crate::core::time::Time;
use crate::vitals::Vitals;

/// The longest sleep, so that progress is shown while nothing is asked for.
const NAP: Duration = Duration::from_millis(500);
/// How often the size of the files is looked at.
const GLANCE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Writer {
    pub(super) orders: Receiver<Order>,
    pub(super) ground: Ground,
    pub(super) alive: Alive,
    pub(super) now: Arc<AtomicI64>,
    pub(super) vitals: Arc<Vitals>,
    /// Kept until the end, which gives the folder free.
    pub(super) lock: Lock,
}

/// A chore that is under way, and who waits for it.
struct Running {
    task: Task,
    done: oneshot::Sender<Result<String, Error>>,
    /// Its place in the queue, given free with it.
    _permit: OwnedSemaphorePermit,
}

impl Writer {
    /// Starts the thread. It ends when it is told to, or when nobody can give it orders any more.
    pub(super) fn start(self) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name("journal".to_owned());
        thread.spawn(move || self.run()).map(drop)
    }

    fn run(mut self) {
        let mut chores = VecDeque::new();
        let mut glanced: Option<Instant> = None;
        let closing = loop {
            let nap = if chores.is_empty() {
                NAP
            } else {
                Duration::ZERO
            };
            match self.next(nap) {
                Ok(Some(Order::Close { done })) => break Some(done),
                Ok(Some(order)) => self.take(order, &mut chores),
                Ok(None) => {}
                Err(mpsc::RecvError) => break None,
            }
            self.vitals.progress.journal.bump();
            self.alive.note(self.now.load(Ordering::Relaxed));
            if glanced.is_none_or(|at| at.elapsed() >= GLANCE) {
                glanced = Some(Instant::now());
                self.glance();
            }
            self.step(&mut chores);
        };
        self.alive.note(self.now.load(Ordering::Relaxed));
        // The connection's end checkpoints; the lock goes after it.
        self.ground.close();
        drop(self.lock);
        if let Some(done) = closing {
            // Whoever asked may not wait for it.
            done.send(()).ok();
        }
    }

    fn next(&self, nap: Duration) -> Result<Option<Order>, mpsc::RecvError> {
        match self.orders.recv_timeout(nap) {
            Ok(order) => Ok(Some(order)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(mpsc::RecvError),
        }
    }

    fn take(&mut self, order: Order, chores: &mut VecDeque<Running>) {
        match order {
            Order::Commit {
                batch,
                done,
                permit,
            } => {
                let result = self.commit(&batch);
                drop(permit);
                // What is durable stays so, also when nobody waits for the answer any more.
                drop(done.send(result));
            }
            Order::Chore { task, done, permit } => chores.push_back(Running {
                task,
                done,
                _permit: permit,
            }),
            Order::Close { done } => drop(done),
        }
    }

    fn commit(&mut self, batch: &Batch) -> Result<Committed, Error> {
        let began = Instant::now();
        let written = self.ground.commit(batch);
        match written {
            Ok(bytes) => {
                // What cannot be written is no sign of life: that time counts as deaf.
                self.now.store(batch.at.millis(), Ordering::Relaxed);
                let took = began.elapsed();
                self.vitals.commit.set_duration(took);
                self.vitals.commits.bump();
                self.vitals.commit_failures.set(0);
                self.vitals.commit_error.store(None);
                Ok(Committed { took, bytes })
            }
            Err(error) => {
                self.vitals.commit_failures.bump();
                let why = Arc::new(error.to_string());
                self.vitals.commit_error.store(Some(why));
                Err(error)
            }
        }
    }

    /// Does one step of the first chore.
    fn step(&mut self, chores: &mut VecDeque<Running>) {
        let Some(mut running) = chores.pop_front() else {
            return;
        };
        let now = Time::from_millis(self.now.load(Ordering::Relaxed));
        match self.ground.work(now, |store| running.task.step(store, now)) {
            Ok(None) => chores.push_front(running),
            Ok(Some(report)) => drop(running.done.send(Ok(report))),
            Err(error) => drop(running.done.send(Err(error))),
        }
    }

    fn glance(&self) {
        let size =
            |tail| std::fs::metadata(with(self.ground.path(), tail)).map_or(0, |file| file.len());
        self.vitals.journal_bytes.set(size("") + size("-wal"));
    }
}
