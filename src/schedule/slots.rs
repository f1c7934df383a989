//! How many looks are under way at once: in all, and at one target.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Job;
use crate::probe::Probe;

/// Most looks under way at once. Each needs a file descriptor or two; what is due beyond it waits, and its lateness
/// is shown.
pub(super) const RUNNING: usize = 1_024;
/// Most looks at one target (host and port) at once. It bounds what a target has to bear, and what one that hangs
/// can take of the others' slots: 128 such targets before anybody else waits.
pub(super) const AT_ONE_TARGET: usize = 8;

/// The slots, and who waits for one, in the order in which they came.
pub(super) struct Slots {
    all: Arc<Semaphore>,
    targets: BTreeMap<Arc<str>, Arc<Semaphore>>,
}

/// What a look needs before it may begin.
pub(super) struct Ticket {
    target: Option<Arc<Semaphore>>,
    all: Option<Arc<Semaphore>>,
}

/// A look that may go on. What it holds is free again when it is dropped, however it ends.
pub(super) struct Admitted {
    /// How long it waited for others at its own target, and then for others anywhere.
    pub(super) waited: (Duration, Duration),
    _held: [Option<OwnedSemaphorePermit>; 2],
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(RUNNING)),
            targets: BTreeMap::new(),
        }
    }
}

impl Slots {
    /// Has slots for the targets of these jobs. A target that stays keeps those that are taken.
    pub(super) fn follow(&mut self, jobs: &[Job]) {
        let old = std::mem::take(&mut self.targets);
        let peers = jobs.iter().filter_map(|job| job.probe.peer());
        for peer in peers {
            let slots = || {
                let known = old.get(&peer.text).map(Arc::clone);
                known.unwrap_or_else(|| Arc::new(Semaphore::new(AT_ONE_TARGET)))
            };
            self.targets
                .entry(Arc::clone(&peer.text))
                .or_insert_with(slots);
        }
    }

    /// How many looks are under way.
    pub(super) fn taken(&self) -> usize {
        RUNNING.saturating_sub(self.all.available_permits())
    }

    /// What a look with this probe needs. An uplink waits for nobody, for others wait for what it says.
    pub(super) fn ticket(&self, probe: &Probe) -> Ticket {
        let peer = probe.peer();
        let target = peer.and_then(|peer| self.targets.get(&peer.text));
        let waits = !matches!(probe, Probe::Uplink(_));
        Ticket {
            target: target.map(Arc::clone),
            all: waits.then(|| Arc::clone(&self.all)),
        }
    }
}

impl Ticket {
    /// Waits for the slot at the target, and only then for one of all: who waits for its target takes nothing from
    /// others.
    pub(super) async fn admit(self) -> Admitted {
        let began = Instant::now();
        let target = slot(self.target).await;
        let between = Instant::now();
        let all = slot(self.all).await;
        Admitted {
            waited: (between - began, between.elapsed()),
            _held: [target, all],
        }
    }
}

async fn slot(of: Option<Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // Nobody closes it.
    of?.acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::check::CheckId;
    use crate::core::schedule::Schedule;
    use crate::probe::uplink::{Canary, Settings, System};

    fn job(target: &str) -> Job {
        let (probe, problems) =
            crate::probe::tests::read(&format!("tcp = {{ address = \"{target}\" }}"));
        Job {
            check: CheckId(0),
            schedule: Schedule::Every(Duration::from_secs(1)),
            retry_every: None,
            timeout: Duration::from_secs(1),
            probe: Arc::new(probe.unwrap_or_else(|| panic!("{problems:?}"))),
            behind: None,
        }
    }

    /// Whether a look could begin now.
    async fn is_free(slots: &Slots, job: &Job) -> bool {
        let admit = slots.ticket(&job.probe).admit();
        let admitted = tokio::time::timeout(Duration::ZERO, admit).await;
        admitted.is_ok()
    }

    #[tokio::test]
    async fn a_target_that_is_full_is_full_for_its_own_looks_only_and_over_a_reload() {
        let (one, other) = (job("192.0.2.1:80"), job("192.0.2.2:80"));
        let mut slots = Slots::default();
        slots.follow(&[one.clone(), other.clone()]);
        let mut held = Vec::new();
        for _ in 0..AT_ONE_TARGET {
            held.push(slots.ticket(&one.probe).admit().await);
        }
        assert!(!is_free(&slots, &one).await);
        assert!(is_free(&slots, &other).await);
        assert_eq!(slots.taken(), AT_ONE_TARGET);
        slots.follow(std::slice::from_ref(&one));
        assert!(!is_free(&slots, &one).await);
        held.pop();
        assert!(is_free(&slots, &one).await);
    }

    #[tokio::test]
    async fn an_uplink_is_asked_even_where_all_slots_are_taken() {
        let jobs: Vec<Job> = (0..RUNNING / AT_ONE_TARGET)
            .map(|n| job(&format!("192.0.2.1:{}", n + 1)))
            .collect();
        let mut slots = Slots::default();
        slots.follow(&jobs);
        let mut held = Vec::new();
        for job in jobs.iter().cycle().take(RUNNING) {
            held.push(slots.ticket(&job.probe).admit().await);
        }
        let other = job("192.0.2.3:80");
        assert!(!is_free(&slots, &other).await);
        let canaries = Canary::USUAL.to_vec();
        let uplink = Probe::Uplink(Settings::new(canaries, System::default()));
        let uplink = Job {
            probe: Arc::new(uplink),
            ..other
        };
        assert!(is_free(&slots, &uplink).await);
    }

    #[tokio::test]
    async fn the_wait_for_a_target_is_told_apart_from_that_for_others() {
        let one = job("192.0.2.1:80");
        let mut slots = Slots::default();
        slots.follow(std::slice::from_ref(&one));
        let mut held = Vec::new();
        for _ in 0..AT_ONE_TARGET {
            held.push(slots.ticket(&one.probe).admit().await);
        }
        let mut next = tokio::task::JoinSet::new();
        next.spawn(slots.ticket(&one.probe).admit());
        let span = Duration::from_millis(100);
        tokio::time::sleep(span).await;
        held.clear();
        let admitted = next.join_next().await.unwrap().unwrap();
        let (at_target, anywhere) = admitted.waited;
        assert!(at_target >= span / 2, "{at_target:?}");
        assert!(anywhere < at_target, "{anywhere:?}");
    }
}
