//! Looks at a port of our own as a visitor of this machine would: by asking it for a page.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::env::Env;
use super::error::Looked;
use super::http::{self, Target};
use super::trace::Trace;
use crate::core::outcome::Outcome;
use crate::settings::Section;

/// `port = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    address: SocketAddr,
    page: http::Settings,
}

impl Settings {
    /// Asks what listens on `address` for `path`, and wants 200. An unspecified address is asked over
    /// loopback.
    ///
    /// The error says what to write: a path that cannot be asked for.
    pub fn new(address: SocketAddr, path: &str) -> Result<Self, &'static str> {
        if !path.starts_with('/') {
            return Err("write a path that starts with /");
        }
        if address.port() == 0 {
            return Err("write a port from 1 to 65535");
        }
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        let asked = SocketAddr::new(ip, address.port());
        let target = Target::parse(&format!("http://{asked}{path}"))?;
        Ok(Self {
            address,
            page: http::Settings::of(target),
        })
    }

    /// Reads the table of a `port` key. Keys:
    ///
    /// - `address`: an IP address and port, as it is listened on; must be there
    /// - `path`: default `/`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let address = section.required("address");
        let path = section.string("path").unwrap_or_else(|| "/".to_owned());
        let parsed = address.map(|address| address.parse());
        let settings = match parsed {
            Some(Ok(address)) => Self::new(address, &path)
                .map_err(|hint| {
                    let key = if path.starts_with('/') {
                        "address"
                    } else {
                        "path"
                    };
                    section.refuse(key, format!("\"{key}\" cannot be asked"), hint);
                })
                .ok(),
            Some(Err(_)) => {
                section.refuse(
                    "address",
                    "\"address\" is not an IP address and port",
                    "write address = \"127.0.0.1:5000\"",
                );
                None
            }
            None => None,
        };
        section.finish();
        settings
    }

    /// The address that is asked, for people.
    pub fn target(&self) -> String {
        self.page.target()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        self.page.look(env, trace).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_listens_everywhere_is_asked_over_loopback() {
        for (address, asked) in [
            ("0.0.0.0:5000", "http://127.0.0.1:5000/x"),
            ("[::]:5000", "http://[::1]:5000/x"),
            ("10.1.2.3:5000", "http://10.1.2.3:5000/x"),
        ] {
            let settings = Settings::new(address.parse().unwrap(), "/x").unwrap();
            assert_eq!(settings.target(), asked);
        }
        assert!(Settings::new("127.0.0.1:1".parse().unwrap(), "x").is_err());
        assert!(Settings::new("127.0.0.1:0".parse().unwrap(), "/").is_err());
    }
}
