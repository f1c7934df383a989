//! TLS as one check wants it: its own authorities, its own certificate, which key the other end must have.

use std::fs;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::core::outcome::Outcome;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::kept::Kept;
use crate::probe::trace::Trace;
use crate::settings::Section;

/// Largest file of certificates or keys: all authorities of a system are a quarter of it.
const FILE: u64 = 1 << 20;

/// What a check says of TLS. Files are read with the configuration, and followed as it is: a change of one makes
/// another check.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::probe) struct Own {
    pub(super) verify: bool,
    /// Trusted instead of the authorities of the system.
    pub(super) authorities: Option<Arc<[CertificateDer<'static>]>>,
    pub(super) client: Option<Arc<Client>>,
    pins: Vec<Pin>,
    /// What is offered (ALPN).
    pub(super) protocol: Option<&'static [u8]>,
    pub(super) made: Kept<Made>,
}

/// Who we are.
#[derive(Debug, PartialEq)]
pub(in crate::probe) struct Client {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// What is made of it once.
#[derive(Clone)]
pub(in crate::probe) struct Made {
    pub(super) roots: Arc<RootCertStore>,
    /// With our certificate, for whom it is meant.
    pub(super) home: Arc<ClientConfig>,
    /// Without, for where a redirect leads.
    pub(super) away: Arc<ClientConfig>,
}

/// What the certificate of a server must have: SHA-256 of its public key, or of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pin {
    Key([u8; 32]),
    Whole([u8; 32]),
}

impl Default for Own {
    fn default() -> Self {
        Self {
            verify: true,
            authorities: None,
            client: None,
            pins: Vec::new(),
            protocol: None,
            made: Kept::default(),
        }
    }
}

impl Own {
    /// Reads `verify`, `ca`, `client_certificate`, `client_key` and `pin`; `protocol` is to be agreed on.
    pub(in crate::probe) fn read(
        section: &mut Section<'_>,
        protocol: Option<&'static [u8]>,
    ) -> Self {
        let verify = section.boolean("verify").unwrap_or(true);
        let authorities = read_authorities(section);
        if !verify && authorities.is_some() {
            let message = "\"ca\" where nothing is verified";
            section.refuse("ca", message, "leave out verify = false");
        }
        Self {
            verify,
            authorities: authorities.map(Into::into),
            client: read_client(section).map(Arc::new),
            pins: read_pins(section),
            protocol,
            made: Kept::default(),
        }
    }

