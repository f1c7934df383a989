//! How somebody is told: what a message says, the mail that it becomes, and the ways it can leave.

pub mod email;
pub mod folder;
pub mod message;
pub mod relay;
pub mod smtp;

#[cfg(test)]
#[path = "../tests/common/sink.rs"]
pub(crate) mod sink;
