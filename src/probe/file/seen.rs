//! A file at one moment.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use nix::unistd::{Gid, Group, Uid, User};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::Rules;
use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::probe::error::Looked;
use crate::probe::regular;

/// How much of a file is searched.
const CONTENT: u64 = 1 << 20;
/// How much is read at once for the checksum.
const PIECE: usize = 64 << 10;
/// Largest file whose checksum tells of a change, if no checksum is asked for: it is read at every look.
const CHANGED: u64 = 16 << 20;
/// Most entries of a folder that are counted: there are a million at once only where something is wrong.
const ENTRIES: usize = 1_000_000;
/// How long before the deadline reading is given up, so that there is time to say so.
const EARLY: Duration = Duration::from_millis(50);

/// What a path leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Where it leads, if it is a symlink.
    pub(super) link: Option<PathBuf>,
    /// None where there is nothing.
    pub(super) file: Option<Found>,
}

/// A file that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) written: Time,
    pub(super) size: u64,
    /// Device and number.
    pub(super) inode: (u64, u64),
    pub(super) mode: u32,
    pub(super) owner: String,
    pub(super) group: String,
    pub(super) kind: &'static str,
    /// Of a folder.
    pub(super) entries: Option<usize>,
    /// Where it is asked for, or why it cannot be told.
    pub(super) checksum: Option<Result<String, String>>,
    /// Whether the content is as wanted, or why it cannot be told.
    pub(super) content: Option<Result<bool, String>>,
}

impl Seen {
    /// Now. May hang where the file system does.
    pub(super) fn now(path: &Path, rules: &Rules, deadline: Instant) -> Looked<Self> {
        let link = fs::read_link(path).ok();
        let file = match fs::metadata(path) {
            Ok(metadata) => Some(Found::of(path, &metadata, rules, deadline)?),
            Err(error) if is_nothing(&error) => None,
            Err(error) => return Err(hidden(path, &error)),
        };
        Ok(Self { link, file })
    }
}

impl Found {
    fn of(path: &Path, metadata: &Metadata, rules: &Rules, deadline: Instant) -> Looked<Self> {
        let folder = metadata.is_dir();
        let (uid, gid) = (metadata.uid(), metadata.gid());
        // Names are asked for only where they are wanted: the database of users may be far away.
        let owner = rules
            .owner
            .as_ref()
            .and_then(|_| User::from_uid(Uid::from_raw(uid)).ok()?);
        let group = rules
            .group
            .as_ref()
            .and_then(|_| Group::from_gid(Gid::from_raw(gid)).ok()?);
        let until = deadline - EARLY;
        Ok(Self {
            written: written(metadata),
            size: metadata.len(),
            inode: (metadata.dev(), metadata.ino()),
            mode: metadata.mode() & 0o7777,
            owner: owner.map_or_else(|| uid.to_string(), |user| user.name),
            group: group.map_or_else(|| gid.to_string(), |group| group.name),
            kind: kind(metadata),
            entries: if folder {
                let entries = fs::read_dir(path).map_err(|error| hidden(path, &error))?;
                Some(entries.take(ENTRIES).count())
            } else {
                None
            },
            checksum: (rules.checksum.is_some() || (rules.changed && is_small(metadata)))
                .then(|| checksum(path, until).map_err(|error| error.to_string())),
            content: rules.content.as_ref().map(|pattern| {
                let mut content = Vec::new();
                let read = regular::open(path)
                    .and_then(|file| file.take(CONTENT).read_to_end(&mut content));
                read.map(|_| pattern.matches(&content))
                    .map_err(|error| error.to_string())
            }),
        })
    }
}

/// Whether its checksum is worth having where only a change is asked for.
fn is_small(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.len() <= CHANGED
}

/// Whether it means that there is no such file; a folder of the path that is a file means that, too.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn hidden(path: &Path, error: &io::Error) -> Outcome {
    let told = path.display();
    Outcome::unknown(&if error.kind() == ErrorKind::PermissionDenied {
        format!(
            "we may not look at {told}; give our user the right to, or see ProtectHome= of our unit"
        )
    } else {
        format!("{told} cannot be looked at: {error}")
    })
}

fn written(metadata: &Metadata) -> Time {
    let since = metadata.modified().ok();
    let since = since.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Time::default() + since.unwrap_or_default()
}

fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "folder"
    } else if kind.is_fifo() {
        "FIFO"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

fn checksum(path: &Path, until: Instant) -> io::Result<String> {
    let mut file: File = regular::open(path)?;
    let (mut sum, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        if Instant::now() >= until {
            return Err(io::Error::other("there was no time to read all of it"));
        }
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => sum.update(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digits = sum.finalize();
    Ok(digits
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap_or('?'))
        .collect())
}
