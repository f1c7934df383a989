//! Which files make up a configuration, and their text.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{BUILT_IN, folder_of};
use crate::settings::{self, Problem, Stranger};

/// Largest file that is read. Ten thousand checks fit in; a log that was named by mistake does not.
const MAX_BYTES: u64 = 1 << 20;
/// Most files of a folder, so that a folder that was named by mistake (a home, a spool) ends in a sentence.
const MAX_FILES: usize = 1_000;
/// Where the hello pages are edited that the built-in configuration serves.
const HELLO: &str = "config/hello";
/// How the built-in text is named in messages.
const BUILT_IN_NAME: &str = "(built-in configuration)";

/// Where the configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a folder of files.
    File(PathBuf),
    /// The text that is compiled in.
    BuiltIn,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::BuiltIn => f.write_str("the built-in configuration"),
        }
    }
}

impl Source {
    /// Files and folders that a change of makes another configuration; they need not be there. They are the
    /// same whatever the configuration says, so that following can begin before the first reading.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::File(path) => {
                let folder = folder(path);
                vec![path.clone(), folder.join("conf.d"), folder.join("hello")]
            }
            Self::BuiltIn => vec![PathBuf::from(HELLO)],
        }
    }
}

/// The folder of a configuration, which is what it names or what it lies in.
fn folder(path: &Path) -> &Path {
    if path.is_dir() { path } else { folder_of(path) }
}

/// Where the configuration is: what the command line names, else `$BELFRY_CONFIG`, else
/// `./config/belfry.toml`, else `/etc/belfry/belfry.toml`, else the built-in text. What is named but is not
/// there is an error of the loading, not a reason to look further.
pub fn locate(flag: Option<&Path>) -> Source {
    let variable = std::env::var_os("BELFRY_CONFIG").map(PathBuf::from);
    let usual = ["config/belfry.toml", "/etc/belfry/belfry.toml"].map(PathBuf::from);
    choose(flag, variable, &usual)
}

fn choose(flag: Option<&Path>, variable: Option<PathBuf>, usual: &[PathBuf]) -> Source {
    let named = flag
        .map(Path::to_owned)
        .or(variable.filter(|path| !path.as_os_str().is_empty()));
    // A dangling link is there: it is an error that is worth saying.
    let there = || usual.iter().find(|path| path.is_symlink() || path.exists());
    named
        .or_else(|| there().cloned())
        .map_or(Source::BuiltIn, Source::File)
}

/// The texts of a configuration.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub texts: Vec<settings::Source>,
    /// Those of them that others can write, by their names.
    pub strange: BTreeMap<Arc<str>, Stranger>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What relative paths are relative to.
    pub folder: PathBuf,
    /// The folder with the hello pages, if there is a place for one.
    pub hello: Option<PathBuf>,
    /// Files and folders to follow: when one of them changes, the configuration may be another.
    pub follow: Vec<PathBuf>,
}

/// Reads the file, or the files of the folder, and what is in `conf.d` beside them.
pub(super) fn read(source: &Source) -> Found {
    let Source::File(path) = source else {
        return Found {
            texts: vec![settings::Source {
                name: BUILT_IN_NAME.into(),
                text: BUILT_IN.to_owned(),
            }],
            folder: PathBuf::from("."),
            hello: Some(PathBuf::from(HELLO)),
            follow: source.paths(),
            ..Found::default()
        };
    };
    let (folder, is_folder) = (folder(path), path.is_dir());
    let (more, hello) = (folder.join("conf.d"), folder.join("hello"));
    let mut found = Found {
        folder: folder.to_owned(),
        follow: source.paths(),
        hello: Some(hello),
        ..Found::default()
    };
    if is_folder {
        found.read_folder(path);
        if found.texts.is_empty() && found.problems.is_empty() {
            found.refuse(
                format!("{} has no *.toml", path.display()),
                "put a belfry.toml there",
            );
        }
    } else {
        found.read_file(path);
    }
    if more.is_dir() {
        found.read_folder(&more);
    }
    found
}

