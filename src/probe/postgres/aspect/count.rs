//! Judges rows that should not be there: each is one, and told by its `name`.

use super::worst::about;
use crate::probe::postgres::found::Judging;

/// Most things that a message names.
const NAMED: usize = 3;

#[expect(clippy::unnecessary_wraps, reason = "every judge has the same form")]
pub(super) fn count(judging: &mut Judging<'_>) -> Option<()> {
    let names: Vec<String> = judging.rows.iter().map(about).collect();
    let names: Vec<&String> = names.iter().filter(|name| !judging.ignores(name)).collect();
    let mut told: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
    if names.len() > NAMED {
        told.push("…");
    }
    let number = u32::try_from(names.len()).unwrap_or(u32::MAX);
    judging.level(f64::from(number), &told.join(", "));
    Some(())
}
