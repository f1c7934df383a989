//! Addresses that were replaced: they are heard for a while, so that jobs can be changed over without a gap.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Beat;
use crate::core::time::Time;

/// How long an address is heard that was replaced: a week has every day on which a job may run.
pub const HEARD_FOR: Duration = Duration::from_hours(7 * 24);
/// Most addresses of one heartbeat that are heard beside its own; of more the oldest is forgotten.
pub const MOST_FORMER: usize = 4;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    pub uuid: Uuid,
    pub until: Time,
}

impl Beat {
    /// Takes another address; the one that it had is heard until then. Gives back what is not heard any more.
    pub fn rotate(&mut self, uuid: Uuid, at: Time, until: Time) -> Vec<Uuid> {
        let old = std::mem::replace(&mut self.uuid, uuid);
        self.former.push(Former { uuid: old, until });
        if until <= at {
            // Its address got into the wrong hands: those before may have, too.
            return self.former.drain(..).map(|former| former.uuid).collect();
        }
        let excess = self.former.len().saturating_sub(MOST_FORMER);
        self.former
            .drain(..excess)
            .map(|former| former.uuid)
            .collect()
    }

    /// All that it is heard at.
    pub fn addresses(&self) -> Vec<Uuid> {
        let former = self.former.iter().map(|former| former.uuid);
        std::iter::once(self.uuid).chain(former).collect()
    }

    /// When the next of the former addresses is not heard any more.
    pub fn former_until(&self) -> Option<Time> {
        self.former.iter().map(|former| former.until).min()
    }

    /// Forgets those whose time is over, and gives them back.
    pub fn forget_former(&mut self, at: Time) -> Vec<Uuid> {
        let over = self.former.extract_if(.., |former| former.until <= at);
        over.map(|former| former.uuid).collect()
    }
}
