//! What an OCSP response says of one certificate, and whether its authority says so (RFC 6960, sections 3.2 and
//! 4.2). Pure: response, certificate, the keys of its authority and the time are arguments.

use std::fmt;
use std::time::Duration;

use der::asn1::ObjectIdentifier;
use der::oid::AssociatedOid;
use der::{Decode, Reader, SliceReader};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::UnixTime;
use sha2::Digest;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus,
    ResponseData, SingleResponse,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

mod signed;

pub(super) use signed::Key;
use signed::{Signed, Verified};

/// How long before its beginning and after its end a response is still good: clocks differ, as browsers know.
const SLACK: Duration = Duration::from_hours(24);
/// Most certificates of responders that are looked at; there is one, where there is any.
const RESPONDERS: usize = 4;
/// id-sha1, the usual one, and id-sha256.
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// What an authority says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Good,
    /// It was good, and that has ended: there should be news.
    Over,
    Revoked,
    Unknown,
}

/// Why a response proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Doubt {
    Unreadable,
    NoAnswer,
    Another,
    Forged,
    /// By an algorithm that is not believed any more.
    Weak,
    /// By one that we do not have, which is no fault of the server's.
    Strange,
    Early,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it cannot be read",
            Self::NoAnswer => "it says that there is no answer",
            Self::Another => "it is about another certificate",
            Self::Forged => "it is signed neither by the authority nor by whom it has appointed",
            Self::Weak => "it is signed with SHA-1, which proves nothing any more",
            Self::Strange => "it is signed in a way that is not verified here",
            Self::Early => "it is of a time to come",
        })
    }
}

/// What `response` proves of `leaf`, which was issued with one of the `keys`.
pub(super) fn proven(
    response: &[u8],
    (leaf, keys): (&X509Certificate<'_>, &[Key<'_>]),
    algorithms: &WebPkiSupportedAlgorithms,
    now: UnixTime,
) -> Result<Status, Doubt> {
    let response = OcspResponse::from_der(response).map_err(|_| Doubt::Unreadable)?;
    if response.response_status != OcspResponseStatus::Successful {
        return Err(Doubt::NoAnswer);
    }
    let bytes = response.response_bytes.ok_or(Doubt::Unreadable)?;
    if bytes.response_type != BasicOcspResponse::OID {
        return Err(Doubt::Unreadable);
    }
    let signed = Signed::parse(bytes.response.as_bytes()).ok_or(Doubt::Unreadable)?;
    let data = ResponseData::from_der(signed.content).map_err(|_| Doubt::Unreadable)?;
    let said = data.responses.iter().find_map(|single| {
        let key = keys.iter().find(|key| is_on(&single.cert_id, leaf, key))?;
        Some((single, key))
    });
    let (single, key) = said.ok_or(Doubt::Another)?;
    is_signed(&signed, (leaf, key), algorithms, now)?;
    status(single, now)
}

fn status(single: &SingleResponse, now: UnixTime) -> Result<Status, Doubt> {
    let now = Duration::from_secs(now.as_secs());
    let seconds = |time: &OcspGeneralizedTime| time.0.to_unix_duration();
    if seconds(&single.this_update) > now + SLACK {
        return Err(Doubt::Early);
    }
    let next = single.next_update.as_ref();
    Ok(match single.cert_status {
        CertStatus::Revoked(_) => Status::Revoked,
        CertStatus::Unknown(_) => Status::Unknown,
        CertStatus::Good(_) if next.is_some_and(|next| seconds(next) + SLACK < now) => Status::Over,
        CertStatus::Good(_) => Status::Good,
    })
}

/// Whether it is about `leaf`, issued with `key` (RFC 6960, section 4.1.1).
fn is_on(id: &CertId, leaf: &X509Certificate<'_>, key: &Key<'_>) -> bool {
    let digest: fn(&[u8]) -> Vec<u8> = match id.hash_algorithm.oid {
        SHA1 => |data| sha1::Sha1::digest(data).to_vec(),
        SHA256 => |data| sha2::Sha256::digest(data).to_vec(),
        _ => return false,
    };
    // Both are numbers, whose DER begins with a zero where their first bit is set.
    let bare = |number: &[u8]| {
        number
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or_default()
    };
    let (asked, own) = (id.serial_number.as_bytes(), leaf.raw_serial());
    asked.get(bare(asked)..) == own.get(bare(own)..)
        && id.issuer_name_hash.as_bytes() == digest(leaf.issuer().as_raw())
        && id.issuer_key_hash.as_bytes() == digest(key.bits)
}

/// Whether who has issued `leaf` has signed it, or somebody with a certificate of theirs for that (section 4.2.2.2).
fn is_signed(
    signed: &Signed<'_>,
    (leaf, issuer): (&X509Certificate<'_>, &Key<'_>),
    algorithms: &WebPkiSupportedAlgorithms,
    now: UnixTime,
) -> Result<(), Doubt> {
    let first = signed.is_by(issuer, algorithms);
    if first == Verified::Yes {
        return Ok(());
    }
    let mut is_strange = first == Verified::Strange;
    for raw in responders(signed.rest) {
        let Ok((_, responder)) = X509Certificate::from_der(raw) else {
            continue;
        };
        let Some(key) = Key::parse(responder.public_key().raw) else {
            continue;
        };
        if !is_appointed(&responder, leaf, now) {
            continue;
        }
        let appointed = Signed::parse(raw).map(|certificate| certificate.is_by(issuer, algorithms));
        match (appointed, signed.is_by(&key, algorithms)) {
            (Some(Verified::Yes), Verified::Yes) => return Ok(()),
            (Some(Verified::Strange), _) | (Some(Verified::Yes), Verified::Strange) => {
                is_strange = true;
            }
            (None | Some(Verified::No | Verified::Yes), _) => {}
        }
    }
    Err(if is_strange && signed.is_weak() {
        Doubt::Weak
    } else if is_strange {
        Doubt::Strange
    } else {
        Doubt::Forged
    })
}

/// Whether its authority says that it is for such signatures, now.
fn is_appointed(
    responder: &X509Certificate<'_>,
    leaf: &X509Certificate<'_>,
    now: UnixTime,
) -> bool {
    let (from, until) = (
        responder.validity().not_before.timestamp(),
        responder.validity().not_after.timestamp(),
    );
    let usage = responder.extended_key_usage().ok().flatten();
    responder.issuer().as_raw() == leaf.issuer().as_raw()
        && i64::try_from(now.as_secs()).is_ok_and(|now| (from..=until).contains(&now))
        && usage.is_some_and(|usage| usage.value.ocsp_signing)
}

/// The certificates that come behind the signature: `[0] EXPLICIT SEQUENCE OF Certificate OPTIONAL`.
fn responders(rest: &[u8]) -> Vec<&[u8]> {
    let list = signed::content(rest, 0xa0).and_then(|inner| signed::content(inner, 0x30));
    let mut all = Vec::new();
    let mut reader = list.and_then(|list| SliceReader::new(list).ok());
    while let Some(reader) = &mut reader
        && !reader.is_finished()
        && all.len() < RESPONDERS
        && let Ok(one) = reader.tlv_bytes()
    {
        all.push(one);
    }
    all
}

#[cfg(test)]
mod tests;
