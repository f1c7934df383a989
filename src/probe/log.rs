//! Follows a log and counts the lines that should not be in it, however it is rotated.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::level::{Judgement, Levels, Scale, bytes};
use super::pattern::Pattern;
use super::trace::{Stage, Trace};
use crate::core::metric::Unit::{Bytes, Count};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::core::time::{Time, human};
use crate::settings::Section;

mod follow;
mod place;

use follow::Followed;

/// Within which time lines are counted, where nothing else is said.
const WITHIN: Duration = Duration::from_mins(10);
/// Most counts that are remembered, one for a look: of a look each second for two hours. More are added to the last.
const COUNTS: usize = 7_200;
/// How much of a line is told.
const LINE_CHARS: usize = 160;

/// `log = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    file: PathBuf,
    rules: Rules,
    levels: Levels,
    within: Duration,
    kept: Kept<State>,
    aside: Aside,
}

/// Which lines count.
#[derive(Clone, Debug, PartialEq)]
struct Rules {
    wanted: Pattern,
    ignored: Option<Pattern>,
}

impl Rules {
    fn count(&self, line: &[u8]) -> bool {
        let ignored = self.ignored.as_ref();
        self.wanted.matches(line) && !ignored.is_some_and(|pattern| pattern.matches(line))
    }
}

/// What one look leaves for the next. It is made where the file is read, so that nothing is counted twice or never
/// when a look is given up.
#[derive(Default)]
struct State {
    followed: Followed,
    counts: VecDeque<(Time, u64)>,
    newest: Option<String>,
}

/// What a look has seen.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    /// Lines within the time.
    count: u64,
    newest: Option<String>,
    /// Bytes for which there was no time.
    left: u64,
    /// Whether the file is there.
    there: bool,
}

impl Settings {
    /// Reads the table of a `log` key. Keys:
    ///
    /// - `file`: its whole path; must be there
    /// - `match`: a regular expression for the lines that count; must be there
    /// - `ignore`: a regular expression for those of them that do not
    /// - `warn` (default 1), `fail`: how many of them within the time
    /// - `within`: that time, default 10 min
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let file = section.required("file").map(PathBuf::from);
        if file.as_deref().is_some_and(Path::is_relative) {
            section.refuse("file", "\"file\" is not a whole path", "begin it with /");
        }
        if !section.has("match") {
            let hint = "write which lines count: match = \"ERROR|panic\"";
            section.refuse("match", "\"match\" is missing", hint);
        }
        let wanted = Pattern::read(&mut section, "match");
        let ignored = Pattern::read(&mut section, "ignore");
        let scale = Scale {
            warn: "warn",
            fail: "fail",
            range: 1.0..=1e9,
            usual: Levels {
                warn: Some(1.0),
                fail: None,
            },
        };
        let levels = Levels::read(&mut section, &scale);
        let range = Duration::from_secs(1)..=Duration::from_hours(24 * 30);
        let within = section.duration("within", range).unwrap_or(WITHIN);
        section.finish();
        Some(Self {
            file: file?,
            rules: Rules {
                wanted: wanted?,
                ignored,
            },
            levels,
            within,
            kept: Kept::default(),
            aside: Aside::default(),
        })
    }

    /// The file, for people.
    pub fn target(&self) -> String {
        self.file.display().to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        trace.enter(Stage::Files);
        let (settings, now, deadline) = (self.clone(), env.clock.now(), trace.deadline());
        let told = self.aside.run(trace, move || {
            let mut state = settings.kept.take().unwrap_or_default();
            let told = settings.follow(&mut state, now, deadline);
            settings.kept.put(state);
            told
        });
        let told = told.await??;
        Ok(self.judge(&told, trace))
    }

    fn follow(&self, state: &mut State, now: Time, deadline: tokio::time::Instant) -> Looked<Told> {
        let read = state.followed.read(&self.file, &self.rules, deadline)?;
        if read.newest.is_some() {
            state.newest = read.newest;
        }
        state.counts.retain(|(at, _)| now.since(*at) < self.within);
        let full = state.counts.len() >= COUNTS;
        match state.counts.back_mut().filter(|_| full) {
            _ if read.count == 0 => {}
            Some((_, count)) => *count += read.count,
            None => state.counts.push_back((now, read.count)),
        }
        Ok(Told {
            count: state.counts.iter().map(|(_, count)| count).sum(),
            newest: state.newest.clone(),
            left: read.left,
            there: read.there,
        })
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
        let pattern = text::line(self.rules.wanted.as_str(), LINE_CHARS);
        let finding = || {
            let what = format!("lines that match /{pattern}/ within {within}");
            Finding::new(
                what,
                self.levels.expected(Count),
                told.count.to_string(),
                true,
            )
            .worth(verdict)
        };
        judgement.holds(trace, finding, || {
            format!("{lines} within {within}, the newest: {newest}")
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
            Finding::new("file", "there", found, true).worth(verdict)
        };
        judgement.holds(trace, finding, || {
            format!(
                "there is no {}; nothing can be counted",
                self.file.display()
            )
        });
        let mut good = format!("{lines} within {within}");
        if told.left > 0 {
            let left = format!("{} left for the next look", Bytes.show(bytes(told.left)));
            trace.note(|| Finding::new("unread", "", left.as_str(), true));
            good = format!("{good}, {left}");
        }
        judgement.metric("unread", bytes(told.left), Bytes);
        judgement.outcome(&good)
    }
}

#[cfg(test)]
mod tests;
