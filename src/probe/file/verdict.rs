//! What a file is worth.

use super::seen::{Found, Seen};
use super::{Before, Settings};
use crate::core::metric::Unit::{Bytes, Count, Seconds};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::core::time::{Time, human};
use crate::probe::finding::Finding;
use crate::probe::level::{Judgement, bytes};
use crate::probe::trace::Trace;

/// Longest pattern in a message, and how much of a checksum tells it apart.
const PIECE_CHARS: usize = 60;
const SUM_CHARS: usize = 13;

impl Settings {
    /// What it is worth, and what to remember of it.
    pub(super) fn judge(
        &self,
        seen: Seen,
        before: Option<Before>,
        now: Time,
        trace: &mut Trace,
    ) -> (Outcome, Before) {
        let mut judgement = Judgement::default();
        let path = self.path().display();
        let link = seen
            .link
            .as_ref()
            .map(|link| format!("symlink to {}", link.display()));
        let there = seen.file.is_some();
        let finding = || {
            let word = |there: bool| if there { "there" } else { "not there" };
            let found = match &link {
                Some(link) => format!("{link}, which is {}", word(there)),
                None => word(there).to_owned(),
            };
            Finding::new(
                "file",
                word(!self.rules.absent),
                found,
                there != self.rules.absent,
            )
        };
        judgement.holds(trace, finding, || match (&link, there) {
            (Some(link), false) => format!("{path} is a {link}, which is not there"),
            (None, false) => format!("there is no {path}"),
            (_, true) => format!("{path} should not be there"),
        });
        if let Some(file) = seen.file.as_ref().filter(|_| !self.rules.absent) {
            self.numbers(file, now, &mut judgement, trace);
            self.owners(file, &mut judgement, trace);
            self.inside(file, &mut judgement, trace);
        }
        let changed = self.changed(&seen, before, now, &mut judgement, trace);
        // The time and not the age, so that looks at the same file say the same, which the journal stores once.
        let good = match (&seen.file, link) {
            (None, _) => format!("there is no {path}"),
            (Some(file), link) => format!(
                "{}, written {}{}",
                match file.entries {
                    Some(entries) => format!("folder of {entries}"),
                    None => format!("{} of {}", file.kind, Bytes.show(bytes(file.size))),
                },
                file.written,
                link.map_or_else(String::new, |link| format!(", {link}")),
            ),
        };
        let seen = Some(seen);
        (judgement.outcome(&good), Before { seen, changed })
    }

    /// Age, size, entries.
    fn numbers(&self, file: &Found, now: Time, judgement: &mut Judgement, trace: &mut Trace) {
        let (rules, age) = (&self.rules, now.since(file.written));
        judgement.level(trace, "age", (age.as_secs_f64(), Seconds), rules.age);
        if let Some(least) = rules.age_min {
            let finding = || {
                let expected = format!("{} or more", human(least));
                Finding::new("age", expected, human(age), age >= least)
            };
            judgement.holds(trace, finding, || {
                format!(
                    "written {} ago, which is within {}",
                    human(age),
                    human(least)
                )
            });
        }
        if let Some(entries) = file.entries {
            let entries = bytes(entries as u64);
            judgement.level(trace, "entries", (entries, Count), rules.entries);
            return;
        }
        judgement.level(trace, "size", (bytes(file.size), Bytes), rules.size);
        if let Some(least) = rules.size_min {
            let [shown, expected] = [file.size, least].map(|size| Bytes.show(bytes(size)));
            let finding = || {
                let expected = format!("{expected} or more");
                Finding::new("size", expected, shown.as_str(), file.size >= least)
            };
            judgement.holds(trace, finding, || format!("size {shown}, below {expected}"));
        }
    }

