//! `[api]`: the keys of the management API. Only their digests are kept.

use std::fmt;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::core::text;
use crate::settings::Section;

/// Length of a key, as at healthchecks.io, whose clients look at it.
pub const KEY_CHARS: usize = 32;
/// What keys are written in.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What a hash begins with, so that another kind could come beside it.
const SCHEME: &str = "sha256:";

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    Read,
    Write,
}

impl Rights {
    /// What keys begin with that open so much, as those of healthchecks.io do.
    fn prefix(self) -> &'static str {
        match self {
            Self::Read => "hcr_",
            Self::Write => "hcw_",
        }
    }
}

/// A key by its SHA-256. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub rights: Rights,
    pub hash: [u8; 32],
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:?})", self.rights)
    }
}

/// A new key, with 168 random bits of the operating system, and the line that stands for it in the
/// configuration.
pub fn make(rights: Rights) -> (String, String) {
    let both = [Uuid::new_v4(), Uuid::new_v4()];
    // Two bytes of each have its version and variant in them (RFC 9562 section 5.4); the 28 others are random.
    let random = both.iter().flat_map(|uuid| {
        let bytes = uuid.as_bytes().iter().enumerate();
        bytes
            .filter(|(place, _)| ![6, 8].contains(place))
            .map(|(_, byte)| byte)
    });
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte % 64)]));
    let key: String = rights.prefix().chars().chain(letters).collect();
    let name = match rights {
        Rights::Read => "read_only_key_hash",
        Rights::Write => "key_hash",
    };
    let hash = text::hex(&Sha256::digest(&key));
    (key, format!("{name} = \"{SCHEME}{hash}\""))
}

/// What `[api]` says.
pub(super) fn read(section: Option<Section<'_>>) -> Vec<ApiKey> {
    let Some(mut section) = section else {
        return Vec::new();
    };
    let keys = [
        plain(&mut section, "key", Rights::Write),
        hashed(&mut section, "key_hash", Rights::Write),
        plain(&mut section, "read_only_key", Rights::Read),
        hashed(&mut section, "read_only_key_hash", Rights::Read),
    ];
    section.finish();
    keys.into_iter().flatten().collect()
}

fn plain(section: &mut Section<'_>, name: &'static str, rights: Rights) -> Option<ApiKey> {
    let key = section.secret(name)?;
    let text = key.expose();
    if text.len() != KEY_CHARS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        // The text itself is a secret, so that it is not repeated.
        let message = format!("\"{name}\" cannot be a key of the API");
        let hint =
            format!("write {KEY_CHARS} random letters and digits; belfry key new makes some");
        section.refuse(name, message, hint);
        return None;
    }
    let hash = Sha256::digest(text).into();
    Some(ApiKey { rights, hash })
}

fn hashed(section: &mut Section<'_>, name: &'static str, rights: Rights) -> Option<ApiKey> {
    let text = section.string(name)?;
    let Some(hash) = text.strip_prefix(SCHEME).and_then(digest) else {
        let message = format!("\"{name}\" is no hash of a key");
        section.refuse(name, message, "write the line that belfry key new printed");
        return None;
    };
    Some(ApiKey { rights, hash })
}

/// 32 bytes in hexadecimal.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (digits.len() == 64)
        .then(|| bytes.try_into().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_the_one_that_its_line_in_the_configuration_stands_for() {
        for (rights, prefix, name) in [
            (Rights::Write, "hcw_", "key_hash = \"sha256:"),
            (Rights::Read, "hcr_", "read_only_key_hash = \"sha256:"),
        ] {
            let (key, line) = make(rights);
            assert_eq!((key.len(), key.starts_with(prefix)), (KEY_CHARS, true));
            let hash = line.strip_prefix(name).expect(&line);
            let hash = digest(hash.trim_end_matches('"')).expect("a hash");
            assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(&key)));
            assert_ne!(make(rights).0, key);
            let kept = ApiKey { rights, hash };
            assert!(!format!("{kept:?}").contains(&key));
        }
    }

    #[test]
    fn only_the_whole_of_a_hash_is_one() {
        for (text, is_one) in [
            ("0fA9".repeat(16), true),
            ("0fA9".repeat(15), false),
            ("0fA9".repeat(17), false),
            ("0fA9".repeat(16) + "0", false),
            ("0fAg".repeat(16), false),
            (String::new(), false),
        ] {
            assert_eq!(digest(&text).is_some(), is_one, "{text}");
        }
    }
}
