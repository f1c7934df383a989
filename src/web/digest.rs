//! A secret that is only compared: its digest, so that nothing can print the text, and how long a comparison takes
//! says nothing of it.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether `shown` is that secret. All bytes are compared.
    pub(super) fn is(&self, shown: &str) -> bool {
        let shown = Self::of(shown);
        let pairs = self.0.iter().zip(shown.0);
        let differs = pairs.fold(0, |differs, (a, b)| differs | (a ^ b));
        std::hint::black_box(differs) == 0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}
