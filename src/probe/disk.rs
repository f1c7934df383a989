//! Looks at a file system: how full it is and how soon it will be, in bytes and in files, whether it can be written,
//! and how long its device takes.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::level::{Judgement, Levels, Scale, bytes};
use super::trace::{Stage, Trace};
use crate::core::metric::Unit::{Bytes, Percent, Seconds};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::time::human;
use crate::settings::Section;

mod growth;
mod io;
mod seen;

use growth::Growth;
use io::{Counters, Moved};
use seen::Seen;

const SPACE: Scale = percent("space_warn", "space_fail");
const INODES: Scale = percent("inodes_warn", "inodes_fail");
/// How soon it has to be full to be warned of, where nothing else is said: a night and a morning.
const SOON: Duration = Duration::from_hours(24);
const NONE: Levels = Levels {
    warn: None,
    fail: None,
};
const BUSY: Scale = Scale {
    usual: NONE,
    ..percent("busy_warn", "busy_fail")
};
/// Longest time of one access that can be a level.
const SLOWEST: Duration = Duration::from_mins(10);

const fn percent(warn: &'static str, fail: &'static str) -> Scale {
    Scale {
        warn,
        fail,
        range: 0.0..=100.0,
        usual: Levels::of(85.0, 95.0),
    }
}

/// `disk = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    path: PathBuf,
    rules: Rules,
    growth: Kept<Growth>,
    before: Kept<io::Before>,
    aside: Aside,
}

/// What should be.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    space: Levels,
    inodes: Levels,
    /// Seconds for one access since the look before.
    read_latency: Levels,
    write_latency: Levels,
    /// Percent of the time in which the device had something to do.
    busy: Levels,
    /// Warns when it will be full within this, if it goes on so; none: never.
    full_within: Option<Duration>,
    /// Whether it is to be mounted for reading only.
    read_only: bool,
    /// Whether the path itself must be where something is mounted.
    mounted: bool,
}

impl Settings {
    /// Reads the table of a `disk` key. Keys:
    ///
    /// - `path`: any path on it; must be there
    /// - `space_warn`, `space_fail`: percent of what ordinary users can fill, as df(1) tells, default 85 and 95
    /// - `inodes_warn`, `inodes_fail`: percent of the files that it has room for, default 85 and 95
    /// - `read_latency_warn`, `read_latency_fail`, `write_latency_warn`, `write_latency_fail`: the time of one read
    ///   and write of its device since the look before
    /// - `busy_warn`, `busy_fail`: percent of the time in which the device had something to do
    /// - `full_within`: warns when it will be full so soon if it goes on as in the last hours, default 1 d; `"0s"`
    ///   for never
    /// - `read_only`: whether it is to be read-only; default it must be writable
    /// - `mounted`: whether something must be mounted at `path` itself, default false
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let path = section.required("path").map(PathBuf::from);
        if path.as_ref().is_some_and(|path| !path.is_absolute()) {
            section.refuse("path", "\"path\" is not a whole path", "begin it with /");
        }
        let space = Levels::read(&mut section, &SPACE);
        let inodes = Levels::read(&mut section, &INODES);
        let mut latency = |keys| Levels::read_times(&mut section, keys, SLOWEST, NONE);
        let read_latency = latency(("read_latency_warn", "read_latency_fail"));
        let write_latency = latency(("write_latency_warn", "write_latency_fail"));
        let busy = Levels::read(&mut section, &BUSY);
        let range = Duration::ZERO..=Duration::from_hours(24 * 365);
        let full_within = section.duration("full_within", range).unwrap_or(SOON);
        let read_only = section.boolean("read_only").unwrap_or_default();
        let mounted = section.boolean("mounted").unwrap_or_default();
        section.finish();
        let rules = Rules {
            space,
            inodes,
            read_latency,
            write_latency,
            busy,
            full_within: Some(full_within).filter(|within| !within.is_zero()),
            read_only,
            mounted,
        };
        Some(Self {
            path: path.filter(|path| path.is_absolute())?,
            rules,
            growth: Kept::default(),
            before: Kept::default(),
            aside: Aside::default(),
        })
    }

    /// The path, for people.
    pub fn target(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        trace.enter(Stage::Files);
        let path = self.path.clone();
        let seen = self.aside.run(trace, move || -> Looked<_> {
            let seen = Seen::now(&path)?;
            Ok((seen, Counters::now(io::PLACE.as_ref(), &path)))
        });
        let (seen, counters) = seen.await??;
        let moved = self.moved(counters);
        let mut growth = self.growth.take().unwrap_or_default();
        growth.note(env.clock.now(), bytes(seen.used));
        let outcome = judge(&self.rules, (&seen, &moved), growth.per_second(), trace);
        self.growth.put(growth);
        Ok(outcome)
    }

    /// What the device has done since the look before; nothing yet at the first.
    fn moved(&self, counters: Result<Counters, String>) -> Result<Moved, String> {
        let (at, counters) = (Instant::now(), counters?);
        let before = self.before.take();
        self.before.put(io::Before { at, counters });
        Ok(before.map_or_else(Moved::default, |before| {
            counters.since(&before.counters, at.duration_since(before.at))
        }))
    }
}

