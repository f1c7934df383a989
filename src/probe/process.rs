//! Looks at processes of this machine: whether those that should run do, and what they take.
//!
//! Read from /proc (proc(5)); what is counted together is what one key names.

use std::time::Duration;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::kept::Kept;
use super::level::{Levels, SIZE, Scale};
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::settings::Section;

mod choose;
mod seen;
mod verdict;
mod which;

use seen::{Row, Seen};
use which::Which;

/// How long a restart is warned of, where nothing else is said: long enough to be confirmed and read.
const SIGNS: Duration = Duration::from_hours(1);
/// Most processes that a check can want: `pid_max` of 64-bit Linux (proc(5)).
const MOST: i64 = 1 << 22;

/// `process = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    which: Which,
    least: usize,
    most: Option<usize>,
    cpu: Levels,
    memory: Levels,
    threads: Levels,
    children: Levels,
    files: Levels,
    /// Whether processor and memory of the children count.
    with_children: bool,
    signs: Duration,
    before: Kept<Before>,
    aside: Aside,
}

/// What the look before has seen.
#[derive(Clone, Debug)]
struct Before {
    /// How long the machine had been up.
    up: Duration,
    /// All that counted, for what they have used since.
    rows: Vec<Row>,
    /// The oldest of them, which is the one that a restart replaces.
    eldest: Option<(i32, u64)>,
    /// When it was last another.
    restarted: Option<Time>,
}

impl Settings {
    /// Reads the table of a `process` key. Keys: one of
    ///
    /// - `pidfile`: a file with its number
    /// - `name`: its name (`comm`) or the last part of the program it was started as
    /// - `match`: a regular expression that its command line must match
    ///
    /// and `least` (default 1), `most`, levels for `cpu`, `memory`, `threads`, `children` and `files`,
    /// `with_children`, and
    ///
    /// - `signs`: how long a restart is warned of, default 1 h
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let which = Which::read(&mut section);
        let mut count = |key| {
            let number = section.integer(key, 0..=MOST)?;
            usize::try_from(number).ok()
        };
        let (least, most) = (count("least").unwrap_or(1), count("most"));
        if most.is_some_and(|most| most < least) {
            let hint = format!("write most = {least}, or more");
            section.refuse("most", format!("\"most\" is below {least}"), hint);
        }
        let mut scale = |warn, fail, most: f64| {
            let (range, usual) = (0.0..=most, Levels::default());
            let scale = Scale {
                warn,
                fail,
                range,
                usual,
            };
            Levels::read(&mut section, &scale)
        };
        // Percent of one processor, of which a process can have many.
        let cpu = scale("cpu_warn", "cpu_fail", 1e6);
        let threads = scale("threads_warn", "threads_fail", 1e7);
        let children = scale("children_warn", "children_fail", 1e7);
        let files = scale("files_warn", "files_fail", 1e9);
        let memory = Levels::read_sizes(
            &mut section,
            ("memory_warn", "memory_fail"),
            SIZE,
            Levels::default(),
        );
        let with_children = section.boolean("with_children").unwrap_or(false);
        let range = Duration::from_mins(1)..=Duration::from_hours(24 * 30);
        let signs = section.duration("signs", range).unwrap_or(SIGNS);
        section.finish();
        Some(Self {
            which: which?,
            least,
            most,
            cpu,
            memory,
            threads,
            children,
            files,
            with_children,
            signs,
            before: Kept::default(),
            aside: Aside::default(),
        })
    }

    /// How they are chosen, for people.
    pub fn target(&self) -> String {
        self.which.target()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        trace.ask_about(Stage::Files);
        let which = self.which.clone();
        let seen = self.aside.run(trace, move || Seen::now(&which)).await??;
        let (outcome, now) = self.judge(seen, self.before.take(), env.clock.now(), trace);
        self.before.put(now);
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests;
