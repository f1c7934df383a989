//! Reads the journal of systemd, by journalctl(1), from where the look before has ended.

use std::path::PathBuf;
use std::time::Duration;

use super::entry::Entry;
use super::tally::Tally;
use super::{LINE_CHARS, Left, Rules, Told};
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::core::time::Time;
use crate::probe::aside::Aside;
use crate::probe::command::{Command, Ended, Ran};
use crate::probe::error::Looked;
use crate::probe::kept::Kept;
use crate::probe::trace::Trace;

/// How much is read of one run; then another begins where it has ended.
const ENOUGH: usize = 1 << 20;
/// Most runs of one look; what is left is read by the next.
const RUNS: usize = 16;
/// What journalctl ends with where no unit that a pattern is for has written anything yet.
const NO_UNIT: &str = "Failed to add filter for units: No data available";
/// With less time than this no other run is begun.
const LEAST: Duration = Duration::from_millis(500);

/// A journal and what is read of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Journal {
    directory: Option<PathBuf>,
    filter: Filter,
    /// What is run; found in PATH.
    pub(super) journalctl: String,
    kept: Kept<(Since, Tally)>,
    aside: Aside,
}

/// Which entries journalctl shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    pub(super) units: Vec<String>,
    pub(super) identifiers: Vec<String>,
    /// And what is more urgent.
    pub(super) priority: Option<&'static str>,
}

/// From where it is read on.
#[derive(Clone, Debug, PartialEq)]
enum Since {
    /// Behind this entry.
    Cursor(String),
    /// The same of one that is too long to be read over once more.
    Long(String),
    /// From this time: there was no entry yet.
    Time(Time),
}

/// What one run has read.
#[derive(Debug, Default)]
struct Read {
    count: u64,
    newest: Option<String>,
    cursor: Option<String>,
}

impl Journal {
    pub(super) fn new(directory: Option<PathBuf>, filter: Filter) -> Self {
        Self {
            directory,
            filter,
            journalctl: "journalctl".to_owned(),
            kept: Kept::default(),
            aside: Aside::default(),
        }
    }

    /// For people.
    pub(super) fn told(&self) -> String {
        let mut told = match &self.directory {
            Some(directory) => format!("the journal in {}", directory.display()),
            None => "the journal".to_owned(),
        };
        for name in self.filter.units.iter().chain(&self.filter.identifiers) {
            told.push_str(", ");
            told.push_str(name);
        }
        told
    }

    /// Counts what was written since the look before; the first begins at the end. A look that is given up leaves
    /// what it had from the one before, so that nothing is counted twice or never.
    pub(super) async fn follow(
        &self,
        rules: &Rules,
        (now, within): (Time, Duration),
        trace: &mut Trace,
    ) -> Looked<Told> {
        let Some((since, tally)) = self.kept.take() else {
            let (since, there) = self.end(now, trace).await?;
            self.kept.put((since, Tally::default()));
            return Ok(Told {
                there,
                ..Told::default()
            });
        };
        self.kept.put((since.clone(), tally.clone()));
        let (since, read, more) = self.read_on(since, rules, trace).await?;
        let mut tally = tally;
        tally.add(now, within, (read.count, read.newest));
        let mut told = Told {
            count: tally.sum(),
            newest: tally.newest.clone(),
            left: if more { Left::Some } else { Left::Nothing },
            there: true,
        };
        self.kept.put((since, tally));
        if read.cursor.is_none() {
            // Nothing is what journalctl writes of a journal that has gone, too.
            told.there = self.end(now, trace).await?.1;
        }
        Ok(told)
    }

    /// Where the journal ends now, and whether there is one.
    async fn end(&self, now: Time, trace: &mut Trace) -> Looked<(Since, bool)> {
        let ran = self
            .run(&["--lines=0", "--show-cursor"], None, trace)
            .await?;
        let out = String::from_utf8_lossy(&ran.out);
        let cursor = out
            .lines()
            .find_map(|line| line.strip_prefix("-- cursor: "));
        if let Some(cursor) = cursor {
            return Ok((Since::Cursor(cursor.trim().to_owned()), true));
        }
        let (there, time) = (is_there(&ran), Since::Time(now));
        match complaint(&ran) {
            // A journal without entries ends with 1, and says nothing.
            None => Ok((time, there)),
            Some(_) if !there => Ok((time, false)),
            Some(why) => Err(Outcome::unknown(&why)),
        }
    }

