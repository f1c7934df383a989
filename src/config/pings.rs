//! `[heartbeats]`: the keys with which heartbeats are addressed by their names, and how many pings are taken.

use std::time::Duration;

use uuid::Uuid;

use super::accept;
use crate::settings::{Secret, Section};

/// Shortest ping key: 22 characters of 64 kinds are 132 bits, as those of healthchecks.io.
const KEY_CHARS: usize = 22;
/// The highest rate that can be written, per second; beyond it there is "off".
const MOST: u64 = 1_000_000;

/// What `[heartbeats]` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    /// None where the one is to be used that was made at the first start.
    pub keys: Vec<Secret>,
    pub rates: Rates,
}

/// How often something may happen over a while: the mean time between two, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(Duration);

impl Rate {
    const fn per_second(times: u64) -> Self {
        Self(Duration::from_nanos(1_000_000_000 / times))
    }

    /// The mean time between two.
    pub fn interval(self) -> Duration {
        self.0
    }

    /// `10/s`, `600/min`, `100/h`.
    fn parse(text: &str) -> Option<Self> {
        let (times, unit) = text.split_once('/')?;
        let times: u32 = times.trim().parse().ok()?;
        let unit = match unit.trim() {
            "s" => Duration::from_secs(1),
            "m" | "min" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return None,
        };
        let interval = unit.checked_div(times)?;
        (interval >= Self::per_second(MOST).0).then_some(Self(interval))
    }
}

/// How many pings are taken; none where there is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of one heartbeat: far more than jobs have to say, far less than what a loop gone wrong writes to the disk.
    pub heartbeat: Option<Rate>,
    /// From one address (one /64 in IPv6) but this machine: an office or a cluster behind one.
    pub address: Option<Rate>,
    /// From one address, for heartbeats that there are not: whoever guesses, or a job that was forgotten.
    pub unknown: Option<Rate>,
    /// Of all together: about what a disk takes, so that those who come later hear it at once.
    pub total: Option<Rate>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            heartbeat: Some(Rate::per_second(100)),
            address: Some(Rate::per_second(500)),
            unknown: Some(Rate::per_second(10)),
            total: Some(Rate::per_second(20_000)),
        }
    }
}

impl Rates {
    /// None at all.
    pub const OFF: Self = Self {
        heartbeat: None,
        address: None,
        unknown: None,
        total: None,
    };
}

pub(super) fn read(section: Option<Section<'_>>) -> Pings {
    let Some(mut section) = section else {
        return Pings::default();
    };
    let usual = Rates::default();
    let rates = Rates {
        heartbeat: rate(&mut section, "per_heartbeat", usual.heartbeat),
        address: rate(&mut section, "per_address", usual.address),
        unknown: rate(&mut section, "unknown_per_address", usual.unknown),
        total: rate(&mut section, "total", usual.total),
    };
    let keys = keys(&mut section);
    section.finish();
    Pings { keys, rates }
}

fn rate(section: &mut Section<'_>, key: &'static str, usual: Option<Rate>) -> Option<Rate> {
    let Some(text) = section.string(key) else {
        return usual;
    };
    if text == "off" {
        return None;
    }
    let rate = Rate::parse(&text);
    if rate.is_none() {
        let message = format!("\"{key}\" is no rate");
        let hint =
            format!("write {key} = \"20/s\", \"600/min\" or \"100/h\", or \"off\" for no limit");
        section.refuse(key, message, hint);
    }
    rate
}

fn keys(section: &mut Section<'_>) -> Vec<Secret> {
    let mut keys = Vec::new();
    for name in ["ping_key", "old_ping_key"] {
        let Some(key) = section.secret(name) else {
            continue;
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_random = key.expose().len() >= KEY_CHARS && !accept::is_example(key.expose());
        if !is_random || !key.expose().bytes().all(plain) {
            // The text itself is a secret, so that it is not repeated.
            let message = format!("\"{name}\" cannot be a ping key, or is the example of one");
            let hint = format!(
                "write at least {KEY_CHARS} random letters, digits, - and _: {name} = \"{}\"",
                Uuid::new_v4().simple()
            );
            section.refuse(name, message, hint);
            continue;
        }
        keys.push(key);
    }
    if section.has("old_ping_key") && !section.has("ping_key") {
        let hint = "write ping_key = … for the one that jobs shall use from now on";
        section.refuse("old_ping_key", "\"old_ping_key\" stands alone", hint);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit_of_time() {
        for (text, micros) in [
            ("20/s", 50_000),
            (" 600 / min ", 100_000),
            ("1/h", 3_600_000_000),
            ("1000000/s", 1),
        ] {
            let rate = Rate::parse(text).map(|rate| rate.interval().as_micros());
            assert_eq!(rate, Some(micros), "{text}");
        }
        for text in [
            "",
            "20",
            "0/s",
            "-1/s",
            "1.5/s",
            "20/d",
            "/s",
            "1000001/s",
            "on",
        ] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }
}
