//! Where a PostgreSQL is and how to log in, read from its URL once.

use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::{Host as PgHost, SslMode};

use crate::probe::address::{Address, Host};

const PORT: u16 = 5432;
/// Most hosts of one URL that are tried.
pub(super) const MAX_HOSTS: usize = 4;

/// A way to the server.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Way {
    /// The address, and the name that the certificate must be for.
    Tcp(Address, String),
    Socket(PathBuf),
}

impl Way {
    /// As messages name it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Tcp(address, _) => address.text.to_string(),
            Self::Socket(path) => path.display().to_string(),
        }
    }
}

/// What a URL says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// User, password, database and TLS; its `Debug` hides the password.
    pub(super) login: Config,
    /// Never empty.
    pub(super) ways: Vec<Way>,
}

impl Place {
    /// Reads a URL. None where it is empty. The error says what to write, and nothing of the URL: it may
    /// be any part of a password.
    pub(super) fn parse(url: &str) -> Result<Option<Self>, &'static str> {
        const FORM: &str = "write postgres://USER:PASSWORD@HOST:5432/DATABASE, with special characters of the password percent-encoded";
        let url = url.trim();
        if url.is_empty() {
            return Ok(None);
        }
        // Not known to the library; here "require" verifies all that these ask for.
        let known = url
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut login: Config = known.parse().map_err(|_| FORM)?;
        let ways = ways(&login).ok_or(FORM)?;
        if ways.is_empty() {
            return Err("name a host, or a folder with a socket: ?host=/var/run/postgresql");
        }
        login.application_name("belfry");
        if login.get_user().is_none() {
            return Err("name a user: postgres://USER@HOST/DATABASE");
        }
        Ok(Some(Self { login, ways }))
    }

    /// Without the password.
    pub(super) fn shown(&self) -> String {
        let user = self.login.get_user().unwrap_or_default();
        let ways: Vec<String> = self.ways.iter().map(Way::text).collect();
        let database = self.login.get_dbname().unwrap_or(user);
        format!("postgres://{user}@{}/{database}", ways.join(","))
    }

    /// `text` without the password, should the server have sent it back to us.
    pub(super) fn masked(&self, text: &str) -> String {
        let password = self
            .login
            .get_password()
            .and_then(|p| str::from_utf8(p).ok());
        match password {
            Some(password) if !password.is_empty() => text.replace(password, "…"),
            Some(_) | None => text.to_owned(),
        }
    }

    /// Whether the server's certificate must be verified.
    pub(super) fn is_verified(&self) -> bool {
        self.login.get_ssl_mode() == SslMode::Require
    }
}

fn ways(login: &Config) -> Option<Vec<Way>> {
    let ports = login.get_ports();
    let port = |nth: usize| match ports {
        [] => Some(PORT),
        [one] => Some(*one),
        many => many.get(nth).copied(),
    };
    let mut ways = Vec::new();
    let addresses = login.get_hostaddrs();
    let named = login.get_hosts();
    for nth in 0..named.len().max(addresses.len()).min(MAX_HOSTS) {
        let port = port(nth).filter(|port| *port > 0)?;
        let address = addresses.get(nth).map(|ip| Host::Ip(*ip));
        ways.push(match named.get(nth) {
            Some(PgHost::Tcp(name)) => {
                let host = address.or_else(|| Host::parse(name))?;
                Way::Tcp(Address::new(host, port), name.clone())
            }
            Some(PgHost::Unix(folder)) => Way::Socket(socket(folder, port)),
            None => {
                let address = Address::new(address?, port);
                let name = addresses.get(nth)?.to_string();
                Way::Tcp(address, name)
            }
        });
    }
    Some(ways)
}

fn socket(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_ways_to_the_server() {
        for (url, shown) in [
            ("postgres://u@h/d", "postgres://u@h:5432/d"),
            (
                "postgresql://u:p@127.0.0.1:6000",
                "postgres://u@127.0.0.1:6000/u",
            ),
            ("postgres://u@a:1,b:2/d", "postgres://u@a:1,b:2/d"),
            (
                "host=/run/pg user=u dbname=d",
                "postgres://u@/run/pg/.s.PGSQL.5432/d",
            ),
            (
                "postgres://u@h/d?sslmode=verify-full",
                "postgres://u@h:5432/d",
            ),
        ] {
            let place = Place::parse(url).unwrap().unwrap();
            assert_eq!(place.shown(), shown);
            assert_eq!(place.is_verified(), url.contains("verify"), "{url}");
        }
        assert!(Place::parse("postgres:///d").is_err());
        assert!(Place::parse("host=h dbname=d").is_err());
    }

    #[test]
    fn a_password_that_a_server_echoes_is_taken_out() {
        let place = Place::parse("postgres://u:hunter2@h/d").unwrap().unwrap();
        assert_eq!(place.masked("you said hunter2!"), "you said …!");
        let place = Place::parse("postgres://u@h/d").unwrap().unwrap();
        assert_eq!(place.masked("as it is"), "as it is");
    }
}
