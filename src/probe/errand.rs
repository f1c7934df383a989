//! A command that is run for what it does, not for what it says of a target: a remedy.

use std::time::Duration;

use super::aside::Aside;
use super::command::{Command, Ended, Ran};
use super::exec::write;
use super::trace::Trace;
use crate::core::text;
use crate::settings::Section;

/// How much of what it says when it fails is told, in characters.
const SAID: usize = 160;

/// How long a command gets to end after it was told to, at most.
const GRACE: Duration = Duration::from_secs(1);
/// What systemd's units are asked through; found on the path of Belfry.
const SYSTEMCTL: &str = "systemctl";

/// A command without a shell, in a process group of its own, with bounded output.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    command: Command,
    aside: Aside,
    /// For people: `restart nginx.service`, `/usr/local/bin/fix`. Arguments may hold a password, so they are not in it.
    pub what: String,
}

impl Errand {
    /// Asks systemd to `verb` a unit.
    pub fn unit(verb: &str, unit: &str) -> Self {
        let argv = [SYSTEMCTL, "--no-ask-password", verb, "--", unit];
        Self {
            command: Command {
                argv: argv.map(str::to_owned).to_vec(),
                ..Command::default()
            },
            aside: Aside::default(),
            what: format!("{verb} {unit}"),
        }
    }

    /// Reads the command under `key`: a program with its whole path, and its arguments.
    pub fn read(section: &mut Section<'_>, key: &'static str) -> Option<Self> {
        let argv = write::argv(section, key)?;
        Some(Self {
            what: argv.first().cloned().unwrap_or_default(),
            command: Command {
                argv,
                ..Command::default()
            },
            aside: Aside::default(),
        })
    }

    /// Reads `environment`, `directory` and `user` for these errands.
    pub fn surround<'a>(section: &mut Section<'_>, errands: impl Iterator<Item = &'a mut Self>) {
        let around = write::surroundings(section);
        for errand in errands {
            let argv = std::mem::take(&mut errand.command.argv);
            errand.command = Command {
                argv,
                ..around.clone()
            };
        }
    }

    /// Does it, within `timeout`.
    ///
    /// # Errors
    /// Why it is not done, for people.
    pub async fn run(&self, timeout: Duration) -> Result<(), String> {
        // A command is told to end a little before the deadline of a look, so that it is gone by then.
        let mut trace = Trace::start(timeout + (timeout / 4).min(GRACE));
        match self.command.run(&self.aside, &mut trace).await {
            Ok(Ran {
                ended: Ended::Code(0),
                ..
            }) => Ok(()),
            Ok(ran) => Err(told(&ran)),
            Err(refused) => Err(refused.message()),
        }
    }
}

/// How it ended, and the first line of what it complained of.
fn told(ran: &Ran) -> String {
    let first = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().map(|line| text::line(line, SAID));
        lines.into_iter().find(|line| !line.is_empty())
    };
    match first(&ran.err).or_else(|| first(&ran.out)) {
        Some(said) => format!("{}: {said}", ran.ended.told()),
        None => ran.ended.told(),
    }
}
