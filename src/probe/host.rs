//! Looks at the machine that Belfry runs on: load, processors, memory, pressure, open files, and signs of trouble
//! that are easily missed (processes killed for want of memory, a kernel that has complained).

use std::time::Duration;

use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::level::{Judgement, Levels, Scale};
use super::trace::Trace;
use crate::core::metric::Unit::{Count, Percent};
use crate::core::outcome::Outcome;
use crate::core::time::{Time, human};
use crate::settings::Section;

mod seen;

use seen::Seen;

/// How long a sign of trouble is warned of, where nothing else is said: long enough to be confirmed and read.
const SIGNS: Duration = Duration::from_hours(1);

const ANYTHING: Levels = Levels {
    warn: None,
    fail: None,
};

/// Everything that has levels, with its keys and usual levels. Percent, but for the load: that is tasks per
/// processor, the mean of five minutes.
const SCALES: [(&str, Scale); 8] = [
    ("cpu", scale("cpu_warn", "cpu_fail", ANYTHING)),
    (
        "load per core",
        Scale {
            range: 0.0..=1_000.0,
            ..scale("load_warn", "load_fail", Levels::of(2.0, 5.0))
        },
    ),
    (
        "memory",
        scale("memory_warn", "memory_fail", Levels::of(90.0, 97.0)),
    ),
    (
        "swap",
        scale("swap_warn", "swap_fail", Levels::of(60.0, 90.0)),
    ),
    (
        "cpu pressure",
        scale("cpu_pressure_warn", "cpu_pressure_fail", ANYTHING),
    ),
    (
        "memory pressure",
        scale(
            "memory_pressure_warn",
            "memory_pressure_fail",
            Levels::of(10.0, 40.0),
        ),
    ),
    (
        "io pressure",
        scale(
            "io_pressure_warn",
            "io_pressure_fail",
            Levels::of(40.0, 90.0),
        ),
    ),
    (
        "open files",
        scale("files_warn", "files_fail", Levels::of(80.0, 95.0)),
    ),
];

const fn scale(warn: &'static str, fail: &'static str, usual: Levels) -> Scale {
    Scale {
        warn,
        fail,
        range: 0.0..=100.0,
        usual,
    }
}

/// `host = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// In the order of [`SCALES`].
    levels: [Levels; SCALES.len()],
    signs: Duration,
    before: Kept<Before>,
}

/// What the look before has seen, to tell what has changed since.
#[derive(Clone, Debug)]
struct Before {
    seen: Seen,
    /// When the last process was killed for want of memory, and how many were since we look.
    killed: Option<(Time, u64)>,
}

impl Settings {
    /// Reads the table of a `host` key. Keys: a warn and a fail level for each of [`SCALES`], and
    ///
    /// - `signs`: how long a sign of trouble (a process killed for want of memory) is warned of, default 1 h
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let levels = SCALES.map(|(_, scale)| Levels::read(&mut section, &scale));
        let range = Duration::from_mins(1)..=Duration::from_hours(24 * 30);
        let signs = section.duration("signs", range).unwrap_or(SIGNS);
        section.finish();
        Some(Self {
            levels,
            signs,
            before: Kept::default(),
        })
    }

    /// Always the same.
    pub fn target(&self) -> String {
        "this host".to_owned()
    }

    #[expect(clippy::unused_async, reason = "every kind looks in the same way")]
    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let seen = Seen::now()
            .map_err(|error| Outcome::unknown(&format!("/proc cannot be read: {error}")))?;
        let (outcome, now) = self.judge(seen, self.before.take(), env.clock.now(), trace);
        self.before.put(now);
        Ok(outcome)
    }

    /// What it is worth, and what to remember of it.
    fn judge(
        &self,
        seen: Seen,
        before: Option<Before>,
        now: Time,
        trace: &mut Trace,
    ) -> (Outcome, Before) {
        let mut judgement = Judgement::default();
        let values = [
            before
                .as_ref()
                .and_then(|before| seen.busy_since(&before.seen)),
            Some(seen.load / seen.cores),
            seen.memory,
            seen.swap,
            seen.cpu_pressure,
            seen.memory_pressure,
            seen.io_pressure,
            seen.files,
        ];
        for (((what, _), levels), value) in SCALES.iter().zip(self.levels).zip(values) {
            let unit = if what.starts_with("load") {
                Count
            } else {
                Percent
            };
            if let Some(value) = value {
                judgement.level(trace, what, (value, unit), levels);
            }
        }
        let killed = self.killed(&seen, before, now, &mut judgement, trace);
        complaints(&seen, &mut judgement, trace);
        let good = format!(
            "load {} on {} cores, memory {}",
            Count.show(seen.load),
            seen.cores,
            seen.memory
                .map_or_else(|| "unknown".to_owned(), |used| Percent.show(used)),
        );
        (judgement.outcome(&good), Before { seen, killed })
    }

    /// Processes that the kernel has killed for want of memory since the look before.
    fn killed(
        &self,
        seen: &Seen,
        before: Option<Before>,
        now: Time,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) -> Option<(Time, u64)> {
        let before = before?;
        let more = seen.oom_kills.saturating_sub(before.seen.oom_kills);
        let sofar = before.killed.filter(|(at, _)| now.since(*at) < self.signs);
        let killed = match (more, sofar) {
            (0, sofar) => sofar,
            (more, sofar) => Some((now, more + sofar.map_or(0, |(_, count)| count))),
        };
        let found = killed.map_or(0, |(_, count)| count);
        let finding = || {
            Finding::warned(
                "processes killed for want of memory",
                "none",
                found.to_string(),
                found > 0,
            )
        };
        judgement.holds(trace, finding, || {
            let lately = human(self.signs);
            format!("{found} killed for want of memory within {lately} (see dmesg)")
        });
        killed
    }
}

/// What the kernel has complained of since it was started: `/proc/sys/kernel/tainted`, of which only what means
/// that something broke (admin-guide/tainted-kernels.rst); a foreign module is no trouble.
fn complaints(seen: &Seen, judgement: &mut Judgement, trace: &mut Trace) {
    const BROKEN: [(u32, &str); 4] = [
        (4, "the processor reported an error"),
        (5, "a bad page of memory was found"),
        (7, "the kernel has crashed in part (oops)"),
        (14, "a processor was stuck (soft lockup)"),
    ];
    for (bit, what) in BROKEN {
        let set = seen.tainted & (1 << bit) != 0;
        let finding = || {
            let found = if set { "it has" } else { "it has not" };
            Finding::warned(what, "it has not", found, set)
        };
        judgement.holds(trace, finding, || {
            format!("{what} since it was started; see dmesg")
        });
    }
}

#[cfg(test)]
mod tests;
