//! Somebody reads the two hello pages.

use goose::goose::Transaction;

use super::page;
use crate::target::Target;

pub(super) const REQUESTS: [&str; 2] = ["GET hello", "GET shrunken"];

pub(super) fn steps(target: &Target) -> Vec<Transaction> {
    vec![
        page("hello", format!("{}/", target.hello)),
        page("shrunken", format!("{}/", target.shrunken)),
    ]
}
