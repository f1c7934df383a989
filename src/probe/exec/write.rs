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
    section.must_be_ours("command");
    let argv = argv(&mut section, "command");
    let around = surroundings(&mut section);
    section.finish();
    Some(Command {
        argv: argv?,
        ..around
    })
}

/// The program and its arguments under `key`.
pub(in crate::probe) fn argv(section: &mut Section<'_>, key: &'static str) -> Option<Vec<String>> {
    let is_line = section.is_text(key);
    let argv = section.strings(key)?;
    let argv: Vec<String> = argv.into_iter().map(|(text, _)| text).collect();
    let is_line = |line: &&String| is_line && line.starts_with('/') && line.contains(' ');
    let line = argv.first().filter(is_line);
    if let Some(line) = line {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| format!("\"{word}\""))
            .collect();
        let message = format!("\"{key}\" is a line, not a program and its arguments");
        let hint = format!("there is no shell: write {key} = [{}]", words.join(", "));
        section.refuse(key, message, hint);
        return None;
    }
    match refusal(&argv) {
        None => Some(argv),
        Some((message, hint)) => {
            section.refuse(key, format!("\"{key}\" {message}"), hint);
            None
        }
    }
}

/// All of a command but what is run: `environment`, `directory`, `user`.
pub(in crate::probe) fn surroundings(section: &mut Section<'_>) -> Command {
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
    Command {
        argv: Vec::new(),
        environment,
        directory,
        user,
        enough: None,
    }
}

/// What is wrong with a command, and what to write.
fn refusal(argv: &[String]) -> Option<(&'static str, &'static str)> {
    let Some(program) = argv.first() else {
        return Some(("is empty", "write a program and its arguments"));
    };
    if !program.starts_with('/') {
        let hint = "begin it with /; there is no shell, so each argument is a text of its own";
        return Some(("is not the whole path of a program", hint));
    }
    if argv.len() > ARGUMENTS || argv.iter().any(|text| text.len() > LONGEST) {
        let hint = "at most 100 arguments of 4 KiB; put the rest into a script";
        return Some(("is too long", hint));
    }
    // A line break in an argument is how one command became two in other daemons (CVE-2014-2913).
    let breaks = |text: &String| text.contains(['\n', '\r', '\0']);
    argv.iter().any(breaks).then_some((
        "has a line break in an argument",
        "put the lines into a script",
    ))
}
