//! Answers that wait until their peers take them: how many bytes of them there may be. In HTTP/2 a peer can ask for
//! many large answers and take none of them; so each is counted before it is given, for all and for its address,
//! and a connection that takes nothing is given up.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pulse::Pulse;

/// What is counted, in bytes: a permit has to be a small number.
const UNIT: usize = 1024;

/// How many bytes may wait.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    permits: Arc<Semaphore>,
    size: usize,
}

impl Budget {
    /// One of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let size = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(size)),
            size,
        }
    }

    /// Room for so many units.
    fn take(&self, units: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(units.min(self.size)).unwrap_or(u32::MAX);
        Arc::clone(&self.permits).try_acquire_many_owned(units).ok()
    }
}

/// A body that waits; counted until this is dropped.
#[derive(Debug)]
pub(super) struct Unsent {
    _room: [OwnedSemaphorePermit; 2],
    pulse: Arc<Pulse>,
}

impl Unsent {
    /// Counts `bytes` of an answer on the connection of `pulse` in both budgets, that of all and that of its address;
    /// none when one of them is used up. What is larger than all that one address may have counts as that, so that
    /// nothing is too large to be given.
    pub(super) fn count(bytes: usize, budgets: &[Budget; 2], pulse: Arc<Pulse>) -> Option<Self> {
        let [all, own] = budgets;
        let units = bytes.div_ceil(UNIT).min(own.size);
        let room = [own.take(units)?, all.take(units)?];
        pulse.waits();
        Some(Self { _room: room, pulse })
    }

    /// The peer took a piece of it.
    pub(super) fn moved(&self) {
        self.pulse.moved();
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.pulse.gone();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt as _;

    use super::super::body::Body;
    use super::super::limits::PIECE_BYTES;
    use super::super::pulse::Ticks;
    use super::*;

    fn unsent(bytes: usize, budgets: &[Budget; 2]) -> Option<Unsent> {
        Unsent::count(bytes, budgets, Pulse::new(&Ticks::new()))
    }

    #[tokio::test]
    async fn a_large_body_comes_whole_in_pieces_and_is_counted_until_its_end() {
        let budgets = [Budget::new(100_000), Budget::new(100_000)];
        let whole: Bytes = (0..=u8::MAX).cycle().take(PIECE_BYTES * 5 / 2).collect();
        let counted = unsent(whole.len(), &budgets).expect("there is room");
        let mut body = Body::counted(whole.clone(), counted);
        let mut parts = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            let part = frame.into_data().expect("data");
            assert!(part.len() <= PIECE_BYTES);
            parts.extend_from_slice(&part);
        }
        assert_eq!(parts, whole);
        assert!(unsent(90_000, &budgets).is_none());
        drop(body);
        assert!(unsent(90_000, &budgets).is_some());
    }

    #[test]
    fn one_address_does_not_take_the_room_of_the_others() {
        let all = Budget::new(40_000);
        let [one, other] = [10_000, 10_000].map(|own| [all.clone(), Budget::new(own)]);
        let _held = unsent(10_000, &one).expect("there is room");
        assert!(unsent(10_000, &one).is_none());
        assert!(unsent(10_000, &other).is_some());
        // Larger than all that it may have: given when nothing else of it waits.
        let large = unsent(1_000_000, &other).expect("there is room");
        assert!(unsent(5_000, &other).is_none());
        drop(large);
        assert!(unsent(5_000, &other).is_some());
    }
}
