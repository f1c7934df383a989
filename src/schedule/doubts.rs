//! Failures that may be ours: they are handed in when the uplink was asked again, so that it is known first
//! whether we are isolated.

use super::Look;
use crate::core::check::CheckId;

/// The failures that wait. At most one a check, whose next look waits for it.
#[derive(Default)]
pub(super) struct Doubts(Vec<Doubt>);

struct Doubt {
    uplink: CheckId,
    look: Look,
    /// Whether a look at the uplink has begun since: one that was under way may have seen it still well.
    is_asked: bool,
}

impl Doubts {
    /// A failure waits for the next look at `uplink`.
    pub(super) fn add(&mut self, uplink: CheckId, look: Look) {
        self.0.push(Doubt {
            uplink,
            look,
            is_asked: false,
        });
    }

    /// Whether one waits for a look at this check.
    pub(super) fn wait_for(&self, uplink: CheckId) -> bool {
        self.0.iter().any(|doubt| doubt.uplink == uplink)
    }

    /// A look at this check begins.
    pub(super) fn asked(&mut self, check: CheckId) {
        let its = self.0.iter_mut().filter(|doubt| doubt.uplink == check);
        its.for_each(|doubt| doubt.is_asked = true);
    }

    /// A look at this check has ended: those that waited for it, in the order in which they came.
    pub(super) fn answered(&mut self, check: CheckId) -> Vec<Look> {
        self.take(|doubt| doubt.uplink == check && doubt.is_asked)
    }

    /// Those whose uplink is not looked at any more.
    pub(super) fn orphans(&mut self, is_there: impl Fn(CheckId) -> bool) -> Vec<Look> {
        self.take(|doubt| !is_there(doubt.uplink))
    }

    fn take(&mut self, which: impl Fn(&Doubt) -> bool) -> Vec<Look> {
        let taken = self.0.extract_if(.., |doubt| which(doubt));
        taken.map(|doubt| doubt.look).collect()
    }
}
