//! Which processes are meant.

use std::path::{Path, PathBuf};

use super::seen::Row;
use crate::core::text;
use crate::probe::pattern::Pattern;
use crate::settings::Section;

/// Longest pattern in a message.
const PIECE_CHARS: usize = 60;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Which {
    Pidfile(PathBuf),
    Name(String),
    Match(Pattern),
}

impl Which {
    /// Reads exactly one of `pidfile`, `name` and `match`.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let keys = ["pidfile", "name", "match"];
        let said: Vec<&str> = keys.into_iter().filter(|key| section.has(key)).collect();
        if said.len() != 1 {
            let at = said.get(1).copied().unwrap_or_default();
            let found = match said.len() {
                0 => "it is not said which process".to_owned(),
                _ => format!("\"{at}\" is a second way to say which process"),
            };
            section.refuse(at, found, "write one of pidfile, name and match");
        }
        let pidfile = section.string("pidfile").map(PathBuf::from);
        let name = section.string("name");
        let pattern = Pattern::read(section, "match");
        if pidfile.as_deref().is_some_and(Path::is_relative) {
            section.refuse(
                "pidfile",
                "\"pidfile\" is not a whole path",
                "begin it with /",
            );
            return None;
        }
        if name
            .as_deref()
            .is_some_and(|name| name.is_empty() || name.contains('/'))
        {
            section.refuse("name", "\"name\" is no name", "write it without its folder");
            return None;
        }
        let pidfile = pidfile.map(Self::Pidfile);
        pidfile
            .or(name.map(Self::Name))
            .or(pattern.map(Self::Match))
    }

    /// For people.
    pub(super) fn target(&self) -> String {
        match self {
            Self::Pidfile(path) => path.display().to_string(),
            Self::Name(name) => name.clone(),
            Self::Match(pattern) => format!("/{}/", text::line(pattern.as_str(), PIECE_CHARS)),
        }
    }

    /// Whether a process is meant; `named` is the number in the pidfile. Our own command line may well hold the
    /// pattern, so we are not meant by one.
    pub(super) fn means(&self, row: &Row, named: Option<i32>, own: i32) -> bool {
        match self {
            Self::Pidfile(_) => named == Some(row.pid),
            Self::Name(name) => row.comm == *name || row.program() == name.as_bytes(),
            Self::Match(pattern) => row.pid != own && pattern.matches(&row.line()),
        }
    }
}
