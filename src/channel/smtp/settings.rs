//! A mail server as its URL describes it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use tokio_rustls::rustls::ClientConfig;

use super::tls;
use crate::core::text;
use crate::settings::Secret;

/// A mail server, and how to talk to it.
#[derive(Clone)]
pub struct Settings {
    /// Name or address.
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<Login>,
    /// Whom to believe that the server is the server.
    pub tls: Arc<ClientConfig>,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// `smtp`: STARTTLS where it is offered, and then verified. Not used on this machine's own addresses,
    /// where there is nobody in between and the certificate is rarely one that can be verified.
    Offered,
    /// `smtp+starttls`: STARTTLS, or nothing is sent.
    Required,
    /// `smtps`: TLS from the first byte.
    Implicit,
}

/// Who we are to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: Secret,
}

/// The trust in certificates is the same for all.
impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let told = |s: &Self| (s.host.clone(), s.port, s.security, s.login.clone());
        told(self) == told(other)
    }
}

impl Login {
    pub(super) fn credentials(&self) -> Credentials {
        Credentials::new(self.user.clone(), self.password.expose().to_owned())
    }
}

impl Settings {
    /// Reads a URL; see [`super::super::relay::Relay::parse`].
    ///
    /// # Errors
    /// What is wrong with it and what to write, without any password.
    pub fn parse(url: &str, password: Option<Secret>) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| {
            "a relay is a URL: write smtp://host, smtp+starttls://host or smtps://user@host"
                .to_owned()
        })?;
        let (security, port) = match scheme {
            "smtp" => (Security::Offered, 25),
            "smtp+starttls" => (Security::Required, 587),
            "smtps" => (Security::Implicit, 465),
            _ => {
                let scheme = text::line(scheme, 20);
                return Err(format!(
                    "\"{scheme}\" is no kind of relay: write smtp://, smtp+starttls:// or smtps://"
                ));
            }
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = host_and_port(place, port)?;
        let login = user.map(|user| login(user, password)).transpose()?;
        Ok(Self {
            host,
            port,
            security,
            login,
            tls: tls::trust(),
        })
    }
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`. The text is not repeated in errors: a URL that is split
/// wrongly may have a password here.
fn host_and_port(place: &str, usual: u16) -> Result<(String, u16), String> {
    let (host, port) = match place.strip_prefix('[') {
        Some(bracket) => {
            let (address, after) = bracket
                .split_once(']')
                .ok_or("an IPv6 address needs its closing bracket: [::1]:25")?;
            let address: IpAddr = address
                .parse()
                .map_err(|_| "there is no IPv6 address between the brackets".to_owned())?;
            let port = match after {
                "" => None,
                after => Some(after.strip_prefix(':').unwrap_or("no port")),
            };
            (address.to_string(), port)
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (place.to_owned(), None),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
        return Err(
            "the host is missing or not a name: write smtp://mail.example.org:25 \
                    (special characters in a user or password as %40, %2F, …)"
                .to_owned(),
        );
    }
    let port = match port {
        None => usual,
        Some(port) => port
            .parse()
            .ok()
            .filter(|&port| port != 0)
            .ok_or("the port must be a number from 1 to 65535")?,
    };
    Ok((host, port))
}

fn login(user: &str, password: Option<Secret>) -> Result<Login, String> {
    let (user, inline) = match user.split_once(':') {
        Some((user, password)) => (user, Some(decoded(password)?)),
        None => (user, None),
    };
    let user = decoded(user)?;
    if user.is_empty() {
        return Err("the user before the @ is empty".to_owned());
    }
    let password = inline.map(Secret::new).or(password);
    let password = password.ok_or_else(|| {
        let user = text::line(&user, 80);
        format!("no password for \"{user}\": write password = {{ file = \"…\" }} beside it")
    })?;
    if user.contains('\0') || password.expose().contains('\0') {
        return Err("a user or password cannot hold a NUL".to_owned());
    }
    Ok(Login { user, password })
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| "the user or password is not UTF-8 after decoding its %xx")?;
    Ok(decoded.into_owned())
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("login", &self.login.as_ref().map(|login| &login.user))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Settings, String> {
        Settings::parse(url, Some(Secret::new("from-the-file")))
    }

    #[test]
    fn each_scheme_has_its_port_and_its_protection() {
        for (url, name, security) in [
            ("smtp://localhost", "localhost:25", Security::Offered),
            (
                "smtp://127.0.0.1:2525/",
                "127.0.0.1:2525",
                Security::Offered,
            ),
            (
                "smtp+starttls://mx.example.org",
                "mx.example.org:587",
                Security::Required,
            ),
            (
                "smtps://u@mx.example.org",
                "mx.example.org:465",
                Security::Implicit,
            ),
            ("smtps://[::1]", "[::1]:465", Security::Implicit),
            ("smtp://[::1]:26", "[::1]:26", Security::Offered),
        ] {
            let settings = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (settings.to_string().as_str(), settings.security),
                (name, security)
            );
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_the_one_in_the_url_counts() {
        let login = |url| parse(url).unwrap().login.unwrap();
        let both = login("smtps://me%40example.org:p%40ss%3Aw%2Fd@mx.example.org");
        assert_eq!(
            (both.user.as_str(), both.password.expose()),
            ("me@example.org", "p@ss:w/d")
        );
        let user = login("smtps://me@mx.example.org");
        assert_eq!(
            (user.user.as_str(), user.password.expose()),
            ("me", "from-the-file")
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write_and_without_the_password() {
        for (url, hint) in [
            ("mail.example.org", "write smtp://host"),
            (
                "http://mail.example.org",
                "write smtp://, smtp+starttls:// or smtps://",
            ),
            ("smtp://", "host is missing"),
            ("smtp://host:0", "from 1 to 65535"),
            ("smtp://host:sesame", "from 1 to 65535"),
            ("smtp://[::1", "closing bracket"),
            ("smtp://[sesame]:25", "no IPv6 address"),
            ("smtp://[::1]25", "from 1 to 65535"),
            ("smtps://:sesame@host", "user before the @"),
            ("smtps://me:ses/ame@ho st", "%2F"),
            ("smtps://me:sesame@", "host is missing"),
            ("smtps://me:%ffsesame@host", "not UTF-8"),
            ("smtps://me:a%00sesame@host", "NUL"),
        ] {
            let error = parse(url).map(|settings| settings.to_string()).unwrap_err();
            assert!(error.contains(hint), "{url}: {error}");
            assert!(!error.contains("sesame"), "{url}: {error}");
        }
        let error = Settings::parse("smtps://me@host", None).unwrap_err();
        assert!(error.contains("password = { file"), "{error}");
    }

    #[test]
    fn a_relay_is_never_shown_with_its_password() {
        let settings = parse("smtps://me:sesame@mx.example.org").unwrap();
        assert!(!format!("{settings} {settings:?}").contains("sesame"));
    }
}
