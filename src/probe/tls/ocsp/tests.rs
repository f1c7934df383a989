//! Responses made by openssl, as authorities' own responders make them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

use super::*;

const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const SERVER: &str = "subjectAltName=DNS:localhost";
const RESPONDER: &str = "extendedKeyUsage=OCSPSigning";

fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    let ran = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "openssl {arguments}: {said}");
    ran.stdout
}

/// An authority `ca`, and the certificate of a server `leaf`, in a folder.
struct Place {
    folder: TempDir,
    now: u64,
}

impl Place {
    fn new(key: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        openssl(
            folder.path(),
            &format!(
                "req -x509 -newkey {key} -nodes -keyout ca.key -out ca.pem -subj /CN=Authority -days 30"
            ),
        );
        let now = now();
        let place = Self { folder, now };
        place.issue("leaf", SERVER);
        place
    }

    /// A certificate of the authority, and its key.
    fn issue(&self, name: &str, extension: &str) {
        self.issue_by("ca", name, extension);
    }

    fn issue_by(&self, authority: &str, name: &str, extension: &str) {
        openssl(
            self.folder.path(),
            &format!(
                "req -x509 -newkey {EC} -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days 30 \
                 -CA {authority}.pem -CAkey {authority}.key -addext {extension}"
            ),
        );
    }

    /// What `signer` says of the leaf by a register that has it as `is`: `V`, `R` with a date, or nothing.
    fn response(&self, is: &str, signer: &str, more: &str) -> Vec<u8> {
        self.response_on("leaf", is, signer, more)
    }

    fn response_on(&self, name: &str, is: &str, signer: &str, more: &str) -> Vec<u8> {
        let folder = self.folder.path();
        let serial = openssl(folder, &format!("x509 -in {name}.pem -noout -serial"));
        let serial = String::from_utf8(serial).expect("it is text");
        let serial = serial.trim().trim_start_matches("serial=");
        let revoked = if is == "R" { "260101000000Z" } else { "" };
        let line = format!("{is}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN={name}\n");
        let line = if is.is_empty() { "" } else { &line };
        fs::write(folder.join("index.txt"), line).expect("there is room");
        openssl(
            folder,
            &format!(
                "ocsp -index index.txt -rsigner {signer}.pem -rkey {signer}.key -CA ca.pem -issuer ca.pem \
                 {more} -cert {name}.pem -ndays 1 -respout response.der"
            ),
        );
        fs::read(folder.join("response.der")).expect("openssl wrote it")
    }

    fn proven(&self, response: &[u8]) -> Result<Status, Doubt> {
        // Not the beginning of the test: what was issued since would be of a time to come.
        self.proven_at(response, now())
    }

    fn proven_at(&self, response: &[u8], now: u64) -> Result<Status, Doubt> {
        let read = |name| CertificateDer::from_pem_file(self.folder.path().join(name));
        let (leaf, authority) = (read("leaf.pem").unwrap(), read("ca.pem").unwrap());
        let (_, parsed) = X509Certificate::from_der(&leaf).unwrap();
        let (_, authority) = X509Certificate::from_der(&authority).unwrap();
        let algorithms = default_provider().signature_verification_algorithms;
        let key = Key::parse(authority.public_key().raw).unwrap();
        assert!(key.has_issued(&leaf, &algorithms));
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        proven(response, (&parsed, &[key]), &algorithms, now)
    }
}

/// Seconds since 1970, by the clock that openssl goes by.
fn now() -> u64 {
    let now = crate::clock::Clock::start().now().millis();
    u64::try_from(now).unwrap() / 1_000
}

#[test]
fn what_the_authority_has_signed_is_proven() {
    for key in [EC, "rsa:2048", "ed25519"] {
        let place = Place::new(key);
        for (is, status) in [
            ("V", Status::Good),
            ("R", Status::Revoked),
            ("", Status::Unknown),
        ] {
            let response = place.response(is, "ca", "");
            assert_eq!(place.proven(&response), Ok(status), "{key} {is}");
        }
    }
}

