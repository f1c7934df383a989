//! The ping keys: with one, a heartbeat is addressed by its name, `/ping/KEY/NAME`. Where the configuration has none,
//! there is one in the data folder, made at the first start.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use uuid::Uuid;

use super::digest::Digest;
use super::token;
use crate::settings::Secret;

/// The keys that are heard: the present one, and an old one while jobs are changed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Arc<[Key]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    digest: Digest,
    bytes: usize,
    print: u64,
}

impl Key {
    fn of(text: &str) -> Self {
        Self {
            digest: Digest::of(text),
            bytes: text.len(),
            print: print(text.as_bytes()),
        }
    }

    /// Where it stands in a text, whatever is before and behind it. What has the print is compared by the digest.
    fn places_in(&self, text: &[u8]) -> Vec<usize> {
        let Some(first) = text.get(..self.bytes).filter(|first| !first.is_empty()) else {
            return Vec::new();
        };
        let length = u32::try_from(self.bytes).unwrap_or(u32::MAX);
        let highest = FACTOR.wrapping_pow(length);
        let mut found = print(first);
        let mut places = Vec::new();
        for (at, window) in text.windows(self.bytes).enumerate() {
            let is_it = |window| str::from_utf8(window).is_ok_and(|word| self.digest.is(word));
            if found == self.print && is_it(window) {
                places.push(at);
            }
            let (out, next) = (window.first(), text.get(at + self.bytes));
            if let (Some(&out), Some(&next)) = (out, next) {
                found = found.wrapping_mul(*FACTOR).wrapping_add(next.into());
                found = found.wrapping_sub(highest.wrapping_mul(out.into()));
            }
        }
        places
    }
}

/// What stands in place of a key.
const HIDDEN: u8 = b'*';

impl Keys {
    /// The file in the data folder.
    pub const FILE: &str = "ping-key";

    /// Of these texts.
    pub fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| Key::of(key.expose())).collect())
    }

    /// The one that `folder` keeps, made where there is none. Where that cannot be, pings by name are not heard, which
    /// is no reason not to watch.
    pub fn kept(folder: &Path) -> Self {
        match token::kept(folder, Self::FILE) {
            Ok(key) => Self(Arc::new([Key::of(key.trim())])),
            Err(error) => {
                tracing::error!("heartbeats cannot be pinged by their names: {error:#}");
                Self::default()
            }
        }
    }

    /// Whether `shown` is one of them. All are compared.
    pub fn has(&self, shown: &str) -> bool {
        let all = self.0.iter();
        all.fold(false, |found, key| found | key.digest.is(shown))
    }

    /// What a job said, without these keys: jobs print what they run, and what they say stands in mails and in our log.
    pub fn hidden_in<'t>(&self, said: &'t [u8]) -> Cow<'t, [u8]> {
        let mut shown = Cow::Borrowed(said);
        for key in self.0.iter() {
            for at in key.places_in(said) {
                if let Some(place) = shown.to_mut().get_mut(at..at + key.bytes) {
                    place.fill(HIDDEN);
                }
            }
        }
        shown
    }
}

/// The factor of prints. Of each process its own, so that a print says nothing of a key to whoever sees one.
static FACTOR: LazyLock<u64> = LazyLock::new(|| Uuid::new_v4().as_u64_pair().0 | 1);

/// A number that follows from `bytes`, and from that of bytes moved by one (the fingerprint of Rabin and Karp).
fn print(bytes: &[u8]) -> u64 {
    let next = |print: u64, byte: &u8| print.wrapping_mul(*FACTOR).wrapping_add((*byte).into());
    bytes.iter().fold(0, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_wherever_a_job_prints_it_and_nothing_else_is() {
        let key = "kB2d0xQ8mT-4_zzW1abcDE";
        let keys = Keys::new(&[Secret::new(key)]);
        let stars = "*".repeat(key.len());
        for (said, shown) in [
            (format!("GET /ping/{key}/a"), format!("GET /ping/{stars}/a")),
            (format!("{key}+a@h {key}"), format!("{stars}+a@h {stars}")),
            (format!("Bearer {key}\n"), format!("Bearer {stars}\n")),
            // Whatever stands around it.
            (
                format!("x{key}_{key}{key}y"),
                format!("x{stars}_{stars}{stars}y"),
            ),
            (
                format!("url=http%3A%2F%2Fh%2Fping%2F{key}%2Fa \\n{key}"),
                format!("url=http%3A%2F%2Fh%2Fping%2F{stars}%2Fa \\n{stars}"),
            ),
            (
                "kB2d0xQ8mT-4_zzW1abcDX".to_owned(),
                "kB2d0xQ8mT-4_zzW1abcDX".to_owned(),
            ),
        ] {
            assert_eq!(
                *keys.hidden_in(said.as_bytes()),
                *shown.as_bytes(),
                "{said}"
            );
        }
        assert_eq!(*keys.hidden_in(b"\xff all well"), *b"\xff all well");
    }

    #[test]
    fn the_present_and_the_old_key_are_heard_and_neither_is_shown() {
        let keys = ["a-key-of-twenty-two-chars", "another-key-of-such-length"];
        let heard = Keys::new(&keys.map(Secret::new));
        assert!(keys.iter().all(|key| heard.has(key)));
        assert!(!heard.has("") && !heard.has("a-key-of-twenty-two-char"));
        assert!(!Keys::default().has(""));
        assert!(!format!("{heard:?}").contains("key-of"));
    }
}
