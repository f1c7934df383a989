//! Looks at a file or a folder: that it is there, how old and large it is, whose, and what is in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::kept::Kept;
use super::level::Levels;
use super::pattern::Pattern;
use super::trace::{Stage, Trace};
use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::settings::Section;

mod seen;
mod verdict;
mod write;

use seen::Seen;

/// How long a change is warned of, where nothing else is said: long enough to be confirmed and read.
const SIGNS: Duration = Duration::from_hours(1);

/// `file = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    path: PathBuf,
    rules: Rules,
    before: Kept<Before>,
    aside: Aside,
}

/// What should be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rules {
    absent: bool,
    /// Seconds since it was written last.
    age: Levels,
    age_min: Option<Duration>,
    /// Bytes.
    size: Levels,
    size_min: Option<u64>,
    /// What is in a folder.
    entries: Levels,
    /// SHA-256 in lower-case hex.
    checksum: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    /// Permission bits.
    mode: Option<u32>,
    content: Option<Pattern>,
    changed: bool,
    signs: Duration,
}

/// What the look before has seen.
#[derive(Clone, Debug)]
struct Before {
    seen: Option<Seen>,
    /// When it was last another, and in what.
    changed: Option<(Time, &'static str)>,
}

impl Settings {
    /// Reads the table of a `file` key; the keys are read in `file/write.rs`.
    pub fn read(section: Section<'_>) -> Option<Self> {
        let (path, rules) = write::read(section)?;
        Some(Self {
            path,
            rules,
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
        let (path, rules, deadline) = (self.path.clone(), self.rules.clone(), trace.deadline());
        let seen = self
            .aside
            .run(trace, move || Seen::now(&path, &rules, deadline))
            .await??;
        let (outcome, now) = self.judge(seen, self.before.take(), env.clock.now(), trace);
        self.before.put(now);
        Ok(outcome)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests;
