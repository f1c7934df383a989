//! How a file is written in a configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Rules, SIGNS};
use crate::probe::level::{Levels, SIZE, Scale};
use crate::probe::pattern::Pattern;
use crate::settings::Section;

/// The longest age that makes sense: ten years.
const AGE: Duration = Duration::from_hours(24 * 3_653);
/// Permission bits, with setuid, setgid and sticky.
const BITS: u32 = 0o7777;
/// Most characters of SHA-256 in hex.
const HEX: usize = 64;
/// Keys that say something of a file that is there.
const OF_A_FILE: [&str; 14] = [
    "age_warn",
    "age_fail",
    "age_min",
    "size_warn",
    "size_fail",
    "size_min",
    "entries_warn",
    "entries_fail",
    "checksum",
    "owner",
    "group",
    "mode",
    "content",
    "changed",
];

/// Reads the path and what should be. Keys:
///
/// - `path`: must be there
/// - `absent`: whether there should be none
/// - levels for `age` (durations), `size`, `entries` (of a folder), and the least `age_min` and `size_min`
/// - `checksum`, `owner`, `group`, `mode`, `content` (a regular expression)
/// - `changed`: whether a change since the look before is warned of, and `signs`: how long, default 1 h
pub(super) fn read(mut section: Section<'_>) -> Option<(PathBuf, Rules)> {
    let path = section.required("path").map(PathBuf::from);
    if path.as_deref().is_some_and(Path::is_relative) {
        section.refuse("path", "\"path\" is not a whole path", "begin it with /");
    }
    let absent = section.boolean("absent").unwrap_or(false);
    if absent && let Some(key) = OF_A_FILE.into_iter().find(|key| section.has(key)) {
        let message = format!("\"{key}\" says something of a file that should not be there");
        section.refuse(key, message, "leave it out, or \"absent\"");
    }
    let range = 0.0..=1e9;
    let usual = Levels::default();
    let scale = Scale {
        warn: "entries_warn",
        fail: "entries_fail",
        range,
        usual,
    };
    let rules = Rules {
        absent,
        age: ages(&mut section),
        age_min: section.duration("age_min", Duration::ZERO..=AGE),
        size: Levels::read_sizes(
            &mut section,
            ("size_warn", "size_fail"),
            SIZE,
            Levels::default(),
        ),
        size_min: section.size("size_min", 0..=u64::MAX),
        entries: Levels::read(&mut section, &scale),
        checksum: checksum(&mut section),
        owner: section.string("owner"),
        group: section.string("group"),
        mode: mode(&mut section),
        content: Pattern::read(&mut section, "content"),
        changed: section.boolean("changed").unwrap_or(false),
        signs: section
            .duration(
                "signs",
                Duration::from_mins(1)..=Duration::from_hours(24 * 30),
            )
            .unwrap_or(SIGNS),
    };
    section.finish();
    Some((path?, rules))
}

fn ages(section: &mut Section<'_>) -> Levels {
    let mut age = |key| section.duration(key, Duration::ZERO..=AGE);
    let (warn, fail) = (age("age_warn"), age("age_fail"));
    if warn.zip(fail).is_some_and(|(warn, fail)| warn > fail) {
        section.refuse(
            "age_warn",
            "\"age_warn\" is above \"age_fail\"",
            "warn first, fail later",
        );
    }
    let [warn, fail] = [warn, fail].map(|age| age.map(|age| age.as_secs_f64()));
    Levels { warn, fail }
}

fn checksum(section: &mut Section<'_>) -> Option<String> {
    let text = section.string("checksum")?.to_ascii_lowercase();
    let sum = text.strip_prefix("sha256:").unwrap_or(&text).to_owned();
    if sum.len() == HEX && sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(sum);
    }
    let hint = "write the 64 hexadecimal digits that sha256sum prints";
    section.refuse("checksum", "\"checksum\" is no SHA-256", hint);
    None
}

fn mode(section: &mut Section<'_>) -> Option<u32> {
    let text = section.string("mode")?;
    let mode = u32::from_str_radix(&text, 8)
        .ok()
        .filter(|mode| *mode <= BITS);
    if mode.is_none() {
        section.refuse(
            "mode",
            "\"mode\" is no mode",
            "write it as chmod takes it: mode = \"0640\"",
        );
    }
    mode
}
