//! Follows a log, a file or the journal of systemd, and counts the lines that should not be in it.

use std::path::PathBuf;
use std::time::Duration;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::level::{Judgement, Levels, bytes};
use super::pattern::Pattern;
use super::trace::{Stage, Trace};
use crate::core::metric::Unit::{Bytes, Count};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::core::time::human;
use crate::settings::Section;

mod entry;
mod follow;
mod journal;
mod place;
mod tally;
mod write;

use follow::Followed;
use journal::Journal;
use tally::Tally;

/// Within which time lines are counted, where nothing else is said.
const WITHIN: Duration = Duration::from_mins(10);
/// How much of a line is told.
const LINE_CHARS: usize = 160;

/// `log = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    place: Place,
    rules: Rules,
    levels: Levels,
    within: Duration,
}

/// Where the lines are.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    File {
        path: PathBuf,
        kept: Kept<State>,
        aside: Aside,
    },
    Journal(Journal),
}

/// Which lines count.
#[derive(Clone, Debug, PartialEq)]
struct Rules {
    /// Default: all.
    wanted: Option<Pattern>,
    ignored: Option<Pattern>,
}

impl Rules {
    fn count(&self, line: &[u8]) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(line);
        self.wanted.as_ref().is_none_or(matches) && !self.ignored.as_ref().is_some_and(matches)
    }
}

/// What one look at a file leaves for the next. It is made where the file is read, so that nothing is counted twice
/// or never when a look is given up.
#[derive(Default)]
struct State {
    followed: Followed,
    tally: Tally,
}

/// What a look has seen.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    /// Lines within the time.
    count: u64,
    newest: Option<String>,
    left: Left,
    /// Whether the log is there.
    there: bool,
}

/// What there was no time for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Left {
    #[default]
    Nothing,
    Bytes(u64),
    /// How much is not known.
    Some,
}

impl Settings {
    /// Reads the table of a `log` key. Keys:
    ///
    /// - `file`: its whole path; or
    /// - `journal`: true for the journal of systemd, and of that `directory`, `unit`, `identifier`, `priority`
    /// - `match`: a regular expression for the lines that count; must be there for a file
    /// - `ignore`: a regular expression for those of them that do not
    /// - `warn` (default 1), `fail`: how many of them within the time
    /// - `within`: that time, default 10 min
    pub fn read(section: Section<'_>) -> Option<Self> {
        write::read(section)
    }

    /// The log, for people.
    pub fn target(&self) -> String {
        match &self.place {
            Place::File { path, .. } => path.display().to_string(),
            Place::Journal(journal) => journal.told(),
        }
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let (now, within) = (env.clock.now(), self.within);
        let told = match &self.place {
            Place::Journal(journal) => journal.follow(&self.rules, (now, within), trace).await?,
            Place::File { path, kept, aside } => {
                trace.ask_about(Stage::Files);
                let (path, kept, rules) = (path.clone(), kept.clone(), self.rules.clone());
                let deadline = trace.deadline();
                let told = aside.run(trace, move || {
                    let mut state = kept.take().unwrap_or_default();
                    let read = state.followed.read(&path, &rules, deadline);
                    let told = read.map(|read| {
                        state.tally.add(now, within, (read.count, read.newest));
                        Told {
                            count: state.tally.sum(),
                            newest: state.tally.newest.clone(),
                            left: match read.left {
                                0 => Left::Nothing,
                                left => Left::Bytes(left),
                            },
                            there: read.there,
                        }
                    });
                    kept.put(state);
                    told
                });
                told.await??
            }
        };
        Ok(self.judge(&told, trace))
    }

    fn judge(&self, told: &Told, trace: &mut Trace) -> Outcome {
        let mut judgement = Judgement::default();
        let within = human(self.within);
        let count = bytes(told.count);
        let verdict = self.levels.judge(count);
        let lines = match told.count {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        let newest = told.newest.as_deref().unwrap_or_default();
        let wanted = self.rules.wanted.as_ref().map(Pattern::as_str);
        let finding = || {
            let what = match wanted.map(|pattern| text::line(pattern, LINE_CHARS)) {
                Some(pattern) => format!("lines that match /{pattern}/ within {within}"),
                None => format!("lines within {within}"),
            };
            Finding::new(
                what,
                self.levels.expected(Count),
                told.count.to_string(),
                true,
            )
            .worth(verdict)
        };
        judgement.holds(trace, finding, || {
            let level = self.levels.reached(verdict, Count);
            let level = level.unwrap_or_default();
            format!("{lines} within {within} ({level}), the newest: {newest}")
        });
        judgement.metric("lines", count, Count);
        if told.count > 0 {
            trace.note(|| Finding::new("newest", "", newest, true));
        }
        let finding = || {
            let found = if told.there { "there" } else { "not there" };
            let verdict = if told.there {
                Verdict::Pass
            } else {
                Verdict::Unknown
            };
            Finding::new("log", "there", found, true).worth(verdict)
        };
        judgement.holds(trace, finding, || {
            let log = match &self.place {
                Place::File { path, .. } => path.display().to_string(),
                Place::Journal(_) => "journal".to_owned(),
            };
            format!("there is no {log}; nothing can be counted")
        });
        let mut good = format!("{lines} within {within}");
        let left = match told.left {
            Left::Nothing => None,
            Left::Bytes(left) => Some(Bytes.show(bytes(left))),
            Left::Some => Some("some".to_owned()),
        };
        if let Some(left) = left {
            let left = format!("{left} left for the next look");
            trace.note(|| Finding::new("unread", "", left.as_str(), true));
            good = format!("{good}, {left}");
        }
        match told.left {
            Left::Nothing => judgement.metric("unread", 0.0, Bytes),
            Left::Bytes(left) => judgement.metric("unread", bytes(left), Bytes),
            Left::Some => {}
        }
        judgement.outcome(&good)
    }
}

#[cfg(test)]
mod tests;
