//! Figures, each as a ratio to what this machine can do, measured in the same run. Prints; judges nothing.
//!
//! The program starts itself again in other roles (a bare hyper server, a raw tokio client, a load
//! generator), so that everything that is compared is a process of its own.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark talks to the terminal, measures wall time, and ends when something is wrong"
)]

mod bare;
mod beats;
mod belfry_process;
mod database;
mod figures;
mod load;
mod looks;
#[path = "../../tests/common/postgres.rs"]
mod postgres;
mod weight;

fn main() {
    let role = std::env::var("BELFRY_BENCH_ROLE").unwrap_or_default();
    match role.as_str() {
        "bare" => bare::serve(),
        "raw" => bare::raw_client(),
        "load" => load::run(),
        _ => figures::all(),
    }
}
