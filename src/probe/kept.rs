//! What a probe keeps between two looks: a connection, a position, the counters of the last time.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
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

impl<T: Default> Kept<T> {
    /// Takes the value out, or begins with a new one; it is put back however the look ends.
    pub(super) fn hold(&self) -> Held<'_, T> {
        Held {
            kept: self,
            value: self.take().unwrap_or_default(),
        }
    }
}

/// A value that goes back to where it was kept when this is dropped.
pub(super) struct Held<'a, T: Default> {
    kept: &'a Kept<T>,
    value: T,
}

impl<T: Default> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Default> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Default> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.kept.put(mem::take(&mut self.value));
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
