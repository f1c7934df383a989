//! Levels of the time that a look takes: one above the timeout would never be reached.

use std::time::Duration;

use toml::de::DeValue;

use crate::settings::{Section, units};

/// The keys of probes that are such levels.
const LEVELS: [&str; 8] = [
    "slow",
    "slow_fail",
    "least_warn",
    "least_fail",
    "mean_warn",
    "mean_fail",
    "most_warn",
    "most_fail",
];
/// Tables of probes in which `warn` and `fail` are such levels.
const RANKS: [&str; 4] = ["p50", "p90", "p95", "p99"];

/// Refuses levels of the probe `kind` of a check that are above its `timeout`.
pub(super) fn within(section: &mut Section<'_>, kind: &'static str, timeout: Duration) {
    let path = section.path.clone();
    let Some(mut probe) = section.table(kind) else {
        return;
    };
    refuse(&probe, &LEVELS, timeout, &path);
    for rank in RANKS {
        let is_table = probe.value_of(rank).is_some_and(DeValue::is_table);
        if let Some(table) = is_table.then(|| probe.table(rank)).flatten() {
            refuse(&table, &["warn", "fail"], timeout, &path);
        }
    }
}

fn refuse(table: &Section<'_>, keys: &[&'static str], timeout: Duration, check: &str) {
    let above = |key: &&&str| table.glance(key).is_some_and(|level| level > timeout);
    for key in keys.iter().filter(above) {
        let timeout = units::write_duration(timeout);
        let message = format!("\"{key}\" is never reached: a look ends after {timeout}");
        let hint = format!("write a lower level, or a longer timeout = \"…\" in [{check}]");
        table.refuse(key, message, hint);
    }
}
