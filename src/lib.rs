//! Belfry watches a Postgres, its own ports, the host, sites and jobs, and tells the right person once.
//!
//! The modules stand in the order of their dependencies: each uses only those of the groups above its own.
//! `tests/layout.rs` reads this list and holds everybody to it.

pub mod core;

pub mod clock;
pub mod inbox;
pub mod settings;
pub mod vitals;

pub mod names;
pub mod trust;

pub mod channel;
pub mod journal;
pub mod probe;

pub mod archive;
pub mod remedy;

pub mod config;

pub mod courier;
pub mod engine;
pub mod listen;
pub mod schedule;
pub mod watch;
pub mod watchdog;
pub mod web;

pub mod hello;
pub mod postbox;

pub mod daemon;

pub mod cli;
