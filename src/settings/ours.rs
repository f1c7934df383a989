//! Whom the words of a file are: what is run on them is run as Belfry, so nobody else may have written them.
//!
//! As sudo, cron and Monit do: a file that names commands belongs to root, or to whoever runs Belfry, and nobody else
//! can write it. Nor may anybody else write the folders that lead to it: he could put a link there to a file of root's
//! that was never meant to be read here.

use std::fs::{Metadata, canonicalize, symlink_metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use nix::sys::statvfs::{FsFlags, statvfs};

use super::Section;

/// The permissions of group and others to write (`chmod(1)`).
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;
/// In such a folder (`/tmp`) everybody can write, and change what is his own.
const STICKY: u32 = 0o1000;

/// Why a file is not only ours, and what to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    pub who: String,
    pub mend: String,
}

impl Stranger {
    /// Of a file as it was opened, by its name; `me` is whom Belfry runs as. None where it is ours.
    pub fn of(name: &str, file: &Metadata, me: u32) -> Option<Self> {
        Self::judge(name, (file.uid(), file.mode()), me)
    }

    /// Of what leads to a file: its folders, and links among them. None where nobody else can put another there.
    pub fn on_the_way(path: &Path, me: u32) -> Option<Self> {
        let ways = [absolute(path).ok(), canonicalize(path).ok()];
        let places = ways
            .iter()
            .flatten()
            .flat_map(|way| way.ancestors().skip(1));
        let link = ways.iter().flatten().take(1).map(PathBuf::as_path);
        let links = link.filter(|way| way.is_symlink());
        places.chain(links).find_map(|place| {
            let found = symlink_metadata(place).ok()?;
            // What a link says of its permissions is no matter, only whose it is.
            let is_guarded =
                found.is_symlink() || found.mode() & STICKY != 0 || is_read_only(place);
            let mode = if is_guarded { 0 } else { found.mode() };
            let shown = place.display().to_string();
            let mut stranger = Self::judge(&shown, (found.uid(), mode), me)?;
            stranger.who = format!("is reached over {shown}, which {}", stranger.who);
            Some(stranger)
        })
    }

    fn judge(name: &str, (owner, mode): (u32, u32), me: u32) -> Option<Self> {
        let file = quoted(name);
        let who = |who: &str, mend: String| {
            let who = who.to_owned();
            Some(Self { who, mend })
        };
        if owner != 0 && owner != me {
            let text = format!("belongs to user {owner}, who is neither root nor runs Belfry");
            who(&text, format!("chown root {file}"))
        } else if mode & OTHERS != 0 {
            who("can be written by everybody", format!("chmod go-w {file}"))
        } else if mode & GROUP != 0 {
            who("can be written by its group", format!("chmod g-w {file}"))
        } else {
            None
        }
    }
}

/// Whether nobody can write there at all, as into what Kubernetes mounts of its `ConfigMap`s, whose folder is for everybody.
fn is_read_only(place: &Path) -> bool {
    statvfs(place).is_ok_and(|system| system.flags().contains(FsFlags::ST_RDONLY))
}

impl Section<'_> {
    /// Refuses `key`, which names what is run, in a file that others can write.
    pub fn must_be_ours(&self, key: &str) {
        let Some(Stranger { who, mend }) = self.report.stranger(&self.source.name) else {
            return;
        };
        let file = &self.source.name;
        let message = format!("\"{key}\" names what is run, but {file} {who}");
        self.refuse(key, message, format!("run: {mend}"));
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_may_write_what_leads_to_a_file_but_where_each_keeps_his_own() {
        use std::fs::{create_dir, set_permissions, write};
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let me = nix::unistd::geteuid().as_raw();
        let folder = tempfile::tempdir().expect("a folder");
        let (inner, link) = (folder.path().join("conf.d"), folder.path().join("link"));
        let file = inner.join("a.toml");
        create_dir(&inner).expect("made");
        write(&file, "").expect("written");
        symlink(&inner, &link).expect("linked");
        let over_link = link.join("a.toml");
        for (mode, who) in [
            (0o755, None),
            (0o1777, None),
            (0o777, Some("can be written by everybody")),
            (0o770, Some("can be written by its group")),
        ] {
            set_permissions(&inner, std::fs::Permissions::from_mode(mode)).expect("ours");
            for path in [&file, &over_link] {
                let found = Stranger::on_the_way(path, me);
                match who {
                    None => assert_eq!(found, None, "{mode:o}"),
                    Some(who) => {
                        let found = found.expect("a stranger");
                        assert!(found.who.ends_with(who), "{}", found.who);
                        assert!(found.mend.ends_with("conf.d"), "{}", found.mend);
                    }
                }
            }
        }
        // A link of somebody else to a file of ours.
        set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).expect("ours");
        let me = if std::os::unix::fs::lchown(&link, Some(12_345), None).is_ok() {
            me
        } else {
            // Only root gives links away: then we are somebody else.
            me + 1
        };
        let theirs = Stranger::on_the_way(&over_link, me).map(|it| it.who);
        let theirs = theirs.expect("a stranger");
        assert!(theirs.contains("belongs to user"), "{theirs}");
    }

    #[test]
    fn a_file_is_ours_where_only_root_or_we_can_write_it() {
        const ME: u32 = 990;
        let judged = |owner, mode| {
            let stranger = Stranger::judge("/etc/belfry/my checks.toml", (owner, mode), ME);
            stranger.map(|it| (it.who, it.mend))
        };
        for (owner, mode) in [
            (0, 0o100_644),
            (0, 0o100_640),
            (ME, 0o100_600),
            (ME, 0o100_755),
        ] {
            assert_eq!(judged(owner, mode), None, "{owner} {mode:o}");
        }
        for (owner, mode, who, mend) in [
            (0, 0o100_664, "can be written by its group", "chmod g-w"),
            (ME, 0o100_666, "can be written by everybody", "chmod go-w"),
            (0, 0o100_602, "can be written by everybody", "chmod go-w"),
            (
                1_000,
                0o100_644,
                "belongs to user 1000, who is neither root nor runs Belfry",
                "chown root",
            ),
        ] {
            let mend = format!("{mend} '/etc/belfry/my checks.toml'");
            assert_eq!(judged(owner, mode), Some((who.to_owned(), mend)));
        }
    }
}
