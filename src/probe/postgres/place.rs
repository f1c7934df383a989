//! Where a PostgreSQL is and how to log in, read from its URL once, and from the files that this names.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::{Host as PgHost, SslMode};

use crate::probe::address::{Address, Host};
use crate::probe::peer::Peer;
use crate::settings::Report;

mod certificates;
mod conninfo;
mod files;
mod parameter;

pub(super) use certificates::Certificates;
use conninfo::Parts;

const PORT: u16 = 5432;
/// What can be said of TLS. Whoever asks for it is not content with a certificate that nobody vouches for.
const SSLMODES: &str = "sslmode is disable, prefer (as allow: encrypted where the server can, and nothing verified), or \
    verify-full (as require and verify-ca: certificate and name verified)";
/// Most hosts of one URL that are tried.
pub(super) const MAX_HOSTS: usize = 4;

/// Largest file that a URL can name.
const FILE: u64 = 1 << 20;
/// Where Debian's libpq looks for the service file of the system, and where it puts sockets.
const SYSTEM: &str = "/etc/postgresql-common";
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/run/postgresql"];

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

    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(address, _) => Peer::of(address),
            Self::Socket(_) => Peer {
                text: self.text().into(),
                is_here: true,
            },
        }
    }

    /// Host and port as a password file names them: a socket in the usual folder is `localhost`.
    fn named(&self) -> (String, String) {
        match self {
            Self::Tcp(address, name) => (name.clone(), address.port.to_string()),
            Self::Socket(path) => {
                let folder = path.parent().unwrap_or(path).display().to_string();
                let port = path.extension().unwrap_or_default().to_string_lossy();
                let host = if SOCKETS.contains(&folder.as_str()) {
                    "localhost".to_owned()
                } else {
                    folder
                };
                (host, port.into_owned())
            }
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
    pub(super) certificates: Certificates,
    /// Whether it is the console of a pooler, which takes no options.
    pub(super) is_pooler: bool,
}

/// Where files and variables are read from.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a>(pub(super) &'a Report<'a>);

impl Reading<'_> {
    /// The text of a file. A change of it makes another configuration.
    fn file(self, key: &str, path: &Path) -> Result<String, String> {
        let path = self.0.folder().join(path);
        self.0.has_secret(&path);
        let size = fs::metadata(&path).map_or(0, |file| file.len());
        if size > FILE {
            return Err(format!("{key}: it is larger than {} KiB", FILE >> 10));
        }
        fs::read_to_string(&path).map_err(|error| format!("{key}: cannot read it: {error}"))
    }

    /// The same of a file that nobody else may read, as libpq wants it: it is ours, or it is root's and our
    /// group's.
    fn secret(self, key: &str, path: &Path) -> Result<String, String> {
        let text = self.file(key, path)?;
        let file = fs::metadata(self.0.folder().join(path));
        let is_open = file.is_ok_and(|file| {
            let others = if file.uid() == 0 { 0o037 } else { 0o077 };
            file.mode() & others != 0
        });
        if is_open {
            return Err(format!("{key}: others may read it; chmod 0600"));
        }
        Ok(text)
    }
}

impl Place {
    /// Whom it is: the first of several hosts, which is here only if all are. None where none is named.
    pub(super) fn peer(&self) -> Option<Peer> {
        let mut peers = self.ways.iter().map(Way::peer);
        let first = peers.next()?;
        let is_here = first.is_here && peers.all(|peer| peer.is_here);
        Some(Peer { is_here, ..first })
    }

