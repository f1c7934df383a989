//! What the system says of a file system: statvfs(3), and stat(2) of the path and its parent.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::statvfs::{FsFlags, statvfs};

use crate::core::outcome::Outcome;
use crate::probe::error::Looked;

/// One moment. Sizes in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) used: u64,
    /// What ordinary users may still fill.
    pub(super) free: u64,
    pub(super) inodes_used: u64,
    /// None at all (0) where the file system makes them as it needs them.
    pub(super) inodes: u64,
    pub(super) read_only: bool,
    /// Whether something is mounted at the path itself.
    pub(super) mounted: bool,
}

impl Seen {
    /// Now. Hangs for as long as the file system does.
    pub(super) fn now(path: &Path) -> Looked<Self> {
        let shown = path.display();
        let about = std::fs::metadata(path).map_err(|error| {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "the standard library adds kinds; what is not listed says nothing of the disk"
            )]
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => {
                    Outcome::fail(&format!("{shown} does not exist"))
                }
                ErrorKind::PermissionDenied => Outcome::unknown(&format!(
                    "we may not look at {shown}; let the user of our unit pass its folders"
                )),
                _ => Outcome::fail(&format!("{shown}: {error}")),
            }
        })?;
        let parent = path
            .parent()
            .and_then(|parent| std::fs::metadata(parent).ok());
        let stat = statvfs(path).map_err(|error| Outcome::fail(&format!("{shown}: {error}")))?;
        let size = |blocks: u64| blocks.saturating_mul(stat.fragment_size());
        Ok(Self {
            used: size(stat.blocks().saturating_sub(stat.blocks_free())),
            free: size(stat.blocks_available()),
            inodes_used: stat.files().saturating_sub(stat.files_free()),
            inodes: stat.files(),
            read_only: stat.flags().contains(FsFlags::ST_RDONLY),
            mounted: parent.is_none_or(|parent| parent.dev() != about.dev()),
        })
    }
}