impl Found {
    /// All `*.toml` of a folder, in the order of their names; hidden files are what editors leave there.
    fn read_folder(&mut self, folder: &Path) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                return self.refuse(
                    format!("cannot read the folder {}: {error}", folder.display()),
                    "make it readable for the user that Belfry runs as",
                );
            }
        };
        let is_ours = |path: &PathBuf| {
            let is_toml = path
                .extension()
                .is_some_and(|extension| extension == "toml");
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            is_toml && !name.starts_with(b".")
        };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = paths.filter(is_ours).take(MAX_FILES + 1).collect();
        if paths.len() > MAX_FILES {
            let what = format!("{} has more than {MAX_FILES} files", folder.display());
            return self.refuse(
                what,
                "name the folder of the configuration, or join the files",
            );
        }
        paths.sort();
        for path in paths {
            self.read_file(&path);
        }
    }

    fn read_file(&mut self, path: &Path) {
        match text_of(path) {
            Ok((text, stranger)) => {
                let name: Arc<str> = path.display().to_string().into();
                self.strange
                    .extend(stranger.map(|stranger| (Arc::clone(&name), stranger)));
                self.texts.push(settings::Source { name, text });
            }
            Err((message, hint)) => self.refuse(format!("{}: {message}", path.display()), hint),
        }
    }

    fn refuse(&mut self, message: String, hint: &str) {
        self.problems.push(Problem {
            place: None,
            message,
            hint: Some(hint.to_owned()),
        });
    }
}

/// The text of a file that was named in a problem; none where it is not there any more.
pub(super) fn text_again(name: &str) -> Option<String> {
    if name == BUILT_IN_NAME {
        return Some(BUILT_IN.to_owned());
    }
    text_of(Path::new(name)).ok().map(|(text, _)| text)
}

/// The text of a file, without a byte order mark, and whether others can write it; or what is wrong with the file and
/// what to do.
fn text_of(path: &Path) -> Result<(String, Option<Stranger>), (String, &'static str)> {
    const UNREADABLE: &str = "create it, readable for the user that Belfry runs as";
    let cannot = |error: std::io::Error| (format!("cannot read it: {error}"), UNREADABLE);
    // Asked before it is opened: opening a pipe would wait for somebody to write.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err((
            "it is no regular file".to_owned(),
            "name a file or a folder",
        ));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    // Of what was opened: the name may lead to another file by now.
    let meta = file.metadata().map_err(cannot)?;
    let me = nix::unistd::geteuid().as_raw();
    let stranger = Stranger::of(&path.display().to_string(), &meta, me)
        .or_else(|| Stranger::on_the_way(path, me));
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES {
        let hint = "name the right file, or split it into several in conf.d";
        return Err(("it is larger than 1 MiB".to_owned(), hint));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..good).unwrap_or_default();
        let line = before.split(|&byte| byte == b'\n').count();
        (
            format!("it is not UTF-8 text: line {line}, byte {}", good + 1),
            "save it as UTF-8",
        )
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    };
    Ok((text, stranger))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_counts_before_the_variable_and_that_before_the_usual_places() {
        let folder = tempfile::tempdir().unwrap();
        let usual = [
            folder.path().join("none.toml"),
            folder.path().join("here.toml"),
        ];
        let file = |path: &str| Source::File(path.into());
        assert_eq!(choose(None, None, &usual), Source::BuiltIn);
        fs::write(&usual[1], "").unwrap();
        assert_eq!(choose(None, None, &usual), Source::File(usual[1].clone()));
        assert_eq!(
            choose(None, Some("".into()), &usual),
            Source::File(usual[1].clone())
        );
        assert_eq!(choose(None, Some("b".into()), &usual), file("b"));
        assert_eq!(
            choose(Some(Path::new("a")), Some("b".into()), &usual),
            file("a")
        );
    }
}
