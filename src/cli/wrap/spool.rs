//! What could not be delivered yet: a folder of the user, one file per ping.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::{Uid, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Source;

/// Most pings that wait: a job of every minute during half a day.
const MOST: usize = 1_000;
/// How the names of files end that are whole.
const WHOLE: &str = "json";
/// And of those that the daemon will never take.
const REFUSED: &str = "refused";

/// A ping on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    /// The heartbeat's name or ping address.
    pub(super) to: String,
    /// What stands behind the address: `/start`, `/0`.
    pub(super) suffix: String,
    pub(super) rid: Uuid,
    /// When it happened, in milliseconds since 1970.
    pub(super) at_ms: u64,
    pub(super) body: String,
    /// The configuration that says where the daemon is; none for the built-in one.
    pub(super) config: Option<PathBuf>,
}

/// Where this configuration is, as it can be found from any folder.
pub(super) fn config_of(source: &Source) -> Option<PathBuf> {
    let Source::File(path) = source else {
        return None;
    };
    Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
}

/// The home of this user, as the list of users has it.
fn own_home() -> Option<PathBuf> {
    let user = User::from_uid(Uid::effective()).ok()??;
    Some(user.dir).filter(|home| home.is_dir())
}

/// The folder.
pub(super) struct Spool(PathBuf);

impl Spool {
    /// The spool of this user: `$BELFRY_SPOOL`, else `belfry/spool` in the folder for state of the XDG base
    /// directories. A ping address is in it, so that it is for nobody else.
    pub(super) fn open() -> anyhow::Result<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let state = || {
            // A service of systemd may have none.
            let whole = |path: &PathBuf| path.is_absolute();
            let home = set("HOME").map(PathBuf::from).filter(whole);
            let home = home.or_else(own_home);
            let home = home.map(|home| home.join(".local/state"));
            set("XDG_STATE_HOME")
                .map(PathBuf::from)
                .filter(whole)
                .or(home)
        };
        let folder = set("BELFRY_SPOOL")
            .map(PathBuf::from)
            .or_else(|| Some(state()?.join("belfry/spool")))
            .context("there is no place to keep it: set HOME or BELFRY_SPOOL")?;
        Self::at(folder)
    }

    fn at(folder: PathBuf) -> anyhow::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("making {}", folder.display()))?;
        Ok(Self(folder))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Keeps a letter: it is on the disk when this returns.
    pub(super) fn put(&self, letter: &Letter) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.waiting().len() < MOST,
            "{MOST} pings wait in {} already",
            self.0.display()
        );
        // By time, then start before end.
        let order = u8::from(letter.suffix != super::START);
        let name = format!("{:015}-{order}-{}", letter.at_ms, letter.rid);
        let (new, whole) = (self.0.join(&name), self.0.join(format!("{name}.{WHOLE}")));
        let text = serde_json::to_vec(letter)?;
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, &whole)?;
            File::open(&self.0)?.sync_all()
        };
        write().with_context(|| format!("writing {}", whole.display()))
    }

    /// The files that wait, oldest first.
    pub(super) fn waiting(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|kind| kind == WHOLE))
            .collect();
        paths.sort();
        paths
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// What a file says; none for one that is gone, or is none of ours.
    pub(super) fn read(path: &Path) -> Option<Letter> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// It is delivered.
    pub(super) fn done(path: &Path) {
        fs::remove_file(path).ok();
    }

    /// It will never be taken: it is put aside for whoever looks after it.
    pub(super) fn refused(path: &Path) {
        fs::rename(path, path.with_extension(REFUSED)).ok();
    }

    /// The right to deliver, which one process has; none where another has it. It ends with the file.
    pub(super) fn claim(&self) -> Option<File> {
        crate::cli::locked(&self.0.join("lock")).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(at_ms: u64, suffix: &str) -> Letter {
        Letter {
            to: "backup".to_owned(),
            suffix: suffix.to_owned(),
            rid: Uuid::from_u128(7),
            at_ms,
            body: "done\n".to_owned(),
            config: None,
        }
    }

    #[test]
    fn letters_come_out_in_the_order_of_what_happened_and_are_for_nobody_else() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::at(folder.path().join("a/b")).expect("made");
        for letter in [letter(20, "/0"), letter(9, "/3"), letter(9, "/start")] {
            spool.put(&letter).expect("kept");
        }
        let waiting = spool.waiting();
        let all: Vec<Letter> = waiting
            .iter()
            .filter_map(|path| Spool::read(path))
            .collect();
        assert_eq!(
            all,
            [letter(9, "/start"), letter(9, "/3"), letter(20, "/0")]
        );
        for path in [spool.folder(), &waiting[0]] {
            let mode = fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
        Spool::done(&waiting[0]);
        Spool::refused(&waiting[1]);
        assert_eq!(spool.waiting(), [waiting[2].clone()]);
    }

    #[test]
    fn one_process_delivers() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::at(folder.path().to_owned()).expect("made");
        let claim = spool.claim();
        assert!(claim.is_some());
        assert!(spool.claim().is_none());
        drop(claim);
        assert!(spool.claim().is_some());
    }
}
