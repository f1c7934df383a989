//! All checks with their faces, looked at once per page, and the verdict on the whole in words.

use std::sync::Arc;

use super::Shell;
use super::face::Face;
use crate::core::check::UPLINK;
use crate::core::engine::Watched;
use crate::core::time::Time;

/// Everything that the plan has, in its order.
pub(super) struct Census<'a> {
    pub(super) rows: Vec<(&'a Arc<Watched>, Face)>,
}

/// The verdict on the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// `postgres is down`.
    pub(super) sentence: String,
    /// The face it has.
    pub(super) face: Face,
    /// Since when it is so.
    pub(super) since: Option<Time>,
    /// The rest: `1 check degraded, 14 up`.
    pub(super) others: String,
}

impl<'a> Census<'a> {
    pub(super) fn of(shell: &Shell<'a>) -> Self {
        let engine = &shell.view.engine;
        let rows = engine
            .active()
            .map(|watched| (watched, Face::of(engine, watched)));
        Self {
            rows: rows.collect(),
        }
    }

    fn with(&self, face: Face) -> impl Iterator<Item = &'a Arc<Watched>> {
        self.rows
            .iter()
            .filter(move |row| row.1 == face)
            .map(|row| row.0)
    }

    fn count(&self, face: Face) -> usize {
        self.with(face).count()
    }

    /// The worst face decides; Up is only said where nothing worse is there.
    pub(super) fn verdict(&self) -> Verdict {
        let seen = |face: &Face| self.count(*face) > 0;
        let worst = Face::ALL.into_iter().find(seen);
        let face = match worst {
            None => Face::New,
            // What was seen so far is good: a new check takes nothing from that.
            Some(Face::New) if seen(&Face::Up) => Face::Up,
            Some(worst) => worst,
        };
        let turns = self.with(face).map(|watched| watched.record.since);
        let since = match face {
            Face::Up => turns.max(),
            Face::Down | Face::Held | Face::Degraded | Face::Unknown | Face::New | Face::Paused => {
                turns.min()
            }
        };
        Verdict {
            sentence: self.sentence(face),
            face,
            since: since.filter(|_| face != Face::New),
            others: self.others(face),
        }
    }

    /// That we are isolated, and from what, if so; it explains the rest.
    fn isolation(&self) -> Option<String> {
        let down = || self.with(Face::Down);
        let is_uplink = |watched: &&'a Arc<Watched>| &*watched.check.kind == UPLINK;
        let scopes: Vec<&str> = down()
            .filter(is_uplink)
            .map(|watched| scope(&watched.check.name))
            .collect();
        let from = match scopes.as_slice() {
            [] => return None,
            all if all.contains(&"") => String::new(),
            some => format!(" from {}", some.join(" and ")),
        };
        let others = down().count() - scopes.len();
        Some(match others {
            0 => format!("We are isolated{from}"),
            1 => format!("We are isolated{from}, and 1 check is down"),
            n => format!("We are isolated{from}, and {n} checks are down"),
        })
    }

    fn sentence(&self, face: Face) -> String {
        if let Some(isolation) = self.isolation() {
            return isolation;
        }
        let count = self.count(face);
        let one = self
            .with(face)
            .next()
            .filter(|_| count == 1)
            .map(|watched| &watched.check.name);
        match (face, one) {
            (Face::New, _) if count == 0 => "Nothing is watched yet".to_owned(),
            (Face::New, _) => "Looking for the first time…".to_owned(),
            (Face::Down, Some(name)) => format!("{name} is down"),
            (Face::Down, None) => format!("{count} checks are down"),
            (Face::Held, Some(name)) => format!("{name} is held"),
            (Face::Held, None) => format!("{count} checks are held"),
            (Face::Degraded, Some(name)) => format!("{name} is degraded"),
            (Face::Degraded, None) => format!("{count} checks are degraded"),
            (Face::Unknown, Some(name)) => format!("{name} cannot be seen"),
            (Face::Unknown, None) => format!("{count} checks cannot be seen"),
            // "All" is not said while some were never looked at.
            (Face::Up, Some(name)) if self.count(Face::New) > 0 => format!("{name} is up so far"),
            (Face::Up, None) if self.count(Face::New) > 0 => {
                format!("{count} checks are up so far")
            }
            (Face::Up, Some(name)) => format!("{name} is up"),
            (Face::Up, None) => format!("All {count} checks are up"),
            (Face::Paused, Some(name)) => format!("{name} is paused"),
            (Face::Paused, None) => format!("All {count} checks are paused"),
        }
    }

    /// How many checks have which of the other faces.
    fn others(&self, face: Face) -> String {
        let others = Face::ALL.into_iter().filter(|other| *other != face);
        let counts = others
            .map(|other| (self.count(other), other))
            .filter(|(count, _)| *count > 0);
        let part = |(place, (count, other)): (usize, (usize, Face))| {
            let noun = match (place, count) {
                (0, 1) => " check",
                (0, _) => " checks",
                (_, _) => "",
            };
            let word = if other == Face::New {
                "not looked at yet"
            } else {
                other.word()
            };
            format!("{count}{noun} {word}")
        };
        counts
            .enumerate()
            .map(part)
            .collect::<Vec<String>>()
            .join(", ")
    }
}

/// The scope in the name of an uplink's check, `belfry.uplink.office`; nothing in that of the usual one.
fn scope(name: &str) -> &str {
    name.splitn(3, '.').nth(2).unwrap_or_default()
}