    /// Whether the server is the one that was meant, by its certificate.
    pub(in crate::probe) fn is_pinned(
        &self,
        certificates: Option<&[CertificateDer<'_>]>,
        at: &str,
        trace: &mut Trace,
    ) -> Looked<()> {
        let Some(leaf) = certificates.and_then(<[_]>::first) else {
            return Ok(());
        };
        if self.pins.is_empty() {
            return Ok(());
        }
        let whole = Pin::Whole(Sha256::digest(leaf).into());
        let parsed = X509Certificate::from_der(leaf);
        let key =
            parsed.map(|(_, parsed)| Pin::Key(Sha256::digest(parsed.public_key().raw).into()));
        let found = [Some(whole), key.ok()];
        let holds = self.pins.iter().any(|pin| found.contains(&Some(*pin)));
        let shown = found[1].unwrap_or(whole).show();
        trace.note(|| {
            let wanted: Vec<String> = self.pins.iter().map(|pin| pin.show()).collect();
            Finding::new("pin", wanted.join(" or "), shown.as_str(), holds)
        });
        if holds {
            return Ok(());
        }
        let text = format!("the certificate of {at} has another key than pinned: {shown}");
        Err(Outcome::fail(&text))
    }
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

fn read_pins(section: &mut Section<'_>) -> Vec<Pin> {
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

fn read_authorities(section: &mut Section<'_>) -> Option<Vec<CertificateDer<'static>>> {
    let pem = read_file(section, "ca")?;
    let found = certificates(section, "ca", &pem)?;
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.iter().cloned());
    if taken < found.len() {
        let message = "a certificate of \"ca\" cannot be read";
        section.refuse(
            "ca",
            message,
            "write the certificates of authorities, as PEM",
        );
        return None;
    }
    Some(found)
}

fn read_client(section: &mut Section<'_>) -> Option<Client> {
    const CERTIFICATE: &str = "client_certificate";
    let (has_chain, has_key) = (section.has(CERTIFICATE), section.has("client_key"));
    let (chain, key) = (
        read_file(section, CERTIFICATE),
        read_file(section, "client_key"),
    );
    if has_chain != has_key {
        let there = if has_chain { CERTIFICATE } else { "client_key" };
        let hint = format!("write both {CERTIFICATE} and client_key");
        section.refuse(there, format!("\"{there}\" stands alone"), hint);
    }
    let (chain, key) = chain.zip(key)?;
    let chain = certificates(section, CERTIFICATE, &chain)?;
    let Ok(key) = PrivateKeyDer::from_pem_slice(&key) else {
        let hint = "write the private key as PEM, without a password";
        section.refuse("client_key", "\"client_key\" has no key", hint);
        return None;
    };
    let fits = CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider());
    if let Err(error) = fits {
        let message = format!("the key does not go with the certificate ({error})");
        section.refuse("client_key", message, "write those that belong together");
        return None;
    }
    Some(Client { chain, key })
}

fn certificates(
    section: &Section<'_>,
    key: &str,
    pem: &[u8],
) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.ok().filter(|all| !all.is_empty());
    if all.is_none() {
        let message = format!("\"{key}\" has no certificate");
        section.refuse(key, message, "write certificates as PEM");
    }
    all
}

/// The content of the file under `key`, whose changes are followed.
fn read_file(section: &mut Section<'_>, key: &'static str) -> Option<Vec<u8>> {
    let path = section.report.folder().join(section.string(key)?);
    section.report.has_secret(&path);
    let read = match fs::metadata(&path) {
        Ok(about) if !about.is_file() => Err("it is no file".to_owned()),
        Ok(about) if about.len() > FILE => Err("it has more than 1 MiB".to_owned()),
        Ok(_) => fs::read(&path).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = &read {
        let hint = "create it, readable for the user that Belfry runs as";
        section.refuse(key, format!("cannot read {}: {why}", path.display()), hint);
    }
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::probe::tests::read as read_check;

    #[test]
    fn files_that_cannot_be_used_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let [key, other] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
        let certificate = rcgen::CertificateParams::default().self_signed(&key);
        let certificate = keep("us.pem", &certificate.unwrap().pem());
        let (key, other) = (
            keep("us.key", &key.serialize_pem()),
            keep("other.key", &other.serialize_pem()),
        );
        let (empty, large) = (keep("empty", ""), keep("large", &"x".repeat(2 << 20)));
        let place = folder.path().display();
        let read = |keys: &str| read_check(&format!("http = {{ url = \"https://a/\", {keys} }}"));
        for (keys, part) in [
            (format!("ca = \"{empty}\""), "\"ca\" has no certificate"),
            (format!("ca = \"{key}\""), "\"ca\" has no certificate"),
            (format!("ca = \"{large}\""), "it has more than 1 MiB"),
            (format!("ca = \"{place}\""), "it is no file"),
            (format!("ca = \"{place}/none\""), "No such file"),
            (
                format!("ca = \"{certificate}\", verify = false"),
                "\"ca\" where nothing is verified",
            ),
            (
                format!("client_key = \"{key}\""),
                "\"client_key\" stands alone",
            ),
            (
                format!("client_certificate = \"{certificate}\", client_key = \"{empty}\""),
                "\"client_key\" has no key",
            ),
            (
                format!("client_certificate = \"{certificate}\", client_key = \"{other}\""),
                "the key does not go with the certificate",
            ),
            (
                "pin = \"abc\"".to_owned(),
                "no checksum of a key or certificate",
            ),
        ] {
            let problems = read(&keys).1;
            assert!(
                problems.iter().any(|p| p.contains(part)),
                "{keys}: {problems:?}"
            );
        }
        // What is in the files is part of the check, so that a change of them makes another; keys are not shown.
        let keys = format!("client_certificate = \"{certificate}\", client_key = \"{key}\"");
        let before = read(&keys).0.unwrap();
        assert_eq!(read(&keys).0.as_ref(), Some(&before));
        assert!(!format!("{before:?}").contains("PRIVATE"), "{before:?}");
        let new = rcgen::KeyPair::generate().unwrap();
        let renewed = rcgen::CertificateParams::default().self_signed(&new);
        keep("us.pem", &renewed.unwrap().pem());
        keep("us.key", &new.serialize_pem());
        assert_ne!(read(&keys).0, Some(before));
    }

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
