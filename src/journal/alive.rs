//! A small file that says when the daemon was last alive. It is not synced: after a crash of the process
//! the kernel has it, after a crash of the machine it is some seconds old.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::core::time::Time;

/// How often it is written, in milliseconds.
const EVERY_MS: u64 = 1_000;

/// The file, and what is in it.
pub(super) struct Alive {
    path: PathBuf,
    /// None as long as the disk does not let it be opened for writing.
    file: Option<File>,
    written: i64,
}

impl Alive {
    /// Opens the file in `data_dir`, and says what it told before.
    ///
    /// # Errors
    /// When we may not write there. A disk that is full or broken is no error: it is tried again.
    pub(super) fn open(data_dir: &Path) -> io::Result<(Self, Option<Time>)> {
        let path = data_dir.join("alive");
        let file = match writable(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            Err(error) => {
                tracing::debug!("the file that says we are alive: {error}");
                None
            }
        };
        let last = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.trim().parse::<i64>().ok());
        let alive = Self {
            path,
            file,
            written: last.unwrap_or(i64::MIN),
        };
        Ok((alive, last.map(Time::from_millis)))
    }

    /// Writes `now` if the last one is a second away, in either direction: after a glitch of the clock into
    /// the future the file would else stay there, and no downtime be seen until then.
    pub(super) fn note(&mut self, now: i64) {
        if now.abs_diff(self.written) < EVERY_MS {
            return;
        }
        let written = self.file.take().map_or_else(|| writable(&self.path), Ok);
        // Same length every time, so that a shorter number leaves nothing of a longer one behind.
        let written = written.and_then(|file| {
            file.write_all_at(format!("{now:>19}\n").as_bytes(), 0)?;
            Ok(file)
        });
        match written {
            Ok(file) => {
                self.file = Some(file);
                self.written = now;
            }
            // A full disk is told by the commits; here it only makes the deaf time longer.
            Err(error) => tracing::debug!("the file that says we are alive: {error}"),
        }
    }
}

fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
