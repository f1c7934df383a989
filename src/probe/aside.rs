//! Work that may hang where nothing can interrupt it (a file system that does not answer), done aside from the
//! runtime.
//!
//! It has threads of its own: those of the runtime serve pages and the journal, and few dead mounts would take all.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout_at;

use super::error::Looked;
use super::trace::Trace;
use crate::core::outcome::Outcome;

/// Most threads at once, of all checks together: beyond it are only looks that hang.
const AT_ONCE: usize = 64;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// How long before the deadline the wait for a thread is given up, so that there is time to say why.
const EARLY: Duration = Duration::from_millis(50);

/// The place of one check: one thread at a time. A look waits for one before it that still hangs. Clones share it;
/// it is no part of the settings, so that all are equal.
#[derive(Clone, Debug)]
pub(super) struct Aside(Arc<Semaphore>);

impl Aside {
    /// Does the work. Where it does not end in time, the deadline of the look is what ends the wait.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        trace: &Trace,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Looked<T> {
        let closed = "nobody closes it";
        let turn = Arc::clone(&self.0).acquire_owned().await.expect(closed);
        let room = timeout_at(trace.deadline() - EARLY, ROOM.acquire()).await;
        let room = room
            .map_err(|_| Outcome::unknown(&format!("{AT_ONCE} looks at files hang already")))?
            .expect(closed);
        let (done, told) = oneshot::channel();
        let runtime = Handle::current();
        let body = move || {
            let _entered = runtime.enter();
            let result = work();
            drop((turn, room));
            // Nobody waits any more when the look was given up.
            drop(done.send(result));
        };
        let started = thread::Builder::new().name("aside".to_owned()).spawn(body);
        started.map_err(|error| Outcome::unknown(&format!("we cannot start a thread: {error}")))?;
        told.await
            .map_err(|_| Outcome::unknown("the probe crashed; this is a bug in Belfry"))
    }
}

impl Default for Aside {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl PartialEq for Aside {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_look_that_hangs_holds_neither_the_runtime_nor_another_check() {
        let (release, held) = mpsc::channel::<()>();
        let (hung, other) = (Aside::default(), Aside::default());
        let trace = Trace::start(Duration::from_secs(20));
        let soon = Duration::from_millis(100);
        let first = hung.run(&trace, move || held.recv().is_ok());
        assert!(tokio::time::timeout(soon, first).await.is_err(), "it hangs");
        let second = hung.run(&trace, || 2);
        assert!(
            tokio::time::timeout(soon, second).await.is_err(),
            "it waits"
        );
        assert_eq!(other.run(&trace, || 3).await, Ok(3));
        release.send(()).expect("it waits for this");
        assert_eq!(hung.run(&trace, || 4).await, Ok(4));
    }

    #[tokio::test]
    async fn beyond_as_many_looks_as_may_hang_nothing_is_known() {
        let mut held = Vec::new();
        let mut hanging = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let (release, waits) = mpsc::channel::<()>();
            let (begun, begins) = oneshot::channel();
            hanging.spawn(async move {
                let trace = Trace::start(Duration::from_mins(1));
                let work = move || {
                    begun.send(()).ok();
                    waits.recv().is_ok()
                };
                Aside::default().run(&trace, work).await
            });
            begins.await.expect("it is begun");
            held.push(release);
        }
        let trace = Trace::start(Duration::from_millis(200));
        let refused = Aside::default().run(&trace, || ()).await;
        assert_eq!(
            refused.expect_err("there is no room").message(),
            "64 looks at files hang already"
        );
        drop(held);
        while hanging.join_next().await.is_some() {}
        let trace = Trace::start(Duration::from_mins(1));
        assert_eq!(Aside::default().run(&trace, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_that_panics_is_unknown() {
        let trace = Trace::start(Duration::from_secs(20));
        let outcome = Aside::default()
            .run(&trace, || assert_eq!(1, 2, "on purpose"))
            .await
            .expect_err("it broke");
        assert!(outcome.message().contains("bug"), "{outcome:?}");
    }
}
