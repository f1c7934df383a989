//! How a log is written in a configuration: which, and which of its lines count.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{Filter, Journal};
use super::{Place, Rules, Settings, WITHIN};
use crate::core::text;
use crate::probe::aside::Aside;
use crate::probe::kept::Kept;
use crate::probe::level::{Levels, Scale};
use crate::probe::pattern::Pattern;
use crate::settings::Section;

/// The keys that only a journal has.
const OF_JOURNAL: [&str; 4] = ["directory", "unit", "identifier", "priority"];
/// The words of syslog(3), the most urgent first.
const PRIORITIES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];
/// Most units or identifiers of one check.
const NAMES: usize = 20;
/// Longest name of a unit (`UNIT_NAME_MAX` of systemd), and of an identifier that anybody has.
const NAME: usize = 255;

pub(super) fn read(mut section: Section<'_>) -> Option<Settings> {
    let place = place(&mut section);
    let is_journal = section.has("journal");
    if !section.has("match") && !is_journal {
        let hint = "write which lines count: match = \"ERROR|panic\"";
        section.refuse("match", "\"match\" is missing", hint);
    }
    let said = section.has("match");
    let wanted = Pattern::read(&mut section, "match");
    let ignored = Pattern::read(&mut section, "ignore");
    let scale = Scale {
        warn: "warn",
        fail: "fail",
        range: 1.0..=1e9,
        usual: Levels {
            warn: Some(1.0),
            fail: None,
        },
    };
    let levels = Levels::read(&mut section, &scale);
    let range = Duration::from_secs(1)..=Duration::from_hours(24 * 30);
    let within = section.duration("within", range).unwrap_or(WITHIN);
    section.finish();
    // All that is in a journal may count, as its other keys choose already.
    (wanted.is_some() || (is_journal && !said)).then_some(())?;
    Some(Settings {
        place: place?,
        rules: Rules { wanted, ignored },
        levels,
        within,
    })
}

fn place(section: &mut Section<'_>) -> Option<Place> {
    let journal = section.boolean("journal");
    let filter = Filter {
        units: names(section, "unit"),
        identifiers: names(section, "identifier"),
        priority: section.choice("priority", &PRIORITIES),
    };
    let directory = whole(section, "directory");
    if section.has("journal") {
        if section.has("file") {
            let hint = "keep one of them";
            section.refuse("file", "\"file\" beside \"journal\" is a second log", hint);
            // Asked for, so that it counts as known.
            section.entry("file");
            return None;
        }
        if journal == Some(false) {
            let hint = "leave it out, and write file = \"/var/log/…\"";
            section.refuse("journal", "without its journal there is no log", hint);
            return None;
        }
        let is_wrong = section.has("directory") && directory.is_none();
        return (journal? && !is_wrong).then(|| Place::Journal(Journal::new(directory, filter)));
    }
    if let Some(key) = OF_JOURNAL.into_iter().find(|key| section.has(key)) {
        let hint = "write journal = true beside it, instead of \"file\"";
        section.refuse(key, format!("\"{key}\" is of the journal"), hint);
    }
    if !section.has("file") {
        section.required("file");
        return None;
    }
    Some(Place::File {
        path: whole(section, "file")?,
        kept: Kept::default(),
        aside: Aside::default(),
    })
}

fn whole(section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    let path = section.string(key).map(PathBuf::from)?;
    if Path::is_relative(&path) {
        let message = format!("\"{key}\" is not a whole path");
        section.refuse(key, message, "begin it with /");
        return None;
    }
    Some(path)
}

fn names(section: &mut Section<'_>, key: &'static str) -> Vec<String> {
    let names = section.strings(key).unwrap_or_default();
    let is_name = |name: &str| {
        (1..=NAME).contains(&name.len()) && text::line(name, NAME) == name && !name.contains('/')
    };
    let wrong = names.iter().any(|(name, _)| !is_name(name));
    if wrong || names.len() > NAMES {
        let hint = format!("write at most {NAMES} names on one line each: {key} = \"nginx\"");
        section.refuse(key, format!("\"{key}\" names none"), hint);
    }
    names.into_iter().map(|(name, _)| name).collect()
}