    /// Owner, group, mode.
    fn owners(&self, file: &Found, judgement: &mut Judgement, trace: &mut Trace) {
        let rules = &self.rules;
        let wanted = [
            ("owner", rules.owner.clone(), file.owner.clone()),
            ("group", rules.group.clone(), file.group.clone()),
            ("mode", rules.mode.map(octal), octal(file.mode)),
        ];
        for (what, expected, found) in wanted {
            let Some(expected) = expected else { continue };
            let holds = expected == found;
            let finding = || Finding::new(what, expected.as_str(), found.as_str(), holds);
            judgement.holds(trace, finding, || format!("{what} {found}, not {expected}"));
        }
    }

    /// Checksum and content.
    fn inside(&self, file: &Found, judgement: &mut Judgement, trace: &mut Trace) {
        if let (Some(wanted), Some(found)) = (&self.rules.checksum, &file.checksum) {
            let told = found.as_ref().map_or_else(Clone::clone, Clone::clone);
            let (verdict, said) = match found {
                Ok(found) if found == wanted => (Verdict::Pass, String::new()),
                Ok(found) => {
                    let [found, wanted] = [found, wanted].map(|sum| text::line(sum, SUM_CHARS));
                    (Verdict::Fail, format!("checksum {found}, not {wanted}"))
                }
                Err(reason) => (Verdict::Unknown, format!("no checksum: {reason}")),
            };
            let finding = || Finding::new("checksum", wanted, told, true).worth(verdict);
            judgement.holds(trace, finding, || said);
        }
        if let (Some(pattern), Some(found)) = (&self.rules.content, &file.content) {
            let wanted = format!("/{}/", text::line(pattern.as_str(), PIECE_CHARS));
            let (verdict, told) = match found {
                Ok(true) => (Verdict::Pass, "it matches".to_owned()),
                Ok(false) => (
                    Verdict::Fail,
                    format!("the content does not match {wanted}"),
                ),
                Err(reason) => (
                    Verdict::Unknown,
                    format!("the content cannot be read: {reason}"),
                ),
            };
            let finding = || Finding::new("content", wanted, told.as_str(), true).worth(verdict);
            judgement.holds(trace, finding, || told.clone());
        }
    }

    /// Whether it is another than at the look before.
    fn changed(
        &self,
        seen: &Seen,
        before: Option<Before>,
        now: Time,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) -> Option<(Time, &'static str)> {
        if !self.rules.changed {
            return None;
        }
        let (old, at) = before.map_or((None, None), |before| (before.seen, before.changed));
        let at = at.filter(|(at, _)| now.since(*at) < self.rules.signs);
        let at = old
            .and_then(|old| difference(&old, seen))
            .map(|what| (now, what))
            .or(at);
        let finding = || {
            let verdict = at.map_or(Verdict::Pass, |_| Verdict::Warn);
            let found = at.map_or_else(
                || "the same".to_owned(),
                |(at, what)| format!("{what}, {at}"),
            );
            Finding::new("changed", "the same", found, true).worth(verdict)
        };
        judgement.holds(trace, finding, || {
            let what = at.map_or("", |(_, what)| what);
            format!("changed within {}: {what}", human(self.rules.signs))
        });
        at
    }
}

/// What is not as it was; none where all is.
fn difference(old: &Seen, new: &Seen) -> Option<&'static str> {
    if old.link != new.link {
        return Some("where the symlink leads");
    }
    let (old, new) = match (&old.file, &new.file) {
        (None, None) => return None,
        (None, Some(_)) => return Some("it is there again"),
        (Some(_), None) => return Some("it is gone"),
        (Some(old), Some(new)) => (old, new),
    };
    let known = |sum: &Option<Result<String, String>>| sum.clone().and_then(Result::ok);
    let sums = known(&old.checksum).zip(known(&new.checksum));
    let different = [
        ("its content", sums.is_some_and(|(old, new)| old != new)),
        ("its size", old.size != new.size),
        ("it is another file", old.inode != new.inode),
        (
            "its mode or owner",
            (old.mode, &old.owner, &old.group) != (new.mode, &new.owner, &new.group),
        ),
        ("when it was written", old.written != new.written),
    ];
    different
        .into_iter()
        .find(|(_, is)| *is)
        .map(|(what, _)| what)
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}
