//! The ping keys of the configuration: with one, a heartbeat is addressed by its name, `/ping/KEY/NAME`.

use std::sync::Arc;

use super::digest::Digest;
use crate::settings::Secret;

/// The keys that are heard: the present one, and an old one while jobs are changed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Arc<[Digest]>);

impl Keys {
    /// Of these texts.
    pub fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| Digest::of(key.expose())).collect())
    }

    /// Whether `shown` is one of them. All are compared.
    pub(super) fn has(&self, shown: &str) -> bool {
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
