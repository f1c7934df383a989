//! Dependencies: while a parent is in trouble, a child's trouble is no news of its own.

use std::sync::Arc;

use super::engine::{Engine, Watched};

/// Longest chain of dependencies that is followed; the plan refuses cycles, this bounds the rest.
const DEPTH: usize = 16;

impl Engine {
    /// The parent (or its parent, and so on) because of which an alert for `child` is held: one that is
    /// down, or failing and not confirmed yet, since a child often notices first. An uplink is a parent of all
    /// that is behind it.
    pub fn held_by(&self, child: &Watched) -> Option<Arc<str>> {
        self.troubled_parent(child, DEPTH)
    }

    fn troubled_parent(&self, child: &Watched, depth: usize) -> Option<Arc<str>> {
        let depth = depth.checked_sub(1)?;
        child
            .check
            .depends_on
            .iter()
            .chain(&child.check.behind)
            .filter_map(|name| self.named(name))
            .find_map(|parent| {
                if parent.is_failing() {
                    return Some(Arc::clone(&parent.check.name));
                }
                self.troubled_parent(parent, depth)
            })
    }
}
