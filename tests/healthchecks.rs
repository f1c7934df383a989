//! The protocols of healthchecks.io against the real daemon: one story per row of their description. What pings
//! do to a heartbeat in each state is in `tests/engine/beats.rs`, where time is simulated.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "healthchecks/changes.rs"]
mod changes;
#[path = "healthchecks/client.rs"]
mod client;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "healthchecks/keys.rs"]
mod keys;
#[path = "healthchecks/lists.rs"]
mod lists;
#[path = "healthchecks/past.rs"]
mod past;
#[path = "healthchecks/pings.rs"]
mod pings;
