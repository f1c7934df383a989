//! Whom the words of a file are: what is run on them is run as Belfry, so nobody else may have written them.
//!
//! As sudo, cron and Monit do: a file that names commands belongs to root, or to whoever runs Belfry, and nobody else
//! can write it. Its folder is not asked about: whoever can put another file in its place is its owner then.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use super::Section;

/// The permissions of group and others to write (`chmod(1)`).
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;

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