    /// Run by run, until there is nothing more, or no more time.
    async fn read_on(
        &self,
        mut since: Since,
        rules: &Rules,
        trace: &mut Trace,
    ) -> Looked<(Since, Read, bool)> {
        let mut all = Read::default();
        let mut whole = true;
        for _ in 0..RUNS {
            let (read, more) = self.read_once(&since, whole, rules, trace).await?;
            all.count += read.count;
            all.newest = read.newest.or(all.newest);
            all.cursor = read.cursor.clone().or(all.cursor);
            let moved = read.cursor.is_some();
            match read.cursor {
                Some(cursor) if whole => since = Since::Cursor(cursor),
                Some(cursor) => since = Since::Long(cursor),
                None => {}
            }
            // An entry alone that is more than is read: once more without what is long in it.
            whole = moved || !more;
            if !more || trace.left() < LEAST {
                return Ok((since, all, more));
            }
        }
        Ok((since, all, true))
    }

    /// One run, and whether there is more. `whole`: with fields of any length, which are null else.
    async fn read_once(
        &self,
        since: &Since,
        whole: bool,
        rules: &Rules,
        trace: &mut Trace,
    ) -> Looked<(Read, bool)> {
        let (from, last) = match since {
            // Not --after-cursor, but where it has to be: where that entry has gone meanwhile (vacuum), journalctl
            // passes over the one after it.
            Since::Cursor(cursor) => (format!("--cursor={cursor}"), Some(cursor)),
            Since::Long(cursor) => (format!("--after-cursor={cursor}"), None),
            Since::Time(time) => (format!("--since=@{}", time.millis() / 1_000), None),
        };
        let mut arguments = vec!["--output=json", "--output-fields=MESSAGE", &from];
        arguments.extend(whole.then_some("--all"));
        let filter = self.filter.arguments();
        arguments.extend(filter.iter().map(String::as_str));
        let ran = self.run(&arguments, Some(ENOUGH), trace).await?;
        let mut read = Read::default();
        // Without what is long only the one entry is passed that is too long; those behind it may be whole again.
        let most = if whole { usize::MAX } else { 1 };
        let new = Entry::all(&ran.out).filter(|entry| Some(&entry.cursor) != last);
        for entry in new.take(most) {
            read.take(entry, rules);
        }
        match complaint(&ran).filter(|_| read.cursor.is_none()) {
            Some(why) => Err(Outcome::unknown(&why)),
            None => Ok((
                read,
                ran.cut || !whole || matches!(ran.ended, Ended::Late(_)),
            )),
        }
    }

    async fn run(
        &self,
        arguments: &[&str],
        enough: Option<usize>,
        trace: &mut Trace,
    ) -> Looked<Ran> {
        let mut argv = vec![self.journalctl.clone(), "--no-pager".to_owned()];
        if let Some(directory) = &self.directory {
            argv.push(format!("--directory={}", directory.display()));
        }
        argv.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let command = Command {
            argv,
            // Its complaints are read.
            environment: vec![("LC_ALL".to_owned(), "C.UTF-8".to_owned())],
            enough,
            ..Command::default()
        };
        let ran = command.run(&self.aside, trace).await?;
        let hint = "add our user to the group systemd-journal (SupplementaryGroups= of our unit)";
        let err = String::from_utf8_lossy(&ran.err);
        // Without it, entries of others are left out, which is no zero.
        if err.contains("insufficient permissions") || err.contains("not seeing messages") {
            let why = format!("we may not read all of the journal; {hint}");
            return Err(Outcome::unknown(&why));
        }
        Ok(ran)
    }
}

impl Filter {
    fn arguments(&self) -> Vec<String> {
        let units = self.units.iter().map(|name| format!("--unit={name}"));
        let identifiers = self.identifiers.iter();
        let identifiers = identifiers.map(|name| format!("--identifier={name}"));
        let priority = self
            .priority
            .iter()
            .map(|word| format!("--priority={word}"));
        units.chain(identifiers).chain(priority).collect()
    }
}

impl Read {
    fn take(&mut self, entry: Entry, rules: &Rules) {
        if rules.count(&entry.message) {
            self.count += 1;
            let line = String::from_utf8_lossy(&entry.message);
            self.newest = Some(text::line(&line, LINE_CHARS));
        }
        self.cursor = Some(entry.cursor);
    }
}

/// Whether it found a journal at all.
fn is_there(ran: &Ran) -> bool {
    !String::from_utf8_lossy(&ran.err).contains("No journal files were found")
}

/// What it complains of, where it did not end well.
fn complaint(ran: &Ran) -> Option<String> {
    let err = String::from_utf8_lossy(&ran.err);
    let mut said = err.lines().filter(|line| !line.trim().is_empty());
    let said = said.find(|line| *line != NO_UNIT);
    match (ran.ended, said) {
        (Ended::Code(0), _) | (Ended::Code(1), None) => None,
        // We have read enough and gone away.
        (Ended::Code(_) | Ended::Signal(_), _) if ran.cut => None,
        (ended, said) => {
            let said = said.unwrap_or_default();
            Some(
                format!("journalctl: {} {said}", ended.told())
                    .trim_end()
                    .to_owned(),
            )
        }
    }
}
