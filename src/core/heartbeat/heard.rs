//! What is known afterwards: the pings of a heartbeat, and when none could have been taken.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Signal;
use crate::core::time::Time;

/// One ping as it was recorded, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Which ping of its heartbeat it is, from 1; 0 where the journal did not count yet.
    pub n: u64,
    pub at: Time,
    pub signal: Signal,
    pub rid: Option<Uuid>,
    pub method: Arc<str>,
    pub remote: Arc<str>,
    pub agent: Arc<str>,
    /// How long its body is, in bytes.
    pub body: u64,
    /// How long the run took, where the ping itself says so.
    pub took: Option<Duration>,
}

/// A ping with the end of its body, which is where a job says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub heard: Heard,
    pub end: Vec<u8>,
}

/// A time in which no ping could have been taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deaf {
    pub from: Time,
    pub to: Time,
    /// For people.
    pub reason: Arc<str>,
    /// The uplink that was gone, where only what reports over it could not be heard.
    pub behind: Option<Arc<str>>,
}
