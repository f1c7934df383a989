//! What the kernel says of an interface: the files of `/sys/class/net/NAME` (Documentation/ABI/testing/
//! sysfs-class-net and sysfs-class-net-statistics of Linux).

use std::fs::{read_dir, read_to_string};
use std::io;
use std::path::Path;

use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::error::Looked;
use crate::probe::level::bytes;

/// Most interfaces that are named where the one that is looked for is not there.
const NAMED: usize = 12;
/// Longest word of a file that is told.
const WORD: usize = 40;
/// The bit of `flags` that says it is switched on (`IFF_UP`).
const IFF_UP: u64 = 1;

/// One moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) link: Link,
    /// Mbit/s; none where it has none to tell (virtual, or without a link).
    pub(super) speed: Option<f64>,
    /// `full` or `half`.
    pub(super) duplex: Option<String>,
    /// How often it has lost its carrier since it is there; none where the kernel does not count that.
    pub(super) losses: Option<u64>,
    pub(super) counters: Counters,
}

/// Whether anything can pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// By whoever administers it.
    Off,
    NoCarrier,
    /// The word of the kernel (RFC 2863) for another reason: `dormant`, `lowerlayerdown`.
    State(String),
}

/// Counts since the interface is there, or between two looks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters {
    pub(super) received: Way,
    pub(super) sent: Way,
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Way {
    pub(super) bytes: f64,
    pub(super) packets: f64,
    pub(super) errors: f64,
    pub(super) drops: f64,
}

impl Seen {
    /// Now. Some files ask the driver, which may take its time.
    pub(super) fn now(place: &Path, name: &str) -> Looked<Self> {
        let folder = place.join(name);
        let flags = match read(&folder, "flags") {
            Ok(flags) => flags,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(absent(place, name));
            }
            Err(error) => {
                let shown = folder.display();
                return Err(Outcome::unknown(&format!(
                    "{shown} cannot be read: {error}"
                )));
            }
        };
        let flags = u64::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap_or(IFF_UP);
        // What has no answer (EINVAL) or says -1 has none of it.
        let speed = read(&folder, "speed")
            .ok()
            .and_then(|text| text.parse::<i32>().ok());
        let duplex = read(&folder, "duplex").ok();
        Ok(Self {
            link: link(flags, &folder),
            speed: speed.filter(|speed| *speed > 0).map(f64::from),
            losses: read(&folder, "carrier_down_count")
                .ok()
                .and_then(|text| text.parse().ok()),
            duplex: duplex.filter(|word| word == "full" || word == "half"),
            counters: Counters {
                received: Way::read(&folder, "rx"),
                sent: Way::read(&folder, "tx"),
            },
        })
    }
}

fn link(flags: u64, folder: &Path) -> Link {
    if flags & IFF_UP == 0 {
        return Link::Off;
    }
    if read(folder, "carrier").is_ok_and(|text| text == "0") {
        return Link::NoCarrier;
    }
    match read(folder, "operstate") {
        // Of loopback and tunnels the kernel does not know more than that they have a carrier.
        Ok(word) if word != "up" && word != "unknown" => Link::State(word),
        Ok(_) | Err(_) => Link::Up,
    }
}

fn absent(place: &Path, name: &str) -> Outcome {
    let Ok(entries) = read_dir(place) else {
        let shown = place.display();
        return Outcome::unknown(&format!("{shown} cannot be read: is /sys mounted?"));
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name != "bonding_masters")
        .take(NAMED)
        .collect();
    names.sort();
    Outcome::fail(&format!(
        "there is no interface {name}; there are: {}",
        names.join(", ")
    ))
}

impl Counters {
    /// What was counted since `before`; none where they began anew.
    pub(super) fn since(&self, before: &Self) -> Option<Self> {
        Some(Self {
            received: self.received.since(&before.received)?,
            sent: self.sent.since(&before.sent)?,
        })
    }
}

impl Way {
    fn read(folder: &Path, way: &str) -> Self {
        let count = |what: &str| {
            let text = read(&folder.join("statistics"), &format!("{way}_{what}"));
            let number = text.ok().and_then(|text| text.parse().ok());
            bytes(number.unwrap_or_default())
        };
        Self {
            bytes: count("bytes"),
            packets: count("packets"),
            errors: count("errors"),
            drops: count("dropped"),
        }
    }

    fn since(&self, before: &Self) -> Option<Self> {
        let more = |now: f64, before: f64| Some(now - before).filter(|more| *more >= 0.0);
        Some(Self {
            bytes: more(self.bytes, before.bytes)?,
            packets: more(self.packets, before.packets)?,
            errors: more(self.errors, before.errors)?,
            drops: more(self.drops, before.drops)?,
        })
    }
}

fn read(folder: &Path, file: &str) -> io::Result<String> {
    let text = read_to_string(folder.join(file))?;
    Ok(text::line(&text, WORD))
}
