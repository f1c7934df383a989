//! What a probe keeps between two looks: a connection, a position, the counters of the last time.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// One value, or none yet. It belongs to the look that takes it, and is put back only when all went well.
/// Clones share it; it is no part of the settings, so that all are equal.
pub(super) struct Kept<T>(Arc<ArcSwapOption<T>>);

impl<T> Kept<T> {
    /// Takes the value out; nobody else has it then.
    pub(super) fn take(&self) -> Option<T> {
        self.0.swap(None).and_then(Arc::into_inner)
    }

    /// Keeps `value` for the next look. A look at the same time may have put one back; it is dropped.
    pub(super) fn put(&self, value: T) {
        self.0.store(Some(Arc::new(value)));
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}
