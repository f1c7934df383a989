//! What makes the addresses of badges: whoever has one can see one badge, and guess no other. The secret is a file in
//! the data folder, made at the first start, so that addresses stay the same.

use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::token;
use crate::core::text;

/// How much of a digest an address has, in bytes: 128 bits.
const ID_BYTES: usize = 16;

/// The digest of the secret.
pub struct Seal([u8; 32]);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Its file in the data folder.
    pub const FILE: &str = "badge-key";

    /// That of `folder`, or a new one where there is none.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let secret = token::kept(folder, Self::FILE)?;
        Ok(Self(Sha256::digest(secret.trim()).into()))
    }

    /// The same, or one that is forgotten at the end: where the folder cannot be written, alerts are more than badges.
    pub fn kept(folder: &Path) -> Self {
        Self::open(folder).unwrap_or_else(|error| {
            tracing::error!("the addresses of badges will change: {error:#}");
            Self(Sha256::digest(token::make()).into())
        })
    }

    /// The id of what is called so, among what is of this kind.
    pub(super) fn id(&self, kind: &str, name: &str) -> String {
        let mut hasher = Sha256::new();
        for part in [&self.0[..], kind.as_bytes(), &[0], name.as_bytes()] {
            hasher.update(part);
        }
        let digest = hasher.finalize();
        text::hex(digest.get(..ID_BYTES).unwrap_or_default())
    }

    /// Whether `shown` is that id. All of it is compared.
    pub(super) fn is(&self, shown: &str, kind: &str, name: &str) -> bool {
        let id = self.id(kind, name);
        let pairs = id.bytes().zip(shown.bytes());
        let differs = pairs.fold(0, |differs, (a, b)| differs | (a ^ b));
        std::hint::black_box(differs) == 0 && id.len() == shown.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_and_tells_nothing_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let seal = Seal::open(folder.path()).expect("a folder that can be written");
        let id = seal.id("check", "shop");
        assert_eq!(id.len(), 32);
        assert!(seal.is(&id, "check", "shop"));
        assert!(!seal.is(&id, "tag", "shop") && !seal.is(&id, "check", "shops"));
        assert!(
            !seal.is("", "check", "shop")
                && !seal.is(
                    id.strip_prefix(|_: char| true).unwrap_or_default(),
                    "check",
                    "shop"
                )
        );

        let again = Seal::open(folder.path()).expect("it is there");
        assert_eq!(again.id("check", "shop"), id);
        let other = tempfile::tempdir().expect("a folder");
        let other = Seal::open(other.path()).expect("a folder that can be written");
        assert_ne!(other.id("check", "shop"), id);
    }
}
