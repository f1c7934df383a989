//! What files and folders look like now, in a form that can be compared.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How much of a file is compared by what is in it; a configuration is not larger. Beyond that its size and
/// times must do.
const MAX_BYTES: u64 = 1 << 20;
/// Most entries of all folders together, and how deep: what is followed is a handful of small folders.
const MAX_ENTRIES: usize = 4_096;
const MAX_DEPTH: usize = 4;

/// Equal as long as nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(BTreeMap<PathBuf, Mark>);

/// One file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    /// Not there, or not to be looked at.
    Missing(io::ErrorKind),
    /// Device, inode, permissions, size.
    Folder(u64, u64, u32),
    File {
        meta: [u64; 4],
        /// Of modification and of the last change of any kind, in seconds and nanoseconds.
        times: [i64; 4],
        /// Of what is in it; or why that cannot be read.
        content: Result<u64, io::ErrorKind>,
    },
}

impl Fingerprint {
    /// Of all `paths`, through links, and what is in them.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut marks = BTreeMap::new();
        for path in paths {
            look(path, MAX_DEPTH, &mut marks);
        }
        Self(marks)
    }
}

fn look(path: &Path, depth: usize, marks: &mut BTreeMap<PathBuf, Mark>) {
    if marks.len() >= MAX_ENTRIES || marks.contains_key(path) {
        return;
    }
    let mark = match fs::metadata(path) {
        Err(error) => Mark::Missing(error.kind()),
        Ok(meta) if meta.is_dir() => Mark::Folder(meta.dev(), meta.ino(), meta.mode()),
        Ok(meta) => file(path, &meta),
    };
    let is_folder = matches!(mark, Mark::Folder(..));
    marks.insert(path.to_owned(), mark);
    if !is_folder || depth == 0 {
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    // In the order of their names, so that the same entries are left out each time if there are too many.
    let entries = entries.take(MAX_ENTRIES).filter_map(Result::ok);
    let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        look(&path, depth - 1, marks);
    }
}

fn file(path: &Path, meta: &Metadata) -> Mark {
    let content = if meta.is_file() { content(path) } else { Ok(0) };
    Mark::File {
        meta: [meta.dev(), meta.ino(), meta.mode().into(), meta.len()],
        times: [
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        ],
        content: content.map_err(|error| error.kind()),
    }
}

/// Times are as coarse as the file system's clock: two edits within its tick differ only in here.
fn content(path: &Path) -> io::Result<u64> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(hasher.finish())
}
