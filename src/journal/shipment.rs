//! What the archive is told: one JSON document per batch, in the order of the batches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::core::check::CheckId;
use crate::core::heartbeat::Signal;
use crate::core::incident::Incident;
use crate::core::outbox::Notification;
use crate::core::outcome::Verdict;
use crate::core::time::Time;

/// One batch that waits for the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Goes up by one with every batch. Counted anew by every new journal, see [`Cargo::journal`].
    pub seq: u64,
    pub at: Time,
    /// A [`Cargo`].
    pub json: String,
}

impl Shipment {
    /// What is in it.
    ///
    /// # Errors
    /// When the text is not a cargo: it was damaged, or written by another version.
    pub fn cargo(&self) -> serde_json::Result<Cargo> {
        serde_json::from_str(&self.json)
    }
}

/// The content of a shipment. Taking the same one in twice must change nothing: every part has a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cargo {
    /// The journal that it comes from; numbers (of checks, events, shipments) are its numbers.
    pub journal: Uuid,
    pub at: Time,
    /// Names that are new; in the first shipment of a run, all of them. Key: `id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<ShippedCheck>,
    /// Key: `check`, `at`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<ShippedOutcome>,
    /// Key: `seq`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ShippedEvent>,
    /// As they are after the batch. Key: `id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Arc<Incident>>,
    /// As they are after the batch, without their messages. Key: `nid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<Arc<Notification>>,
    /// Key: `id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pings: Vec<ShippedPing>,
}

/// A name and its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedCheck {
    pub id: CheckId,
    pub name: Arc<str>,
    pub kind: Arc<str>,
}

/// One outcome; no two of a check have the same `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedOutcome {
    pub check: CheckId,
    pub at: Time,
    pub verdict: Verdict,
    pub latency_us: Option<u64>,
    /// With the mark where the latency belongs, see [`crate::core::outcome::filled`].
    pub text: Arc<str>,
}

/// One event, its JSON to the byte as it is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedEvent {
    pub seq: u64,
    pub at: Time,
    pub check: Option<CheckId>,
    pub json: String,
}

/// One ping, its body cut to [`SHIPPED_BODY`] bytes and made text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedPing {
    pub id: u64,
    pub check: CheckId,
    pub at: Time,
    pub signal: Signal,
    pub rid: Option<Uuid>,
    pub method: Arc<str>,
    pub remote: Arc<str>,
    pub agent: Arc<str>,
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
}

/// Bytes of a ping's body that go to the archive; the journal has all of it.
pub const SHIPPED_BODY: usize = 10_000;
