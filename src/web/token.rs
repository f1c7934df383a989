//! The operator's token: a file in the data folder, made at the first start. Whoever can read the file may
//! operate from anywhere.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use uuid::Uuid;

use super::digest::Digest;

/// Nobody but the daemon and root.
const MODE: u32 = 0o600;
/// The shortest that is taken from a file, in characters: 128 bits in hexadecimal.
const SHORTEST: usize = 32;

/// The digest of the token: the text itself is nowhere in memory, so that nothing can print it.
pub struct Token(Digest);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Its file in the data folder.
    pub const FILE: &str = "operator-token";

    /// The token of `folder`: that of the file, or a new one where there is none that could be a token.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let text = kept(folder, Self::FILE)?;
        Ok(Self(Digest::of(text.trim())))
    }

    /// Whether `shown` is it.
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0.is(shown.trim())
    }
}

/// The secret that the file `name` of `folder` keeps; a new one where there is none that could be a secret.
pub(super) fn kept(folder: &Path, name: &str) -> anyhow::Result<String> {
    let path = folder.join(name);
    let doing = || format!("reading or making {}", path.display());
    match fs::read_to_string(&path) {
        Ok(text) if is_long_enough(&text) => {
            fs::set_permissions(&path, Permissions::from_mode(MODE)).with_context(doing)?;
            return Ok(text);
        }
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {}
        Err(error) => return Err(error).with_context(doing),
    }
    let text = make();
    write(folder, name, &text).with_context(doing)?;
    Ok(text)
}

/// 244 random bits from the operating system.
pub(super) fn make() -> String {
    let [a, b] = [Uuid::new_v4(), Uuid::new_v4()];
    format!("{}{}", a.simple(), b.simple())
}

fn is_long_enough(text: &str) -> bool {
    let text = text.trim();
    text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whole or not at all, and never readable for others, not even for a moment.
fn write(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(MODE).open(&new)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(folder: &Path) -> String {
        fs::read_to_string(folder.join(Token::FILE)).expect("it is there")
    }

    fn mode(folder: &Path) -> u32 {
        let about = fs::metadata(folder.join(Token::FILE)).expect("it is there");
        about.permissions().mode() & 0o777
    }

    #[test]
    fn it_is_made_once_for_nobody_else_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = Token::open(folder.path()).expect("a folder that can be written");
        let made = text(folder.path());
        assert_eq!((made.trim().len(), mode(folder.path())), (64, 0o600));
        assert!(token.is(made.trim()));
        assert!(!token.is(&made.to_uppercase()) && !token.is(""));
        assert!(!format!("{token:?}").contains(made.trim()));

        let again = Token::open(folder.path()).expect("it is there");
        assert_eq!(text(folder.path()), made);
        assert!(again.is(made.trim()));
        let other = tempfile::tempdir().expect("a folder");
        Token::open(other.path()).expect("a folder that can be written");
        assert_ne!(text(other.path()), made);
    }

    #[test]
    fn a_file_that_others_can_read_is_closed_and_one_that_is_no_token_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = "correct-horse-battery-staple-and-more";
        let path = folder.path().join(Token::FILE);
        fs::write(&path, own).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours");
        let token = Token::open(folder.path()).expect("a token");
        assert!(token.is(own));
        assert_eq!(mode(folder.path()), 0o600);
        for empty in ["", "short", "with a space in the middle of it, long"] {
            fs::write(&path, empty).expect("a file");
            let token = Token::open(folder.path()).expect("a token");
            assert!(!token.is(empty), "{empty:?}");
            assert_eq!(text(folder.path()).trim().len(), 64, "{empty:?}");
        }
    }
}
