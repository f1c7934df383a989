//! How a command is written in a configuration.

use std::path::{Path, PathBuf};

use crate::probe::command::Command;
use crate::settings::Section;

/// Most arguments, and longest of them: more belongs into a script.
const ARGUMENTS: usize = 100;
const LONGEST: usize = 4 << 10;

/// Reads a command; see [`super::Settings::read`].
pub(super) fn read(mut section: Section<'_>) -> Option<Command> {
    if !section.has("command") {
        let hint = "add command = [\"/usr/lib/nagios/plugins/check_load\", \"-w\", \"5\"]";
        section.refuse("command", "\"command\" is missing", hint);
    }
    let argv: Option<Vec<String>> = section
        .strings("command")
        .map(|all| all.into_iter().map(|(text, _)| text).collect());
    let wrong = argv.as_deref().and_then(refusal);
    if let Some((message, hint)) = wrong {
        section.refuse("command", message, hint);
    }
    let environment = section.pairs("environment").unwrap_or_default();
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty()
            && name.chars().all(plain)
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let odd = |(name, value): &&(String, String)| !is_name(name) || value.contains('\0');
    if let Some((name, _)) = environment.iter().find(odd) {
        let message = format!("\"{name}\" cannot be a variable");
        section.refuse("environment", message, "write letters, digits and _");
    }
    let directory = section.string("directory").map(PathBuf::from);
    if directory.as_deref().is_some_and(Path::is_relative) {
        section.refuse(
            "directory",
            "\"directory\" is not a whole path",
            "begin it with /",
        );
    }
    let user = section.string("user");
    if user
        .as_deref()
        .is_some_and(|user| user.is_empty() || user.contains('\0'))
    {
        section.refuse(
            "user",
            "\"user\" is no name",
            "leave it out to run as Belfry does",
        );
    }
    section.finish();
    let argv = argv.filter(|_| wrong.is_none())?;
    Some(Command {
        argv,
        environment,
        directory,
        user,
    })
}

/// What is wrong with a command, and what to write.
fn refusal(argv: &[String]) -> Option<(&'static str, &'static str)> {
    let Some(program) = argv.first() else {
        return Some(("\"command\" is empty", "write a program and its arguments"));
    };
    if !program.starts_with('/') {
        let hint = "begin it with /; there is no shell, so each argument is a text of its own";
        return Some(("\"command\" is not the whole path of a program", hint));
    }
    if argv.len() > ARGUMENTS || argv.iter().any(|text| text.len() > LONGEST) {
        let hint = "at most 100 arguments of 4 KiB; put the rest into a script";
        return Some(("\"command\" is too long", hint));
    }
    // A line break in an argument is how one command became two in other daemons (CVE-2014-2913).
    let breaks = |text: &String| text.contains(['\n', '\r', '\0']);
    argv.iter().any(breaks).then_some((
        "\"command\" has a line break in an argument",
        "put the lines into a script",
    ))
}
