//! The house keeps its shape: who may use whom, what the core never touches, how long a file may be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// Longest file, in lines. What outgrows it wants to be two things with two names; tests are left aside.
const LINES: usize = 400;

/// What the core never touches, so that the same code runs live, replays history and lives through years.
const NOT_IN_CORE: [&str; 11] = [
    "tokio",
    "std::fs",
    "std::net",
    "SystemTime",
    "Instant::now",
    "::now(",
    "HashMap",
    // A zone is looked up when the configuration is read; these would read the system's files.
    "TimeZone::get(",
    "TimeZone::system(",
    "tz::db(",
    ".in_tz(",
];

/// What a page is made from.
const FOR_PAGES: [&str; 3] = ["core", "vitals", "web"];

/// A file of ours: its path from the project's folder, and what it says.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Its code, line by line, without the lines that are comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(at, line)| (at + 1, line.trim()))
            .filter(|(_, line)| !line.starts_with("//"))
    }

    /// The modules of the crate that it names, each with its line.
    fn uses(&self) -> Vec<(usize, String)> {
        self.code()
            .flat_map(|(at, line)| named(line).into_iter().map(move |name| (at, name)))
            .collect()
    }

    /// The module of the crate that it belongs to; none for lib.rs and main.rs.
    fn module(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let name = rest.split('/').next()?;
        let name = name.strip_suffix(".rs").unwrap_or(name);
        (!["lib", "main"].contains(&name)).then_some(name)
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }
}

/// The modules named in a line: `crate::a::B` is a, `crate::{a, b::C}` is a and b.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| {
        let word = text
            .trim()
            .split(|c: char| !c.is_ascii_lowercase() && c != '_');
        word.map(str::to_owned).next()
    };
    line.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0_usize;
                let outer: String = list
                    .chars()
                    .filter(|c| {
                        depth += usize::from(*c == '{');
                        let keep = depth == 0;
                        depth = depth.saturating_sub(usize::from(*c == '}'));
                        keep
                    })
                    .collect();
                outer.split(',').filter_map(word).collect()
            }
            None => word(rest).into_iter().collect::<Vec<_>>(),
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// The groups of modules in lib.rs, from the first to the last; blank lines part them.
fn groups(lib: &str) -> Vec<Vec<&str>> {
    lib.split("\n\n")
        .map(|group| {
            let modules = group
                .lines()
                .filter_map(|line| line.strip_prefix("pub mod "));
            modules.map(|name| name.trim_end_matches(';')).collect()
        })
        .filter(|group: &Vec<&str>| !group.is_empty())
        .collect()
}

/// What in the file stands against the order.
fn out_of_order(source: &Source, groups: &[Vec<&str>]) -> Vec<String> {
    let rank = |name: &str| groups.iter().position(|group| group.contains(&name));
    let Some(own) = source.module() else {
        return Vec::new();
    };
    let uses = source.uses().into_iter();
    uses.filter(|(_, used)| used != own && rank(used).is_some_and(|used| Some(used) >= rank(own)))
        .map(|(at, used)| format!("{}:{at}: {own} must not use {used}", source.path))
        .collect()
}

/// What of the outer world the file touches.
fn not_pure(source: &Source) -> Vec<String> {
    let found = source.code().flat_map(|(at, line)| {
        let words = NOT_IN_CORE
            .into_iter()
            .filter(move |word| line.contains(word));
        words.map(move |word| (at, word))
    });
    found
        .map(|(at, word)| format!("{}:{at}: {word} has no place in the core", source.path))
        .collect()
}

/// All files of these folders.
fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(Source {
                    text: read_to_string(&path).unwrap(),
                    path: path
                        .strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                });
            }
        }
    }
    assert!(!found.is_empty(), "there is something to look at");
    found
}

fn none(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_module_uses_only_those_that_stand_above_it() {
    let sources = sources(&["src"]);
    let lib = sources.iter().find(|source| source.path == "src/lib.rs");
    let groups = groups(&lib.unwrap().text);
    let known = |source: &Source| {
        let module = source.module();
        module.is_none_or(|name| groups.iter().any(|group| group.contains(&name)))
    };
    none(
        sources
            .iter()
            .filter(|source| !known(source))
            .map(|source| format!("{} belongs to no module of lib.rs", source.path)),
    );
    none(
        sources
            .iter()
            .flat_map(|source| out_of_order(source, &groups)),
    );
}

#[test]
fn the_core_knows_neither_clock_nor_disk_nor_network() {
    none(
        sources(&["src"])
            .iter()
            .filter(|source| source.module() == Some("core"))
            .flat_map(not_pure),
    );
}

#[test]
fn a_page_is_made_from_the_view_alone() {
    let sources = sources(&["src/web"]);
    let pages = sources.iter().filter(|source| {
        let is = |part| source.path.starts_with(part);
        (is("src/web/page") || is("src/web/api")) && !source.is_test()
    });
    none(pages.flat_map(|source| {
        let uses = source.uses().into_iter();
        uses.filter(|(_, used)| !FOR_PAGES.contains(&used.as_str()))
            .map(|(at, used)| format!("{}:{at}: a page must not use {used}", source.path))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn no_file_is_too_long() {
    let sources = sources(&["src", "loadtests"]);
    let long = sources.iter().filter(|source| !source.is_test());
    none(long.filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LINES).then(|| format!("{}: {lines} lines", source.path))
    }));
}

#[test]
fn what_stands_against_the_rules_is_found() {
    let groups =
        groups("//! The list.\n\npub mod core;\n\npub mod clock;\npub mod web;\n\npub mod cli;\n");
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let wrong = |path: &str, text: &str| out_of_order(&source(path, text), &groups);
    assert_eq!(
        wrong("src/core/state.rs", "\nuse crate::web::page;"),
        ["src/core/state.rs:2: core must not use web"]
    );
    assert_eq!(wrong("src/web.rs", "use crate::{clock, core};").len(), 1);
    assert_eq!(
        wrong("src/web.rs", "use crate::{core::{a, b}, cli};").len(),
        1
    );
    assert_eq!(wrong("src/web.rs", "let x = crate::cli::run();").len(), 1);
    assert_eq!(
        wrong("src/web/page.rs", "use crate::web::page; use crate::core;"),
        [""; 0]
    );
    assert_eq!(
        wrong("src/cli.rs", "use crate::{web, core}; // crate::cli"),
        [""; 0]
    );
    assert_eq!(wrong("src/core.rs", "/// As in [`crate::web`]."), [""; 0]);
    assert_eq!(wrong("src/main.rs", "use crate::cli;"), [""; 0]);
    let clock = source("src/core/a.rs", "let now = Utc::now();\n// HashMap");
    assert_eq!(
        not_pure(&clock),
        ["src/core/a.rs:1: ::now( has no place in the core"]
    );
}