#[test]
fn what_somebody_says_whom_the_authority_has_appointed_is_proven() {
    let place = Place::new(EC);
    place.issue("responder", RESPONDER);
    for more in ["", "-resp_key_id", "-sha256", "-no_nonce", "-rmd sha384"] {
        let response = place.response("R", "responder", more);
        assert_eq!(place.proven(&response), Ok(Status::Revoked), "{more}");
    }
    // The appointment ends as every certificate does.
    let response = place.response("V", "responder", "");
    let later = place.now + 31 * 86_400;
    assert_eq!(place.proven_at(&response, later), Err(Doubt::Forged));
}

#[test]
fn what_anybody_else_says_proves_nothing() {
    let place = Place::new(EC);
    // A server is no responder, though the authority has signed its certificate.
    let response = place.response("R", "leaf", "");
    assert_eq!(
        place.proven(&response),
        Err(Doubt::Forged),
        "the server itself"
    );
    place.issue("other", RESPONDER);
    let response = place.response("R", "other", "-resp_no_certs");
    assert_eq!(
        place.proven(&response),
        Err(Doubt::Forged),
        "not appointed in it"
    );
    // Another authority with the same name.
    let stranger = Place::new(EC);
    stranger.issue("responder", RESPONDER);
    for name in ["ca.key", "ca.pem", "responder.key", "responder.pem"] {
        let to = place.folder.path().join(["strange-", name].concat());
        fs::copy(stranger.folder.path().join(name), to).unwrap();
    }
    for signer in ["strange-ca", "strange-responder"] {
        let response = place.response("R", signer, "");
        assert_eq!(place.proven(&response), Err(Doubt::Forged), "{signer}");
    }
    let response = place.response("R", "ca", "-badsig");
    assert_eq!(
        place.proven(&response),
        Err(Doubt::Forged),
        "a wrong signature"
    );
}

#[test]
fn what_is_on_another_certificate_proves_nothing_of_this_one() {
    let place = Place::new(EC);
    place.issue("second", SERVER);
    let response = place.response_on("second", "V", "ca", "");
    assert_eq!(place.proven(&response), Err(Doubt::Another));
    let same_name = Place::new(EC);
    let response = place.response("V", "ca", "");
    assert_eq!(same_name.proven(&response), Err(Doubt::Another));
}

#[test]
fn a_response_has_its_time() {
    const DAY: u64 = 86_400;
    let place = Place::new(EC);
    let (good, now) = (place.response("V", "ca", ""), place.now);
    for (at, proven) in [
        (now - 2 * DAY, Err(Doubt::Early)),
        // Clocks differ.
        (now - DAY / 2, Ok(Status::Good)),
        (now + DAY + DAY / 2, Ok(Status::Good)),
        (now + 3 * DAY, Ok(Status::Over)),
    ] {
        assert_eq!(place.proven_at(&good, at), proven, "{at}");
    }
    // What is revoked stays so.
    let revoked = place.response("R", "ca", "");
    assert_eq!(
        place.proven_at(&revoked, now + 3 * DAY),
        Ok(Status::Revoked)
    );
}

#[test]
fn what_cannot_be_read_or_verified_is_no_proof_and_harms_nobody() {
    let place = Place::new(EC);
    place.issue("responder", RESPONDER);
    let good = place.response("V", "responder", "-no_nonce");
    for end in 0..good.len() {
        let (cut, _) = good.split_at(end);
        assert_eq!(place.proven(cut), Err(Doubt::Unreadable), "{end} bytes");
    }
    for at in 0..good.len() {
        let mut odd = good.clone();
        odd[at] ^= 1 << (at % 8);
        // Not all is signed; what is, is not another's word.
        let proven = place.proven(&odd);
        assert!(
            proven.is_err() || proven == Ok(Status::Good),
            "{at}: {proven:?}"
        );
    }
    assert_eq!(place.proven(b"garbage"), Err(Doubt::Unreadable));
    assert_eq!(place.proven(&vec![0x30; 60_000]), Err(Doubt::Unreadable));
    let later = [0x30, 3, 0x0a, 1, 3];
    assert_eq!(place.proven(&later), Err(Doubt::NoAnswer));
    // P-521, which ring does not know.
    let strange = Place::new(EC);
    openssl(
        strange.folder.path(),
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes -keyout odd.key -out odd.pem -subj /CN=odd \
         -CA ca.pem -CAkey ca.key -addext extendedKeyUsage=OCSPSigning",
    );
    let response = strange.response("R", "odd", "");
    assert_eq!(strange.proven(&response), Err(Doubt::Strange));
}
