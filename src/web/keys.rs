//! The ping keys: with one, a heartbeat is addressed by its name, `/ping/KEY/NAME`. Where the configuration has none,
//! there is one in the data folder, made at the first start.

use std::path::Path;
use std::sync::Arc;

use super::digest::Digest;
use super::token;
use crate::settings::Secret;

/// The keys that are heard: the present one, and an old one while jobs are changed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Arc<[Digest]>);

impl Keys {
    /// The file in the data folder.
    pub const FILE: &str = "ping-key";

    /// Of these texts.
    pub fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| Digest::of(key.expose())).collect())
    }

    /// The one that `folder` keeps, made where there is none. Where that cannot be, pings by name are not heard, which
    /// is no reason not to watch.
    pub fn kept(folder: &Path) -> Self {
        match token::kept(folder, Self::FILE) {
            Ok(key) => Self(Arc::new([Digest::of(key.trim())])),
            Err(error) => {
                tracing::error!("heartbeats cannot be pinged by their names: {error:#}");
                Self::default()
            }
        }
    }

    /// Whether `shown` is one of them. All are compared.
    pub fn has(&self, shown: &str) -> bool {
        let all = self.0.iter();
        all.fold(false, |found, key| found | key.is(shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