/// What it is worth. `growth` is in bytes a second, where it is known and steady.
/// `moved`: what its device has done, or why that is not known.
fn judge(
    rules: &Rules,
    (seen, moved): (&Seen, &Result<Moved, String>),
    growth: Option<f64>,
    trace: &mut Trace,
) -> Outcome {
    let mut judgement = Judgement::default();
    let room = seen.used.saturating_add(seen.free);
    if let Some(used) = share(seen.used, room) {
        judgement.level(trace, "space used", (used, Percent), rules.space);
    }
    if let Some(used) = share(seen.inodes_used, seen.inodes) {
        judgement.level(trace, "inodes used", (used, Percent), rules.inodes);
    }
    judgement.metric("free", bytes(seen.free), Bytes);
    device(rules, moved, &mut judgement, trace);
    let states = [
        (
            "writable",
            "read-only",
            rules.read_only,
            seen.read_only,
            true,
        ),
        (
            "mounted",
            "not mounted",
            !rules.mounted,
            !seen.mounted,
            rules.mounted,
        ),
    ];
    for (good, bad, wanted_bad, is_bad, matters) in states {
        let word = |bad_one: bool| if bad_one { bad } else { good };
        let holds = !matters || wanted_bad == is_bad;
        let expected = if matters { word(wanted_bad) } else { "" };
        let finding = || Finding::new("it is", expected, word(is_bad), holds);
        judgement.holds(trace, finding, || format!("it is {}", word(is_bad)));
    }
    if let Some(left) = growth.and_then(|growth| full_in(seen.free, growth)) {
        let soon = rules.full_within.is_some_and(|within| left <= within);
        let verdict = if soon { Verdict::Warn } else { Verdict::Pass };
        trace.note(|| {
            let within = rules
                .full_within
                .map_or_else(|| "at any time".to_owned(), human);
            Finding::new(
                "full if it goes on",
                format!("not within {within}"),
                human(left),
                true,
            )
            .worth(verdict)
        });
        judgement.add(verdict, || {
            let within = rules.full_within.map_or_else(String::new, human);
            let left = human(left);
            format!("full in {left} if it goes on so (warn within {within})")
        });
    }
    let good = format!(
        "{} free of {}",
        Bytes.show(bytes(seen.free)),
        Bytes.show(bytes(room))
    );
    judgement.outcome(&good)
}

/// How long its device takes. That nothing is known of it matters only where there is a level.
fn device(
    rules: &Rules,
    moved: &Result<Moved, String>,
    judgement: &mut Judgement,
    trace: &mut Trace,
) {
    let all = [rules.read_latency, rules.write_latency, rules.busy];
    match moved {
        Ok(moved) => {
            let values = [
                ("read latency", moved.read, Seconds),
                ("write latency", moved.write, Seconds),
                ("device busy", moved.busy, Percent),
            ];
            for ((what, value, unit), levels) in values.into_iter().zip(all) {
                if let Some(value) = value {
                    judgement.level(trace, what, (value, unit), levels);
                }
            }
        }
        Err(why) if all.iter().any(|levels| *levels != NONE) => {
            judgement.add(Verdict::Unknown, || {
                format!("nothing is known of latency: {why}")
            });
        }
        Err(_) => {}
    }
}

/// When nothing is free any more, to the minute so that the text does not change with each look.
fn full_in(free: u64, growth: f64) -> Option<Duration> {
    let seconds = bytes(free) / growth;
    let left = Duration::try_from_secs_f64(seconds).ok()?;
    Some(Duration::from_mins(left.as_secs() / 60))
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| bytes(part) / bytes(whole) * 100.0)
}

#[cfg(test)]
mod tests;
