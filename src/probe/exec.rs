//! Runs a command that judges for itself: a Nagios plugin, or anything that ends with 0, 1, 2 or 3.
//!
//! The plugin API is that of the Monitoring Plugins Development Guidelines: exit codes, text and numbers.

use super::aside::Aside;
use super::command::{Command, Ended, OUTPUT, Ran};
use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::trace::Trace;
use crate::core::metric::{METRICS, Metric};
use crate::core::outcome::{Outcome, Verdict};
use crate::settings::Section;

mod perfdata;
mod plugin;
pub(super) mod write;

use plugin::Output;

/// Most lines of long output that are told to whoever asks why.
const LINES: usize = 40;

/// `exec = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    command: Command,
    aside: Aside,
}

impl Settings {
    /// Reads the table of an `exec` key. Keys:
    ///
    /// - `command`: the program, with its whole path, and its arguments; must be there
    /// - `environment`: a table of variables; nothing else is inherited but `PATH` and `LANG`
    /// - `directory`: where it runs, default `/`
    /// - `user`: whom it runs as, where Belfry is root
    pub fn read(section: Section<'_>) -> Option<Self> {
        Some(Self {
            command: write::read(section)?,
            aside: Aside::default(),
        })
    }

    /// The command line, for people. Its arguments may hold a password, so only the program is told.
    pub fn target(&self) -> String {
        self.command.argv.first().cloned().unwrap_or_default()
    }

    pub(super) async fn look(&self, _: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let ran = self.command.run(&self.aside, trace).await?;
        Ok(judge(&ran, trace))
    }
}

/// What the command says of its target.
fn judge(ran: &Ran, trace: &mut Trace) -> Outcome {
    let output = Output::parse(&String::from_utf8_lossy(&ran.out));
    // A plugin that does not come to an end has met a target that does not: the guidelines want timeouts to be
    // critical, not unknown. A code that is not of the API, or a crash, says nothing of the target.
    let verdict = match ran.ended {
        Ended::Code(0) => Verdict::Pass,
        Ended::Code(1) => Verdict::Warn,
        Ended::Code(2) | Ended::Late(_) => Verdict::Fail,
        Ended::Code(_) | Ended::Signal(_) => Verdict::Unknown,
    };
    trace.note(|| Finding::new("end", "exit code 0", ran.ended.told(), true).worth(verdict));
    tell(&output, ran.cut, trace);
    let message = match (ran.ended, output.text.as_str()) {
        (ended, "") => without_text(ended, &ran.err),
        (Ended::Code(0..=3), text) => text.to_owned(),
        (ended, text) => format!("{}: {text}", ended.told()),
    };
    let metrics = output.data.iter().filter_map(|datum| {
        let value = datum.value?;
        Metric::new(&datum.label, datum.unit, value * datum.factor)
    });
    Outcome::new(verdict, &message)
        .took(ran.took)
        .with_metrics(metrics.take(METRICS).collect())
}

/// The message where the output has none: the first line of standard error is better than nothing.
fn without_text(ended: Ended, err: &[u8]) -> String {
    let complaint = String::from_utf8_lossy(err);
    match complaint.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("{}: {line}", ended.told()),
        None => ended.told(),
    }
}

/// The numbers with their ranges, and the long output, for whoever asks why. The plugin has judged already; its
/// ranges are told as it wrote them.
fn tell(output: &Output, cut: bool, trace: &mut Trace) {
    for datum in &output.data {
        trace.note(|| {
            Finding::new(&datum.label, datum.expected(), datum.found(), true).worth(datum.verdict())
        });
    }
    for line in output.long.iter().take(LINES) {
        trace.note(|| Finding::new("output", "", line, true));
    }
    if cut {
        let found = format!("more than {OUTPUT} bytes; the rest was thrown away");
        trace.note(|| Finding::new("output", "", found, true));
    }
}

#[cfg(test)]
mod tests;
