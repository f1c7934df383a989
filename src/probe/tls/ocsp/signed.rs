//! What is signed in X.509 and OCSP alike: content, algorithm, signature (RFC 5280, section 4.1; RFC 6960, section
//! 4.2.1).

use der::asn1::BitStringRef;
use der::{Decode, Reader, SliceReader};
use rustls::crypto::WebPkiSupportedAlgorithms;

/// The tag of a sequence.
const SEQUENCE: u8 = 0x30;

/// The object identifiers of signatures over SHA-1, as they are encoded: sha1WithRSAEncryption (RFC 8017, appendix C) and
/// ecdsa-with-SHA1 (RFC 3279, section 2.2.3).
const WEAK: [&[u8]; 2] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05",
    b"\x06\x07\x2a\x86\x48\xce\x3d\x04\x01",
];

/// A public key.
#[derive(Clone, Copy, Debug)]
pub(in crate::probe::tls) struct Key<'a> {
    /// Its `AlgorithmIdentifier`, without its head.
    algorithm: &'a [u8],
    pub(super) bits: &'a [u8],
}

/// Content with a signature.
pub(super) struct Signed<'a> {
    /// As it was signed, head and all.
    pub(super) content: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    /// What comes behind the signature.
    pub(super) rest: &'a [u8],
}

/// Whether a signature is that of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verified {
    Yes,
    No,
    /// No algorithm of ours makes such a signature with such a key.
    Strange,
}

impl<'a> Key<'a> {
    /// Of a `SubjectPublicKeyInfo`.
    pub(in crate::probe::tls) fn parse(info: &'a [u8]) -> Option<Self> {
        Self::of_content(content(info, SEQUENCE)?)
    }

    /// Of one without its head, as a trust anchor has it.
    pub(in crate::probe::tls) fn of_content(info: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(info).ok()?;
        let algorithm = content(reader.tlv_bytes().ok()?, SEQUENCE)?;
        let bits = BitStringRef::decode(&mut reader).ok()?.as_bytes()?;
        Some(Self { algorithm, bits })
    }

    /// Whether this key has signed `certificate`.
    pub(in crate::probe::tls) fn has_issued(
        &self,
        certificate: &[u8],
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> bool {
        let certificate = Signed::parse(certificate);
        certificate.is_some_and(|it| it.is_by(self, algorithms) == Verified::Yes)
    }
}

impl<'a> Signed<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let inner = content(der, SEQUENCE)?;
        let mut reader = SliceReader::new(inner).ok()?;
        let signed = reader.tlv_bytes().ok()?;
        let algorithm = content(reader.tlv_bytes().ok()?, SEQUENCE)?;
        let signature = BitStringRef::decode(&mut reader).ok()?.as_bytes()?;
        let rest = reader.remaining_len();
        Some(Self {
            content: signed,
            algorithm,
            signature,
            rest: reader.read_slice(rest).ok()?,
        })
    }

    /// Whether the signature is of a digest that can be forged.
    pub(super) fn is_weak(&self) -> bool {
        WEAK.iter().any(|oid| self.algorithm.starts_with(oid))
    }

    pub(super) fn is_by(&self, key: &Key<'_>, algorithms: &WebPkiSupportedAlgorithms) -> Verified {
        let fits = algorithms.all.iter().filter(|one| {
            one.signature_alg_id().as_ref() == self.algorithm
                && one.public_key_alg_id().as_ref() == key.algorithm
        });
        let mut verified = Verified::Strange;
        for algorithm in fits {
            let found = algorithm.verify_signature(key.bits, self.content, self.signature);
            if found.is_ok() {
                return Verified::Yes;
            }
            verified = Verified::No;
        }
        verified
    }
}

/// The content of the first element of `der`, where it has this tag.
pub(super) fn content(der: &[u8], tag: u8) -> Option<&[u8]> {
    if der.first() != Some(&tag) {
        return None;
    }
    let mut reader = SliceReader::new(der).ok()?;
    let header = reader.peek_header().ok()?;
    let whole = reader.tlv_bytes().ok()?;
    whole.get(whole.len() - usize::try_from(header.length).ok()?..)
}
