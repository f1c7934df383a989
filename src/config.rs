//! The configuration: from files to a [`Plan`], or to everything that is wrong with them.
//!
//! What a plan says is valid; nothing later has to ask again. Reading collects all problems at once, and a
//! configuration with any problem is none: what is in force stays.

mod accept;
mod check;
mod daemon;
mod depend;
mod document;
mod email;
mod files;
mod heartbeat;
mod isolation;
mod listen;
mod mail_pings;
mod own;
mod pace;
mod pings;
mod plan;
mod remedy;
mod render;
mod retention;
mod rules;
mod schedule;
mod token;
mod zone;

use std::path::{Path, PathBuf};

pub use email::Email;
pub use files::{Source, locate};
pub use listen::Listen;
pub use mail_pings::MailPings;
pub use pings::{Rate, Rates};
pub use plan::{Plan, Planned};
pub use render::render;
pub use retention::Retention;
pub use token::{ApiToken, Rights, make as new_token, name_of as token_name};

use crate::settings::{Problem, Report};

/// What is in force where there is no configuration at all: the annotated example, as it is shipped.
pub const BUILT_IN: &str = include_str!("../config/belfry.toml");

/// The check that is told of every reading of the configuration; it has no probe.
pub const CONFIG_CHECK: &str = own::CONFIG;

/// The zone with this name in the IANA database: the system's, else the copy that is built in.
pub fn zone_named(name: &str) -> Option<jiff::tz::TimeZone> {
    zone::find(name).ok()
}

/// Reads and checks the configuration, with the variables of this process.
///
/// # Errors
/// Everything that is wrong with it, in the order of files and lines.
pub fn load(source: &Source) -> Result<Plan, Vec<Problem>> {
    load_with(source, &|name| std::env::var(name).ok())
}

/// Like [`load`], with `environment` to look up variables.
///
/// # Errors
/// Everything that is wrong with it, in the order of files and lines.
pub fn load_with(
    source: &Source,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Plan, Vec<Problem>> {
    let (draft, problems, _) = read(source, environment);
    whole(draft, problems)
}

/// Like [`load`], and the files with secrets that the configuration names: when one of them changes, it is
/// another one. They are told of one that is refused, too, which may become right by them.
pub fn load_with_secrets(source: &Source) -> (Result<Plan, Vec<Problem>>, Vec<PathBuf>) {
    let (draft, problems, secrets) = read(source, &|name| std::env::var(name).ok());
    (whole(draft, problems), secrets)
}

/// What can be read of a configuration, and everything that is wrong with it. With any problem it is good for
/// one thing: to find the daemon that runs, which goes on with the configuration before. What cannot be read
/// has its default.
pub fn glimpse(source: &Source) -> (Plan, Vec<Problem>) {
    let (draft, problems, _) = read(source, &|name| std::env::var(name).ok());
    (draft, problems)
}

/// A plan is whole or not at all.
fn whole(draft: Plan, problems: Vec<Problem>) -> Result<Plan, Vec<Problem>> {
    if problems.is_empty() {
        Ok(draft)
    } else {
        Err(problems)
    }
}

/// What can be read, what is wrong with it, and the files with secrets that it names.
fn read(
    source: &Source,
    environment: &dyn Fn(&str) -> Option<String>,
) -> (Plan, Vec<Problem>, Vec<PathBuf>) {
    let mut found = files::read(source);
    let report = Report::new(environment, &found.folder);
    let report = report.with_strange(std::mem::take(&mut found.strange));
    let readable = found.problems.is_empty();
    for problem in found.problems.drain(..) {
        report.push(problem);
    }
    let mut document = document::Document::parse(&found.texts, &report);
    document.is_whole &= readable;
    let syntax = document.broken_lines();
    let draft = plan::read(document.sections(&report), &found, &report);
    let secrets = report.secrets();
    let problems = document::tidy(report.into_problems(), &syntax, &found.texts);
    (draft, problems, secrets)
}

/// The folder that relative paths of a configuration are relative to.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
