//! Why there was no restart, for whoever asked for it by a signal: a file in the data folder, since the daemon need not
//! listen where the new configuration says.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const NAME: &str = "restart-refused";
/// More than the longest reason has, in bytes.
const MOST: u64 = 4_096;

/// Leaves a reason. Where it cannot be written, the log has it.
pub(super) fn leave(data_dir: &Path, why: &str) {
    let (new, whole) = (data_dir.join(format!("{NAME}.new")), data_dir.join(NAME));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(&new)
        .and_then(|mut file| file.write_all(why.as_bytes()))
        .and_then(|()| fs::rename(&new, &whole));
    if let Err(error) = written {
        tracing::debug!(
            "noting why there was no restart in {}: {error}",
            whole.display()
        );
    }
}

/// Takes what was left; none where nothing was.
pub fn take(data_dir: &Path) -> Option<String> {
    let path = data_dir.join(NAME);
    let mut why = String::new();
    let file = fs::File::open(&path).ok()?;
    file.take(MOST).read_to_string(&mut why).ok()?;
    fs::remove_file(&path).ok();
    Some(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_there_once() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(take(folder.path()), None);
        leave(folder.path(), "port 80 is taken");
        leave(folder.path(), "port 81 is taken");
        assert_eq!(take(folder.path()).as_deref(), Some("port 81 is taken"));
        assert_eq!(take(folder.path()), None);
        leave(&folder.path().join("gone"), "nobody reads it");
    }
}
