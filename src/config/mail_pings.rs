//! `[mail_pings]`: where pings by e-mail are taken, and what stands behind the @.

use std::net::SocketAddr;
use std::sync::Arc;

use super::listen;
use crate::settings::Section;

/// The key of the addresses, and their usual port: one that needs no privilege.
const LISTEN: (&str, u16) = ("listen", 2525);
/// Longest domain (RFC 1035, section 2.3.4).
const DOMAIN_CHARS: usize = 253;
/// Longest label of one.
const LABEL_CHARS: usize = 63;

/// What `[mail_pings]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPings {
    pub listen: Vec<SocketAddr>,
    /// In lower case.
    pub domain: Arc<str>,
}

/// None where there is no such section, or it is off.
pub(super) fn read(section: Option<Section<'_>>) -> Option<MailPings> {
    let mut section = section?;
    let listen = listen::addresses(&mut section, LISTEN);
    let domain = section.string("domain");
    let hint = "write domain = \"ping.example.org\": a ping goes to UUID@ping.example.org";
    match &domain {
        Some(domain) if is_domain(domain) => {}
        Some(_) => section.refuse("domain", "\"domain\" is no domain", hint),
        None if section.has("domain") => {}
        None => section.refuse("domain", "\"domain\" is missing", hint),
    }
    section.finish();
    let domain = domain.unwrap_or_default().to_ascii_lowercase().into();
    (!listen.is_empty()).then_some(MailPings { listen, domain })
}

fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label =
        |label: &str| (1..=LABEL_CHARS).contains(&label.len()) && label.bytes().all(plain);
    text.len() <= DOMAIN_CHARS && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_can_stand_behind_an_at_sign() {
        for text in ["ping.example.org", "web-1", "xn--bcher-kva.example"] {
            assert!(is_domain(text), "{text}");
        }
        let long = "a".repeat(64);
        for text in [
            "",
            ".",
            "a..b",
            "a b",
            "a@b",
            "ping.example.org.",
            "[::1]",
            &long,
        ] {
            assert!(!is_domain(text), "{text}");
        }
    }
}
