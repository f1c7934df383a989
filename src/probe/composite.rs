//! Looks at nothing itself: judges what is known of other checks and heartbeats, all of them, any, or a number.

use std::ops::Range;
use std::sync::Arc;

use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::trace::Trace;
use crate::core::metric::{Metric, Unit};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::text;
use crate::settings::Section;

mod known;

pub use known::Known;
pub(super) use known::Others;

/// Most members: a page of names. Whoever has more makes composites of composites.
const MEMBERS: usize = 100;
/// How much is told of why a member is not up, so that several have room in one message.
const WHY_CHARS: usize = 80;

/// `composite = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    members: Vec<Member>,
    needed: Needed,
}

/// A check or heartbeat by its name.
#[derive(Clone, Debug)]
pub struct Member {
    pub name: Arc<str>,
    /// Where the name stands in its file, which is no part of what the settings say.
    pub span: Range<usize>,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// How many members have to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    All,
    Any,
    /// At least one, at most all.
    Number(usize),
}

impl Settings {
    /// The key in a check.
    pub const KEY: &'static str = "composite";

    /// Reads the table of a `composite` key. Keys, of which one form must be there:
    ///
    /// - `all`: names of checks and heartbeats that all have to be up
    /// - `any`: names of which one has to be up
    /// - `quorum`, `of`: how many of these names have to be up
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let mut lists = ["all", "any", "of"].map(|key| (key, members(&mut section, key)));
        let most = i64::try_from(MEMBERS).unwrap_or(i64::MAX);
        let quorum = section.integer("quorum", 1..=most);
        let quorum = quorum.and_then(|number| usize::try_from(number).ok());
        let said: Vec<&str> = lists
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| section.has(key))
            .collect();
        match said[..] {
            [] => section.refuse(
                "all",
                "it names no checks",
                "write all = [\"a\", \"b\"], any = [\"a\", \"b\"], or quorum = 2 with of = [\"a\", \"b\", \"c\"]",
            ),
            [_] => {}
            [_, second, ..] => section.refuse(
                second,
                format!("\"{second}\" is a second list"),
                format!("keep one of {}", said.join(", ")),
            ),
        }
        if section.has("quorum") && !section.has("of") {
            let hint = "write of = [\"a\", \"b\", \"c\"] beside it";
            section.refuse("quorum", "\"quorum\" of what is not said", hint);
        }
        if section.has("of") && !section.has("quorum") {
            let hint = "write quorum = 2 beside it, or call the list all or any";
            section.refuse("of", "how many \"of\" them is not said", hint);
        }
        let list = lists
            .iter_mut()
            .find_map(|(key, list)| Some((*key, list.take()?)));
        let needed = list.as_ref().map(|(key, members)| {
            let most = members.len();
            if *key == "of" && quorum.is_some_and(|number| number > most) {
                let message = format!("\"quorum\" is more than the {most} there are");
                section.refuse("quorum", message, "write how many of them have to be up");
            }
            match *key {
                "all" => Needed::All,
                "any" => Needed::Any,
                _ => Needed::Number(quorum.unwrap_or(most)),
            }
        });
        section.finish();
        Some(Self {
            members: list?.1,
            needed: needed?,
        })
    }

    /// Whose state it is made of.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Who has to be up, for people.
    pub fn target(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|m| m.name.as_ref()).collect();
        let names = names.join(", ");
        match self.needed {
            Needed::All => format!("all of {names}"),
            Needed::Any => format!("any of {names}"),
            Needed::Number(number) => format!("{number} of {names}"),
        }
    }

    #[expect(clippy::unused_async, reason = "every kind looks in the same way")]
    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let known = self.members.iter();
        let known = known.map(|member| (member.name.as_ref(), env.others.named(&member.name)));
        Ok(self.judge(&known.collect::<Vec<_>>(), trace))
    }

    fn needed(&self) -> usize {
        match self.needed {
            Needed::All => self.members.len(),
            Needed::Any => 1,
            Needed::Number(number) => number,
        }
    }

    fn judge(&self, members: &[(&str, Known)], trace: &mut Trace) -> Outcome {
        for (name, known) in members {
            trace.note(|| Finding::new(*name, "up", known.told(), true).worth(known.verdict));
        }
        let verdicts: Vec<Verdict> = members.iter().map(|(_, known)| known.verdict).collect();
        let verdict = quorum(&verdicts, self.needed());
        let count = |wanted: &[Verdict]| verdicts.iter().filter(|v| wanted.contains(v)).count();
        let (up, down) = (
            count(&[Verdict::Pass, Verdict::Warn]),
            count(&[Verdict::Fail]),
        );
        trace.note(|| {
            let expected = format!("at least {} of {}", self.needed(), members.len());
            Finding::new("up", expected, up.to_string(), true).worth(verdict)
        });
        let mut message = format!("{up} of {} up", members.len());
        if let Needed::Number(number) = self.needed {
            message = format!("{message}, {number} needed");
        }
        // What is bad for sure comes first.
        let bad = [Verdict::Fail, Verdict::Unknown, Verdict::Warn].into_iter();
        let bad = bad.flat_map(|verdict| members.iter().filter(move |(_, k)| k.verdict == verdict));
        for (place, (name, known)) in bad.enumerate() {
            message.push_str(if place == 0 { ": " } else { ", " });
            message.push_str(name);
            message.push_str(" is ");
            message.push_str(&known.told());
        }
        let metrics = [("up", up), ("down", down)];
        let metrics = metrics.into_iter().filter_map(|(name, count)| {
            let count = u32::try_from(count).ok()?;
            Metric::new(name, Unit::Count, count.into())
        });
        Outcome::new(verdict, &message).with_metrics(metrics.collect())
    }
}

/// What it is worth that `needed` of these have to be good: as much as the one that is the last of the best so many.
/// Those that tell nothing (unknown) may be anything: where they could make the difference between good and bad, it
/// is unknown.
fn quorum(verdicts: &[Verdict], needed: usize) -> Verdict {
    let count = |wanted| {
        verdicts
            .iter()
            .filter(|verdict| **verdict == wanted)
            .count()
    };
    let (pass, warn) = (count(Verdict::Pass), count(Verdict::Warn));
    if pass >= needed {
        Verdict::Pass
    } else if pass + warn >= needed {
        Verdict::Warn
    } else if verdicts.len() - count(Verdict::Fail) < needed {
        Verdict::Fail
    } else {
        Verdict::Unknown
    }
}

/// The names under `key`, each once.
fn members(section: &mut Section<'_>, key: &'static str) -> Option<Vec<Member>> {
    let names = section.strings(key)?;
    if !(1..=MEMBERS).contains(&names.len()) {
        let message = format!("\"{key}\" names {} checks", names.len());
        section.refuse(key, message, format!("name 1 to {MEMBERS} of them"));
        return None;
    }
    let mut members: Vec<Member> = Vec::with_capacity(names.len());
    for (name, span) in names {
        if members.iter().any(|member| member.name.as_ref() == name) {
            let name = text::line(&name, WHY_CHARS);
            let message = format!("\"{key}\" names \"{name}\" twice");
            section.refuse(key, message, "name each once");
            return None;
        }
        members.push(Member {
            name: name.into(),
            span,
        });
    }
    Some(members)
}

#[cfg(test)]
mod tests;
