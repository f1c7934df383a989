//! Looks at a unit of systemd: whether it is as active as it should be, and how often it had to be started again.
//!
//! Asks `systemctl show`, whose properties are those of org.freedesktop.systemd1(5).

use std::time::Duration;

use super::aside::Aside;
use super::command::{Command, Ended, Ran};
use super::env::Env;
use super::error::Looked;
use super::kept::Kept;
use super::level::{Levels, Scale};
use super::trace::Trace;
use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::settings::Section;

mod properties;
mod verdict;

use properties::Properties;

/// How long restarts are counted, where nothing else is said: long enough to be confirmed and read.
const SIGNS: Duration = Duration::from_hours(1);
/// Longest name of a unit (`UNIT_NAME_MAX` of systemd).
const LONGEST: usize = 255;
/// States that a unit can be wanted in (`ActiveState`).
const STATES: [&str; 6] = [
    "active",
    "reloading",
    "inactive",
    "failed",
    "activating",
    "deactivating",
];

/// `unit = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    name: String,
    /// The states that are well.
    active: Vec<String>,
    restarts: Levels,
    signs: Duration,
    /// What is asked; found in PATH.
    systemctl: String,
    before: Kept<Before>,
    aside: Aside,
}

/// What the looks before have seen.
#[derive(Clone, Debug, Default)]
struct Before {
    /// `NRestarts`: how often systemd has started it again by itself since somebody started it.
    restarts: u64,
    /// How many were seen at a look, for as long as they count.
    counted: Vec<(Time, u64)>,
}

impl Settings {
    /// Reads the table of a `unit` key. Keys:
    ///
    /// - `name`: its name; `.service` need not be written; must be there
    /// - `active`: the states that are well, default `["active", "reloading"]`
    /// - `restarts_warn` (default 1), `restarts_fail`: how often systemd had to start it again within `signs`
    /// - `signs`: default 1 h
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let name = section.required("name");
        let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        let is_name = |name: &String| {
            let fits = (1..=LONGEST).contains(&name.len()) && !name.starts_with('-');
            fits && name.chars().all(plain)
        };
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            section.refuse(
                "name",
                "\"name\" is no unit",
                "write name = \"nginx.service\"",
            );
        }
        let active = section.strings("active").map_or_else(
            || vec!["active".to_owned(), "reloading".to_owned()],
            |all| all.into_iter().map(|(text, _)| text).collect(),
        );
        let known = |state: &String| STATES.contains(&state.as_str());
        if active.is_empty() || !active.iter().all(known) {
            let hint = format!("write some of {}", STATES.join(", "));
            section.refuse("active", "\"active\" is no list of states", hint);
        }
        let scale = Scale {
            warn: "restarts_warn",
            fail: "restarts_fail",
            range: 1.0..=1e6,
            usual: Levels {
                warn: Some(1.0),
                fail: None,
            },
        };
        let restarts = Levels::read(&mut section, &scale);
        let range = Duration::from_mins(1)..=Duration::from_hours(24 * 30);
        let signs = section.duration("signs", range).unwrap_or(SIGNS);
        section.finish();
        Some(Self {
            name: name?,
            active,
            restarts,
            signs,
            systemctl: "systemctl".to_owned(),
            before: Kept::default(),
            aside: Aside::default(),
        })
    }

    /// Its name, for people.
    pub fn target(&self) -> String {
        self.name.clone()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let asked = format!("--property={}", Properties::ASKED);
        let argv = [
            &self.systemctl,
            "show",
            "--no-pager",
            &asked,
            "--",
            &self.name,
        ];
        let command = Command {
            argv: argv.map(str::to_owned).to_vec(),
            ..Command::default()
        };
        let ran = command.run(&self.aside, trace).await?;
        let properties = properties(&ran)?;
        let before = self.before.take();
        let (outcome, now) = self.judge(&properties, before, env.clock.now(), trace);
        self.before.put(now);
        Ok(outcome)
    }
}

/// What systemctl has printed; that it could not is no fault of the unit.
fn properties(ran: &Ran) -> Looked<Properties> {
    let complaint = String::from_utf8_lossy(&ran.err);
    if complaint.contains("not been booted with systemd") {
        return Err(Outcome::unknown(
            "systemd does not run here (it is not process 1); look at the process instead",
        ));
    }
    if ran.ended != Ended::Code(0) {
        let reason = complaint.lines().next().unwrap_or_default();
        let ended = ran.ended.told();
        return Err(Outcome::unknown(&format!("systemctl: {ended} {reason}")));
    }
    Properties::parse(&String::from_utf8_lossy(&ran.out))
        .ok_or_else(|| Outcome::unknown("systemctl told no state of the unit"))
}

#[cfg(test)]
mod tests;
