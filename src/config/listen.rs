//! `[listen]`: the addresses of the status page and of the two hello pages.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::settings::Section;

/// Most addresses of one page; a host has few.
const MAX_ADDRESSES: usize = 16;
/// The pages and their usual ports.
const STATUS: (&str, u16) = ("status", 8080);
const HELLO: (&str, u16) = ("hello", 5000);
const SHRUNKEN: (&str, u16) = ("shrunken", 3000);

/// Where the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The status page, the API and the pings; at least one.
    pub status: Vec<SocketAddr>,
    /// The hello page; none where it is off.
    pub hello: Vec<SocketAddr>,
    /// The shrunken hello page; none where it is off.
    pub shrunken: Vec<SocketAddr>,
}

impl Listen {
    pub(super) fn read(section: Option<Section<'_>>) -> Self {
        let Some(mut section) = section else {
            return Self {
                status: usual(STATUS.1),
                hello: usual(HELLO.1),
                shrunken: usual(SHRUNKEN.1),
            };
        };
        let listen = Self {
            status: addresses(&mut section, STATUS),
            hello: addresses(&mut section, HELLO),
            shrunken: addresses(&mut section, SHRUNKEN),
        };
        if listen.status.is_empty() {
            section.refuse(
                STATUS.0,
                "the status page cannot be off: pings and commands arrive there",
                "write status = \"127.0.0.1:8080\"",
            );
        }
        listen.refuse_twice(&section);
        section.finish();
        listen
    }

    /// The addresses of the status page as this machine itself reaches them, those first that cannot be
    /// anybody else's.
    pub fn near(&self) -> Vec<SocketAddr> {
        let own = |address: &SocketAddr| {
            let ip = match address.ip() {
                ip if !ip.is_unspecified() => ip,
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            SocketAddr::new(ip, address.port())
        };
        let mut near: Vec<SocketAddr> = self.status.iter().map(own).collect();
        // A stable sort: among equals the configuration's order stands.
        near.sort_by_key(|address| !address.ip().to_canonical().is_loopback());
        near
    }

    /// Of the three pages: status, hello, shrunken.
    pub(super) fn pages(&self) -> [&[SocketAddr]; 3] {
        [&self.status, &self.hello, &self.shrunken]
    }

    /// Complains of an address that two pages want. Port 0 is a free one, each time another.
    fn refuse_twice(&self, section: &Section<'_>) {
        let mut taken: BTreeMap<SocketAddr, &str> = BTreeMap::new();
        let pages = [
            (STATUS.0, &self.status),
            (HELLO.0, &self.hello),
            (SHRUNKEN.0, &self.shrunken),
        ];
        for (key, list) in pages {
            for address in list.iter().filter(|address| address.port() != 0) {
                if let Some(other) = taken.insert(*address, key) {
                    let message = format!("{address} is taken by \"{other}\" already");
                    section.refuse(key, message, "give each page a port of its own");
                }
            }
        }
    }
}

fn usual(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]
}

/// One address or a list of them; `"off"` and an empty list are none.
pub(super) fn addresses(
    section: &mut Section<'_>,
    (key, port): (&'static str, u16),
) -> Vec<SocketAddr> {
    if section.has(key)
        && section
            .entry(key)
            .is_some_and(|entry| entry.value.as_integer().is_some())
    {
        let hint = format!("write {key} = \"127.0.0.1:{port}\"");
        section.refuse(key, format!("\"{key}\" needs an address"), hint);
        return usual(port);
    }
    let Some(texts) = section.strings(key) else {
        return usual(port);
    };
    if texts.len() > MAX_ADDRESSES {
        let message = format!("\"{key}\" has more than {MAX_ADDRESSES} addresses");
        section.refuse(
            key,
            message,
            format!("write {key} = \"0.0.0.0:{port}\" for all of them"),
        );
        return usual(port);
    }
    let mut list = Vec::new();
    let mut is_off = true;
    for (text, span) in texts.into_iter().filter(|(text, _)| text != "off") {
        is_off = false;
        match address(&text) {
            Ok(address) => list.push(address),
            Err(hint) => {
                let message = format!("\"{text}\" is no address to listen on");
                section.report.at(section.source, span, message, Some(hint));
            }
        }
    }
    if list.is_empty() && !is_off {
        return usual(port);
    }
    list
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`; the error says what to write.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        let example = SocketAddr::new(ip, STATUS.1);
        return Err(format!("add the port: \"{example}\""));
    }
    match text
        .rsplit_once(':')
        .map(|(host, port)| (host, port.parse::<u16>()))
    {
        Some(("localhost", Ok(port))) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Some(("" | "*", Ok(port))) => Err(format!(
            "write \"0.0.0.0:{port}\" to let others in, or \"127.0.0.1:{port}\""
        )),
        Some((_, Ok(port))) => Err(format!(
            "write the IP address of this host, not a name: \"127.0.0.1:{port}\""
        )),
        Some((_, Err(_))) | None => Err("write address and port: \"127.0.0.1:8080\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_and_a_port() {
        for (text, means) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:80", "[::1]:80"),
            ("localhost:80", "127.0.0.1:80"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), means);
        }
        for (text, hint) in [
            ("8080", "write address and port"),
            (":8080", "\"0.0.0.0:8080\""),
            ("::1", "\"[::1]:8080\""),
            ("10.0.0.1", "\"10.0.0.1:8080\""),
            ("example.org:80", "not a name"),
            ("127.0.0.1:99999", "write address and port"),
        ] {
            let error = address(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
