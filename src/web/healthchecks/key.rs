//! The keys of the API.

use std::sync::Arc;

use crate::config::{ApiKey, Rights};
use crate::web::digest::Digest;

pub(super) use crate::config::KEY_CHARS;

/// Where a key is shown, in lower case.
pub(super) const KEY_HEADER: &str = "x-api-key";

/// The keys of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeys(Arc<[(Digest, Rights)]>);

impl ApiKeys {
    /// Of these.
    pub fn new(keys: &[ApiKey]) -> Self {
        let kept = keys.iter();
        Self(
            kept.map(|key| (Digest::from(key.hash), key.rights))
                .collect(),
        )
    }

    /// What `shown` opens. All are compared.
    pub(super) fn rights(&self, shown: &str) -> Option<Rights> {
        self.0.iter().fold(
            None,
            |found, (key, rights)| {
                if key.is(shown) { Some(*rights) } else { found }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn each_key_opens_what_it_is_for_and_nothing_else_opens_anything() {
        let key = |text: &str, rights| ApiKey {
            rights,
            hash: Sha256::digest(text).into(),
        };
        let keys = ApiKeys::new(&[key("one", Rights::Write), key("two", Rights::Read)]);
        assert_eq!(keys.rights("one"), Some(Rights::Write));
        assert_eq!(keys.rights("two"), Some(Rights::Read));
        assert_eq!(keys.rights("three"), None);
        assert_eq!(ApiKeys::default().rights(""), None);
    }
}
