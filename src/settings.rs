//! Reading values out of TOML: every mistake is noted with its place, none ends the reading.
//!
//! What the keys mean is not known here; each part of Belfry reads its own settings with a [`Section`].

mod expand;
mod lists;
mod near;
mod numbers;
mod ours;
mod problem;
mod report;
mod secret;
mod section;
pub mod units;

pub use near::near;
pub use ours::Stranger;
pub use problem::{Place, Problem};
pub use report::{Report, Source};
pub use secret::Secret;
pub use section::{Around, Entry, Section};
