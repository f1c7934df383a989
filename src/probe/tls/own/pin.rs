//! `pin`: which key or certificate a server must have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::core::outcome::Outcome;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::trace::Trace;
use crate::settings::Section;

/// What the certificate of a server must have: SHA-256 of its public key, or of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    Key([u8; 32]),
    Whole([u8; 32]),
}

/// Reads `pin`, one or a list.
pub(super) fn read(section: &mut Section<'_>) -> Vec<Pin> {
    let texts = section.strings("pin").unwrap_or_default();
    let pins = texts.iter().filter_map(|(text, span)| {
        let pin = Pin::parse(text);
        if pin.is_none() {
            section.wrong(
                span,
                "\"pin\" is no checksum of a key or certificate".to_owned(),
                Some("write pin = \"sha256/…\" (of the key, base64) or \"sha256:…\" (of the certificate, hex)".to_owned()),
            );
        }
        pin
    });
    pins.collect()
}

/// Whether the certificate of a server has one of `pins`. Only its own counts: anybody can send those of others along.
pub(super) fn judge(
    pins: &[Pin],
    leaf: &CertificateDer<'_>,
    at: &str,
    trace: &mut Trace,
) -> Looked<()> {
    let whole = Pin::Whole(Sha256::digest(leaf).into());
    let parsed = X509Certificate::from_der(leaf);
    let key = parsed.map(|(_, parsed)| Pin::Key(Sha256::digest(parsed.public_key().raw).into()));
    let found = [Some(whole), key.ok()];
    let holds = pins.iter().any(|pin| found.contains(&Some(*pin)));
    let shown = found[1].unwrap_or(whole).show();
    trace.note(|| {
        let wanted: Vec<String> = pins.iter().map(|pin| pin.show()).collect();
        Finding::new("pin", wanted.join(" or "), shown.as_str(), holds)
    });
    if holds {
        return Ok(());
    }
    let text = format!("the certificate of {at} has another key than pinned: {shown}");
    Err(Outcome::fail(&text))
}

impl Pin {
    /// Reads `sha256/…` (of the key, base64, as curl takes it) or `sha256:…` (of the certificate, hex, with or
    /// without colons, as openssl prints it).
    fn parse(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix("sha256/") {
            let key = key.strip_prefix('/').unwrap_or(key);
            return STANDARD.decode(key).ok()?.try_into().ok().map(Self::Key);
        }
        let hex = text.strip_prefix("sha256:")?.replace(':', "");
        let digits: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
        let pairs = digits.as_ref()?.chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        bytes?.try_into().ok().map(Self::Whole)
    }

    fn show(self) -> String {
        match self {
            Self::Key(sum) => format!("sha256/{}", STANDARD.encode(sum)),
            Self::Whole(sum) => {
                let hex: Vec<String> = sum.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("sha256:{}", hex.concat())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_of_a_key_or_of_a_certificate() {
        let key = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Pin::parse(key).map(Pin::show).as_deref(), Some(key));
        assert_eq!(Pin::parse(&key.replacen('/', "//", 1)), Pin::parse(key));
        let whole = format!("sha256:{}", "e3".repeat(32));
        assert_eq!(Pin::parse(&whole).map(Pin::show), Some(whole.clone()));
        let colons = format!("sha256:{}", vec!["E3"; 32].join(":"));
        assert_eq!(Pin::parse(&colons), Pin::parse(&whole));
        for text in [
            "",
            "sha256/",
            "sha256/abc",
            "sha256:e3",
            "sha1/47DEQpj8HBSa",
            "sha256:ä",
        ] {
            assert_eq!(Pin::parse(text), None, "{text}");
        }
    }
}
