//! Which folders to get events for, so that nothing can happen to a path unnoticed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Longest chain of links that is followed, as in Linux (`ELOOP` beyond 40).
const MAX_LINKS: usize = 40;

/// A folder, and which one it is: one that is made again under the same name is another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub path: PathBuf,
    device: u64,
    inode: u64,
}

/// The folders around `paths`. A file is never watched itself: whoever saves by renaming replaces it, and the
/// watch would stay with the old one. For each path these are the folder that it lies in, the folders of every
/// link on the way to it, itself if it is a folder, and for one that is missing the nearest that is there.
pub(super) fn around(paths: &[PathBuf]) -> Vec<Folder> {
    let mut folders = BTreeSet::new();
    for path in paths {
        let mut path = absolute(path);
        for _ in 0..MAX_LINKS {
            folders.extend(nearest(parent(&path)));
            if let Some(folder) = this(&path) {
                folders.insert(folder);
            }
            match fs::read_link(&path) {
                Ok(target) => path = parent(&path).join(target),
                Err(_) => break,
            }
        }
        // A link in the middle of the path (…/..data/belfry.toml) leads to a folder of another name.
        let real = fs::canonicalize(&path).ok();
        folders.extend(real.as_deref().and_then(|real| this(parent(real))));
    }
    folders.into_iter().collect()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// The folder, or the first of its ancestors that is there.
fn nearest(path: &Path) -> Option<Folder> {
    path.ancestors().find_map(this)
}

fn this(path: &Path) -> Option<Folder> {
    let meta = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    Some(Folder {
        path: path.to_owned(),
        device: meta.dev(),
        inode: meta.ino(),
    })
}
