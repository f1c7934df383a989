//! One daemon per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use procfs::LockType;
use procfs::process::Process;

const NAME: &str = "journal.lock";

/// Holds the folder as long as it lives; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Takes the folder.
///
/// # Errors
/// When another process has it; the text names it.
pub(super) fn take(data_dir: &Path) -> anyhow::Result<Lock> {
    let path = data_dir.join(NAME);
    let mut file = open(&path).with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).ok();
            let pid = pid.trim();
            bail!(
                "another Belfry (process {pid}) uses the data folder {}: stop it, or give this one \
                 another data_dir",
                data_dir.display()
            );
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    // Who has it is for people; a full disk must not keep the daemon from starting.
    let noted = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    if let Err(error) = noted {
        tracing::debug!("noting our pid in {}: {error}", path.display());
    }
    Ok(Lock { _file: file })
}

/// The process that has the folder, as the kernel says (`/proc/locks`); none where none has, or where it is not for us to
/// see.
pub fn holder(data_dir: &Path) -> Option<i32> {
    let file = std::fs::metadata(data_dir.join(NAME)).ok()?;
    let locks = procfs::locks().ok()?;
    let of_file =
        |lock: &&procfs::Lock| lock.inode == file.ino() && lock.lock_type == LockType::FLock;
    let pid = locks.iter().find(of_file)?.pid?;
    // Another disk may have a file of the same number.
    let owner = Process::new(pid).ok()?.uid().ok()?;
    (owner == file.uid()).then_some(pid)
}

/// The file, made if it is not there. On a disk that is full or cannot be written, what is there does as well;
/// the folder itself if nothing is.
fn open(path: &Path) -> std::io::Result<File> {
    let made = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    made.or_else(|error| {
        // Not for us, or not there: no disk that is well again changes that.
        if matches!(
            error.kind(),
            ErrorKind::PermissionDenied | ErrorKind::NotFound
        ) {
            return Err(error);
        }
        File::open(path).or_else(|_| File::open(path.parent().unwrap_or(Path::new("."))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_folder_is_known_as_long_as_it_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(holder(folder.path()), None);
        let lock = take(folder.path()).expect("taken");
        let me = i32::try_from(std::process::id()).ok();
        assert_eq!(holder(folder.path()), me);
        drop(lock);
        assert_eq!(holder(folder.path()), None);
    }
}
