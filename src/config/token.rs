//! `[token.NAME]`: what opens the APIs, from wherever. Only digests are kept.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::accept;
use crate::core::text;
use crate::settings::Section;

/// The shortest secret. Those that are made have so many characters, as the keys of healthchecks.io, whose clients
/// look at it.
const SHORTEST: usize = 32;
/// The longest: longer ones come from a file that was meant for something else.
const LONGEST: usize = 512;
/// Most tokens: each request that shows one is compared with all.
const MOST: usize = 100;
/// Longest name, in characters.
const NAME_CHARS: usize = 40;
/// What secrets are written in.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What a hash begins with, so that another kind could come beside it.
const SCHEME: &str = "sha256:";

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    Read,
    Write,
}

impl Rights {
    /// The word for it in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// What secrets begin with that open so much, as the keys of healthchecks.io do.
    fn prefix(self) -> &'static str {
        match self {
            Self::Read => "hcr_",
            Self::Write => "hcw_",
        }
    }
}

/// A token by its SHA-256. Its `Debug` says nothing of what is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Who has it: what stands in the history of what was done with it.
    pub name: Arc<str>,
    pub rights: Rights,
    pub hash: [u8; 32],
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiToken({}, {:?})", self.name, self.rights)
    }
}

/// A new secret for the token `name`, with 168 random bits of the operating system, and the lines that stand for it
/// in the configuration.
pub fn make(name: &str, rights: Rights) -> (String, String) {
    let both = [Uuid::new_v4(), Uuid::new_v4()];
    // Two bytes of each have its version and variant in them (RFC 9562 section 5.4); the 28 others are random.
    let random = both.iter().flat_map(|uuid| {
        let bytes = uuid.as_bytes().iter().enumerate();
        bytes
            .filter(|(place, _)| ![6, 8].contains(place))
            .map(|(_, byte)| byte)
    });
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte % 64)]));
    let secret: String = rights.prefix().chars().chain(letters).collect();
    let hash = text::hex(&Sha256::digest(&secret));
    let word = rights.word();
    let lines = format!("[token.{name}]\nsecret_hash = \"{SCHEME}{hash}\"\nrights = \"{word}\"");
    (secret, lines)
}

/// What every `[token.NAME]` says. No two have the same secret: which of them is shown could not be told.
pub(super) fn read(mut sections: Vec<(String, Section<'_>)>) -> Vec<ApiToken> {
    let mut tokens: Vec<ApiToken> = Vec::new();
    for (place, (name, section)) in sections.iter_mut().enumerate() {
        if place == MOST {
            let message = format!("there are more than {MOST} tokens");
            let hint = "keep those that are used: each request is compared with all";
            section.wrong(&section.span(), message, Some(hint.to_owned()));
        }
        if let Err(hint) = name_of(name) {
            section.wrong(
                &section.span(),
                "a token cannot be called so".to_owned(),
                Some(hint.to_owned()),
            );
        }
        let rights = rights(section);
        let hash = hash(section);
        let same = tokens.iter().find(|token| Some(token.hash) == hash);
        if let Some(same) = same {
            let message = format!("[token.{}] has the same secret", same.name);
            section.wrong(
                &section.span(),
                message,
                Some("belfry token new NAME makes one of its own".to_owned()),
            );
        }
        tokens.extend(hash.map(|hash| ApiToken {
            name: name.as_str().into(),
            rights,
            hash,
        }));
    }
    for (_, section) in sections {
        section.finish();
    }
    tokens
}

/// What is wrong with the name of a token, and what to write. It stands bare in the configuration.
pub fn name_of(name: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > NAME_CHARS || !name.bytes().all(plain) {
        return Err("write at most 40 letters, digits, - and _, as in [token.deploy]");
    }
    Ok(())
}

fn rights(section: &mut Section<'_>) -> Rights {
    let [read, write] = [Rights::Read, Rights::Write];
    match section.choice("rights", &[read.word(), write.word()]) {
        Some(word) if word == write.word() => write,
        Some(_) | None => read,
    }
}

/// The digest of the secret, however it is given.
fn hash(section: &mut Section<'_>) -> Option<[u8; 32]> {
    let (plain, hashed) = (plain(section), hashed(section));
    match (section.has("secret"), section.has("secret_hash")) {
        (true, false) => plain,
        (false, true) => hashed,
        (true, true) => {
            let message = "\"secret\" and \"secret_hash\" stand together";
            section.refuse("secret_hash", message, "keep one of them");
            None
        }
        (false, false) => {
            let message = "the token has no secret".to_owned();
            let hint = "belfry token new NAME prints the lines to write";
            section.wrong(&section.span(), message, Some(hint.to_owned()));
            None
        }
    }
}

fn plain(section: &mut Section<'_>) -> Option<[u8; 32]> {
    let secret = section.secret("secret")?;
    let text = secret.expose();
    let is_long = (SHORTEST..=LONGEST).contains(&text.len());
    if !is_long || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        // The text itself is a secret, so that it is not repeated.
        let hint = format!(
            "write at least {SHORTEST} random letters and digits; belfry token new NAME makes some"
        );
        section.refuse("secret", "\"secret\" cannot be that of a token", hint);
        return None;
    }
    Some(Sha256::digest(text).into())
}

fn hashed(section: &mut Section<'_>) -> Option<[u8; 32]> {
    let text = section.string("secret_hash")?;
    let hash = text.strip_prefix(SCHEME).and_then(digest);
    let hash = hash.filter(|_| !accept::is_example(&text));
    if hash.is_none() {
        let message = "\"secret_hash\" is no hash of a secret, or the example of one";
        section.refuse(
            "secret_hash",
            message,
            "write the line that belfry token new printed",
        );
    }
    hash
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
    fn a_new_secret_is_the_one_that_its_lines_in_the_configuration_stand_for() {
        for (rights, prefix) in [(Rights::Write, "hcw_"), (Rights::Read, "hcr_")] {
            let (secret, lines) = make("deploy", rights);
            assert_eq!((secret.len(), secret.starts_with(prefix)), (SHORTEST, true));
            let hash = text::hex(&Sha256::digest(&secret));
            let word = rights.word();
            assert_eq!(
                lines,
                format!("[token.deploy]\nsecret_hash = \"sha256:{hash}\"\nrights = \"{word}\"")
            );
            assert_ne!(make("deploy", rights).0, secret);
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
