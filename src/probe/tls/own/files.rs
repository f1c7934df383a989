//! Certificates and keys from files, read with the configuration.

use std::fs;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::Client;
use crate::settings::Section;

/// Largest file of certificates or keys: all authorities of a system are a quarter of it.
const FILE: u64 = 1 << 20;

/// The authorities in the file under `ca`.
pub(super) fn authorities(section: &mut Section<'_>) -> Option<Vec<CertificateDer<'static>>> {
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

/// Our certificate and its key.
pub(super) fn client(section: &mut Section<'_>) -> Option<Client> {
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
    use super::fs;
    use crate::probe::tests::read as read_check;

    #[test]
    fn files_that_cannot_be_used_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
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
}
