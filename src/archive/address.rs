//! The address of Postgres as its own clients write it, and how far the other side must prove who it is.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::failure::Failure;

/// Whose word is taken for the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nobody's: `sslmode=prefer`, which would do without TLS as well, encrypts and asks no further.
    Unproven,
    /// The certificate authorities of the system: `require`, `verify-ca` and `verify-full`.
    System,
    /// The certificates in this file: `sslrootcert=…`.
    File(PathBuf),
}

/// What is said of an address that cannot be read. The parser's own words could repeat a password.
const UNREADABLE: &str = "the address cannot be read; write url = \"postgres://user@host:5432/database\", \
     special characters in user and password percent-encoded";

/// Reads an address. Beside what tokio-postgres knows, a URL may say `sslmode=verify-ca`, `verify-full`
/// or `allow` and `sslrootcert=PATH` (or `system`), as with libpq.
pub(super) fn parse(address: &str) -> Result<(Config, Trust), Failure> {
    let (plain, root) = translated(address);
    let unreadable = |_| Failure::Later(UNREADABLE.to_owned());
    let mut config: Config = plain.parse().map_err(unreadable)?;
    let hosts = config.get_hosts();
    let local = |host: &Host| matches!(host, Host::Unix(_));
    if !hosts.is_empty() && hosts.iter().all(local) {
        // Postgres offers no TLS on a Unix socket; libpq ignores sslmode there, too.
        config.ssl_mode(SslMode::Disable);
    }
    let trust = match root {
        Some(path) if path.as_os_str() != "system" => Trust::File(path),
        Some(_) => Trust::System,
        None if config.get_ssl_mode() == SslMode::Require => Trust::System,
        None => Trust::Unproven,
    };
    Ok((config, trust))
}

/// The address in the words of tokio-postgres, and what `sslrootcert` said.
fn translated(address: &str) -> (String, Option<PathBuf>) {
    // A question mark before the @ is part of the password.
    let (credentials, rest) = address
        .split_once('@')
        .map_or((None, address), |(before, after)| (Some(before), after));
    let Some((place, query)) = rest.split_once('?') else {
        return (address.to_owned(), None);
    };
    let mut root = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => {
                let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
                root = Some(PathBuf::from(path));
            }
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            Some(("sslmode", "allow")) => kept.push("sslmode=prefer"),
            _ => kept.push(pair),
        }
    }
    let credentials = credentials.map(|text| format!("{text}@"));
    let question = if kept.is_empty() { "" } else { "?" };
    let plain = format!(
        "{}{place}{question}{}",
        credentials.unwrap_or_default(),
        kept.join("&")
    );
    (plain, root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_libpq_for_tls_are_understood() {
        for (address, mode, trust) in [
            ("postgres://a@h/d", SslMode::Prefer, Trust::Unproven),
            (
                "postgres://a@h/d?sslmode=disable",
                SslMode::Disable,
                Trust::Unproven,
            ),
            (
                "postgres://a@h/d?sslmode=allow&keepalives=1",
                SslMode::Prefer,
                Trust::Unproven,
            ),
            (
                "postgres://a@h/d?sslmode=require",
                SslMode::Require,
                Trust::System,
            ),
            (
                "postgres://a@h/d?sslmode=verify-full",
                SslMode::Require,
                Trust::System,
            ),
            (
                "postgres://a@h/d?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca%20one.pem",
                SslMode::Require,
                Trust::File("/etc/ca one.pem".into()),
            ),
            (
                "postgres:///d?host=/run/postgresql&sslmode=require",
                SslMode::Disable,
                Trust::Unproven,
            ),
        ] {
            let (config, trusted) = parse(address).expect(address);
            assert_eq!((config.get_ssl_mode(), trusted), (mode, trust), "{address}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_repeated() {
        for address in [
            "postgres://a:hush@h/d?hush=1",
            "host=h password=x hush=1",
            "hush",
        ] {
            let Err(Failure::Later(text)) = parse(address) else {
                panic!("{address} was read");
            };
            assert!(
                !text.contains("hush") && text.contains("postgres://"),
                "{text}"
            );
        }
    }
}
