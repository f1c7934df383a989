//! Other addresses for heartbeats.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Engine;
use crate::core::check::CheckId;
use crate::core::event::Event;
use crate::core::time::Time;

impl Engine {
    /// A heartbeat gets another address; its old one is heard for `keep`. What the configuration says of addresses
    /// is changed there.
    pub(super) fn rotate(
        &self,
        now: Time,
        check: CheckId,
        (uuid, keep): (Uuid, Duration),
        by: &Arc<str>,
    ) -> Vec<Event> {
        let watched = self.watched(check).filter(|watched| watched.active);
        let has_own = watched.is_some_and(|watched| {
            let rule = watched.check.heartbeat.as_ref();
            watched.record.beat.is_some() && rule.is_some_and(|rule| rule.uuid.is_none())
        });
        let rotated = Event::BeatRotated {
            check,
            at: now,
            uuid,
            until: now + keep,
            by: Arc::clone(by),
        };
        has_own.then_some(rotated).into_iter().collect()
    }

    pub(super) fn apply_rotation(&mut self, check: CheckId, uuid: Uuid, at: Time, until: Time) {
        self.beats.insert(uuid, check);
        let mut gone = Vec::new();
        self.on(check, |watched| {
            if let Some(beat) = &mut watched.record.beat {
                gone = beat.rotate(uuid, at, until);
            }
        });
        self.unhear(check, &gone);
    }

    pub(super) fn forget_former(&mut self, check: CheckId, at: Time) {
        let mut gone = Vec::new();
        self.on(check, |watched| {
            if let Some(beat) = &mut watched.record.beat {
                gone = beat.forget_former(at);
            }
        });
        self.unhear(check, &gone);
    }

    /// These addresses are none of this heartbeat any more.
    pub(super) fn unhear(&mut self, check: CheckId, gone: &[Uuid]) {
        for uuid in gone {
            // It may be another's by now.
            if self.beats.get(uuid) == Some(&check) {
                self.beats.remove(uuid);
            }
        }
    }
}
