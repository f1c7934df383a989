//! An incident: opened when a check goes down, closed when it is good again, one id for ever.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check::CheckId;
use super::state::Phase;
use super::time::Time;

/// Most entries a timeline keeps; the first ones stay, of the later ones the newest.
pub const TIMELINE_ENTRIES: usize = 200;

/// Twelve hexadecimal digits, the same on every node and after every restart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Arc<str>);

impl IncidentId {
    /// The id of the incident that `check` opens on `node` at `at`, its `ordinal`th: two may open within
    /// one millisecond, and after a lost journal the count begins anew.
    pub fn new(node: &str, check: &str, at: Time, ordinal: u64) -> Self {
        Self(digest(
            &[node, check, &at.millis().to_string(), &ordinal.to_string()],
            12,
        ))
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first `digits` hexadecimal digits of the SHA-256 of `parts`, each with its length before it so
/// that no two lists of parts run together.
pub fn digest(parts: &[&str], digits: usize) -> Arc<str> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        use fmt::Write as _;
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").expect("writes to memory");
    }
    text.truncate(digits);
    text.into()
}

/// Who said "I am on it", when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub at: Time,
    pub by: Arc<str>,
    pub note: Arc<str>,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Time,
    pub text: Arc<str>,
}

/// An incident, open or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub check: CheckId,
    /// The check's name when it opened.
    pub name: Arc<str>,
    pub opened: Time,
    pub closed: Option<Time>,
    /// How bad it is or was at its worst: Down or Degraded.
    pub worst: Phase,
    /// Why the check turned: `3 failures in a row`.
    pub reason: Arc<str>,
    /// What the last look before the turn found.
    pub evidence: Arc<str>,
    /// When the first of the failures that led here was seen.
    pub first_failure: Time,
    pub acknowledged: Option<Acknowledgement>,
    /// Oldest first.
    pub timeline: Vec<Entry>,
}

impl Incident {
    /// Somebody is on it.
    pub fn acknowledge(&mut self, acknowledgement: &Acknowledgement) {
        let by = &acknowledgement.by;
        self.note(acknowledgement.at, format!("acknowledged by {by}"));
        self.acknowledged = Some(acknowledgement.clone());
    }

    /// Adds a line to the timeline.
    pub fn note(&mut self, at: Time, text: impl Into<Arc<str>>) {
        if self.timeline.len() >= TIMELINE_ENTRIES {
            self.timeline.remove(TIMELINE_ENTRIES / 2);
        }
        self.timeline.push(Entry {
            at,
            text: text.into(),
        });
    }
}