    /// Reads a URL. None where it is empty. The error says what to write, and nothing of the URL: it may
    /// be any part of a password.
    pub(super) fn parse(url: &str, reading: Reading<'_>) -> Result<Option<Self>, String> {
        const FORM: &str = "write postgres://USER:PASSWORD@HOST:5432/DATABASE, with special characters of the password percent-encoded";
        let url = url.trim();
        if url.is_empty() {
            return Ok(None);
        }
        let mut parts = Parts::of(url).ok_or(FORM)?;
        if let Some(wrong) = parameter::wrong(url) {
            return Err(wrong);
        }
        let mut login: Config = parts.rest.parse().map_err(|_| FORM)?;
        if let Some(name) = parts.get("service").map(str::to_owned) {
            let service = service(&name, &parts, reading)?;
            let theirs: Config = service
                .rest
                .parse()
                .map_err(|_| "service: what it says is no connection")?;
            fill_in(&mut login, &theirs);
            parts.fill_in(service);
        }
        login.ssl_mode(match parts.get("sslmode").unwrap_or("prefer") {
            "disable" => SslMode::Disable,
            "allow" | "prefer" => SslMode::Prefer,
            "require" | "verify-ca" | "verify-full" => SslMode::Require,
            _ => return Err(SSLMODES.to_owned()),
        });
        let certificates = Certificates::read(&parts, reading)?;
        let ways = ways(&login).ok_or(FORM)?;
        if ways.is_empty() {
            return Err(
                "name a host, or a folder with a socket: ?host=/var/run/postgresql".to_owned(),
            );
        }
        login.application_name("belfry");
        if login.get_user().is_none() {
            return Err("name a user: postgres://USER@HOST/DATABASE".to_owned());
        }
        let place = Self {
            login,
            ways,
            certificates,
            is_pooler: false,
        };
        place.with_password(&parts, reading).map(Some)
    }

    /// The console of a pooler there.
    pub(super) fn of_pooler(self) -> Self {
        Self {
            is_pooler: true,
            ..self
        }
    }

    /// With the password of a password file, where there is none yet.
    fn with_password(mut self, parts: &Parts, reading: Reading<'_>) -> Result<Self, String> {
        if self.login.get_password().is_some() {
            return Ok(self);
        }
        let home = || Some(PathBuf::from(reading.0.variable("HOME")?).join(".pgpass"));
        let named = parts.get("passfile").map(PathBuf::from);
        let is_named = named.is_some();
        let named = named.or_else(|| reading.0.variable("PGPASSFILE").map(PathBuf::from));
        let Some(path) = named.or_else(home) else {
            return Ok(self);
        };
        let text = match reading.secret("passfile", &path) {
            Ok(text) => text,
            // As libpq does: one that nobody has named need not be there.
            Err(_) if !is_named => return Ok(self),
            Err(error) => return Err(error),
        };
        let user = self.login.get_user().unwrap_or_default();
        let database = self.login.get_dbname().unwrap_or(user);
        let password = self.ways.iter().find_map(|way| {
            let (host, port) = way.named();
            files::password(&text, [&host, &port, database, user])
        });
        if let Some(password) = password {
            self.login.password(password);
        }
        Ok(self)
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

/// The parameters of a service: of `servicefile`, `$PGSERVICEFILE` or `~/.pg_service.conf`, and then of the file of
/// the system.
fn service(name: &str, parts: &Parts, reading: Reading<'_>) -> Result<Parts, String> {
    let variable = |name| reading.0.variable(name).map(PathBuf::from);
    let named = parts
        .get("servicefile")
        .map(PathBuf::from)
        .or_else(|| variable("PGSERVICEFILE"));
    let own = named
        .clone()
        .or_else(|| Some(variable("HOME")?.join(".pg_service.conf")));
    let folder = variable("PGSYSCONFDIR").unwrap_or_else(|| PathBuf::from(SYSTEM));
    for path in own.into_iter().chain([folder.join("pg_service.conf")]) {
        let text = match reading.file("service", &path) {
            Ok(text) => text,
            Err(error) if named.as_ref() == Some(&path) => return Err(error),
            Err(_) => continue,
        };
        if let Some(pairs) = files::service(&text, name)? {
            return Ok(Parts::of_pairs(pairs));
        }
    }
    Err("service: it is in no service file".to_owned())
}

/// Takes from a service what the URL does not say.
fn fill_in(login: &mut Config, service: &Config) {
    if login.get_user().is_none()
        && let Some(user) = service.get_user()
    {
        login.user(user);
    }
    if login.get_password().is_none()
        && let Some(password) = service.get_password()
    {
        login.password(password);
    }
    if login.get_dbname().is_none()
        && let Some(database) = service.get_dbname()
    {
        login.dbname(database);
    }
    if login.get_options().is_none()
        && let Some(options) = service.get_options()
    {
        login.options(options);
    }
    if login.get_hosts().is_empty() && login.get_hostaddrs().is_empty() {
        for host in service.get_hosts() {
            match host {
                PgHost::Tcp(name) => login.host(name.as_str()),
                PgHost::Unix(folder) => login.host_path(folder),
            };
        }
        for address in service.get_hostaddrs() {
            login.hostaddr(*address);
        }
        if login.get_ports().is_empty() {
            for port in service.get_ports() {
                login.port(*port);
            }
        }
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
mod tests;
