//! The tokens of the configuration: what opens the APIs from wherever, each with its own rights.

use std::sync::Arc;

use crate::config::{ApiToken, Rights};

use super::digest::Digest;

/// All of them, by their digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens(Arc<[Kept]>);

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: Arc<str>,
    pub(super) rights: Rights,
    digest: Digest,
}

impl Tokens {
    /// Of these.
    pub fn new(tokens: &[ApiToken]) -> Self {
        let kept = tokens.iter().map(|token| Kept {
            name: Arc::clone(&token.name),
            rights: token.rights,
            digest: Digest::from(token.hash),
        });
        Self(kept.collect())
    }

    /// The one that `shown` is the secret of. All are compared.
    pub(super) fn find(&self, shown: &str) -> Option<&Kept> {
        self.0.iter().fold(None, |found, kept| {
            if kept.digest.is(shown) {
                Some(kept)
            } else {
                found
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn each_secret_opens_what_it_is_for_and_nothing_else_opens_anything() {
        let token = |name: &str, rights| ApiToken {
            name: name.into(),
            rights,
            hash: Sha256::digest(name).into(),
        };
        let tokens = Tokens::new(&[token("one", Rights::Write), token("two", Rights::Read)]);
        let rights = |shown| tokens.find(shown).map(|kept| kept.rights);
        assert_eq!(rights("one"), Some(Rights::Write));
        assert_eq!(rights("two"), Some(Rights::Read));
        assert_eq!(rights("three"), None);
        assert!(Tokens::default().find("").is_none());
    }
}
