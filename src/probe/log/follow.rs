//! Which file is read: the one under the name, and the one that was there before it.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::place::{Place, Scan};
use super::{LINE_CHARS, Rules};
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::error::Looked;
use crate::probe::regular;

/// Most bytes that one look reads; what is left is read by the next.
pub(super) const BUDGET: u64 = 16 << 20;
/// How long before the deadline reading is given up, so that there is time to say so.
const EARLY: Duration = Duration::from_millis(100);

/// The files that are followed.
#[derive(Default)]
pub(super) struct Followed {
    /// Whether there was a look before: only the first begins at the end.
    looked: bool,
    current: Option<Place>,
    /// The file before a rotation, for one look more: who writes may not have heard of the rotation yet.
    previous: Option<Place>,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) count: u64,
    pub(super) newest: Option<String>,
    pub(super) left: u64,
    pub(super) there: bool,
}

impl Followed {
    /// Reads what has been written since the look before.
    pub(super) fn read(&mut self, path: &Path, rules: &Rules, deadline: Instant) -> Looked<Read> {
        // Opened before the old one is read to its end, so that nothing falls between.
        let file = match regular::open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(path, &error)),
        };
        let there = file.is_some();
        let broken = |error: io::Error| unreadable(path, &error);
        let new = file.map(Place::start).transpose().map_err(broken)?;
        if !std::mem::replace(&mut self.looked, true) {
            self.current = new.map(Place::end).transpose().map_err(broken)?;
            return Ok(Read {
                there,
                ..Read::default()
            });
        }
        let mut scan = Scan::new(rules, BUDGET, deadline - EARLY);
        let mut left = 0;
        if let Some(previous) = &mut self.previous {
            left += previous.read(&mut scan).map_err(broken)?;
        }
        if left == 0
            && let Some(mut previous) = self.previous.take()
        {
            previous.finish(&mut scan);
        }
        if let Some(current) = &mut self.current {
            left += current.read(&mut scan).map_err(broken)?;
        }
        let rotated = match (&self.current, &new) {
            (Some(current), Some(new)) => current.inode != new.inode,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        // While there is more of the old, the new waits.
        if rotated && left == 0 {
            self.previous = self.current.take();
            self.current = new;
            if let Some(current) = &mut self.current {
                left += current.read(&mut scan).map_err(broken)?;
            }
        }
        let newest = scan.newest.as_deref().map(String::from_utf8_lossy);
        Ok(Read {
            count: scan.count,
            newest: newest.map(|line| text::line(&line, LINE_CHARS)),
            left,
            there,
        })
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Outcome {
    let told = path.display();
    Outcome::unknown(&if error.kind() == io::ErrorKind::PermissionDenied {
        format!(
            "we may not read {told}; add our user to its group (SupplementaryGroups=adm in our unit)"
        )
    } else {
        format!("{told} cannot be read: {error}")
    })
}
