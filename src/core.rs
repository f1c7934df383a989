//! Everything that Belfry decides, and nothing else.
//!
//! The core does not read a clock, open a file or a socket, draw a random number or await anything:
//! time and evidence are arguments, decisions are return values. It therefore cannot fail, runs the
//! same live and in a replay, and lives through a simulated month in milliseconds.

pub mod alert;
pub mod check;
pub mod depend;
pub mod engine;
pub mod event;
pub mod heartbeat;
pub mod incident;
pub mod input;
pub mod metric;
pub mod outbox;
pub mod outcome;
pub mod remedy;
pub mod rollup;
pub mod schedule;
pub mod sketch;
pub mod state;
pub mod text;
pub mod time;
pub mod uptime;
pub mod view;
