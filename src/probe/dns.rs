//! Looks at what a name server says of a name.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::{
    DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, OpCode, Query,
};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::time::timeout_at;

use super::address::{Address, Host};
use super::env::Env;
use super::error::Looked;
use super::http::read_slow;
use super::level::Judgement;
use super::peer::Peer;
use super::tls::Secure;
use super::trace::Trace;
use crate::core::outcome::Outcome;
use crate::names::Family;
use crate::settings::Section;

mod answer;
mod ask;
mod verdict;

use answer::Expected;

/// Where name servers listen (RFC 1035; RFC 7858 for TLS).
const PORT: u16 = 53;
const TLS_PORT: u16 = 853;
/// Most answers that can be expected.
const MOST: usize = 50;

const TYPES: [(&str, RecordType); 10] = [
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("CNAME", RecordType::CNAME),
    ("MX", RecordType::MX),
    ("NS", RecordType::NS),
    ("PTR", RecordType::PTR),
    ("SOA", RecordType::SOA),
    ("SRV", RecordType::SRV),
    ("TXT", RecordType::TXT),
    ("CAA", RecordType::CAA),
];

/// How a name server is asked.
#[derive(Clone, Debug, PartialEq)]
enum Transport {
    /// And over TCP where the answer does not fit.
    Udp,
    Tcp,
    Tls(Secure),
}

impl Transport {
    /// Where it is listened on, usually.
    fn port(&self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => PORT,
            Self::Tls(_) => TLS_PORT,
        }
    }
}

/// `dns = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    name: Name,
    kind: RecordType,
    /// None for the first of the system.
    server: Option<Address>,
    transport: Transport,
    recurse: bool,
    expected: Expected,
    slow: Option<Duration>,
}

impl Settings {
    /// Reads the table of a `dns` key. Keys:
    ///
    /// - `name`: what is asked for; must be there
    /// - `type`: default `A`
    /// - `server`: who is asked, default the first name server of the system
    /// - `transport`: `"udp"`, `"tcp"` or `"tls"`
    /// - `tls`, `certificate_days`, `chain_days`, `certificate_fail_days`: as for tcp, with the last
    /// - `recurse`: whether the server may ask others, default true
    /// - `expect`: answers; without, any will do
    /// - `match`: `"all"` of them (default), `"any"`, or `"exact"`: all and no other
    /// - `rcode`: what the server should say, default `"NOERROR"`
    /// - `slow`: warns when it took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let name = read_name(&mut section);
        let words = TYPES.map(|(word, _)| word);
        let word = section.choice("type", &words).unwrap_or("A");
        let kind = TYPES.iter().find(|(known, _)| *known == word);
        let kind = kind.map_or(RecordType::A, |(_, kind)| *kind);
        let transport = section.choice("transport", &["udp", "tcp", "tls"]);
        let secure = Secure::read(&mut section, transport == Some("tls"));
        let transport = match (transport, secure) {
            (Some("tls"), Some(secure)) => Transport::Tls(secure),
            (_, Some(_)) | (Some("tls"), None) => {
                let hint = "write transport = \"tls\"";
                section.refuse(
                    "tls",
                    "\"tls\" and \"transport\" contradict each other",
                    hint,
                );
                Transport::Tcp
            }
            (Some("tcp"), None) => Transport::Tcp,
            (_, None) => Transport::Udp,
        };
        let usual = transport.port();
        let server = read_server(&mut section, usual);
        let recurse = section.boolean("recurse").unwrap_or(true);
        let expected = Expected::read(&mut section, kind, MOST);
        let slow = read_slow(&mut section);
        let family = Family::read(&mut section);
        section.finish();
        let server = server.map(|mut server| {
            server.family = family;
            server
        });
        Some(Self {
            name: name?,
            kind,
            server,
            transport,
            recurse,
            expected,
            slow,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        self.server.as_ref().map_or_else(Peer::resolver, Peer::of)
    }

    /// What is asked for, and whom, for people.
    pub fn target(&self) -> String {
        let of = self.server.as_ref();
        let of = of.map_or_else(String::new, |server| format!(" from {}", server.text));
        format!("{} {}{of}", self.shown(), self.kind)
    }

    /// The name as people write it.
    fn shown(&self) -> String {
        let text = self.name.to_ascii();
        let bare = text.strip_suffix('.').filter(|bare| !bare.is_empty());
        bare.unwrap_or(&text).to_owned()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let system;
        let server = if let Some(server) = &self.server {
            server
        } else {
            system = of_system(&self.transport)?;
            &system
        };
        let mut judgement = Judgement::default();
        let deadline = trace.deadline();
        let asking = ask::ask(self, server, env, &mut judgement, trace);
        let asked = timeout_at(deadline, asking).await;
        let asked = asked.unwrap_or_else(|_| Err(trace.silence(None)));
        let answer = match asked {
            // Our own resolver is no target.
            Err(outcome) if self.server.is_none() => {
                let text = format!("{}; look at /etc/resolv.conf", outcome.message());
                return Err(Outcome::unknown(&text));
            }
            asked => asked?,
        };
        let took = trace.took();
        verdict::judge(self, &answer, &server.text, &mut judgement, trace)?;
        judgement.slow(trace, self.slow, took);
        Ok(judgement.timed(took, &verdict::said(self, &answer)))
    }

    /// The question, under this number.
    fn question(&self, id: u16) -> Message {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = self.recurse;
        message.add_query(Query::query(self.name.clone(), self.kind));
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
        message.set_edns(edns);
        message
    }
}

fn read_name(section: &mut Section<'_>) -> Option<Name> {
    let text = section.required("name")?;
    let mut name = Name::from_utf8(&text)
        .or_else(|_| Name::from_ascii(&text))
        .ok();
    if name.is_none() || text.is_empty() {
        section.refuse(
            "name",
            "\"name\" is not a name that DNS can look up",
            "write name = \"example.org\"",
        );
        return None;
    }
    if let Some(name) = &mut name {
        name.set_fqdn(true);
    }
    name
}

fn read_server(section: &mut Section<'_>, usual: u16) -> Option<Address> {
    if section.has("server") {
        return Address::read(section, "server", Some(usual));
    }
    section.entry("server");
    None
}

/// The first name server of the system.
fn of_system(transport: &Transport) -> Looked<Address> {
    let unread = |why: &str| {
        Outcome::unknown(&format!(
            "the name servers of the system cannot be read: {why}; look at /etc/resolv.conf, or name a server"
        ))
    };
    let (config, _) = read_system_conf().map_err(|error| unread(&error.to_string()))?;
    let first = config.name_servers().first();
    let first = first.ok_or_else(|| unread("there is none"))?;
    let port = transport.port();
    let at = SocketAddr::new(first.ip, port);
    Ok(Address::new(Host::Ip(at.ip()), at.port()))
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn a_question_is_told_with_whom_it_is_asked_of() {
        for (keys, target) in [
            ("name = \"example.org\"", "example.org A"),
            (
                "name = \"example.org.\", type = \"MX\", server = \"9.9.9.9\"",
                "example.org MX from 9.9.9.9:53",
            ),
            (
                "name = \"bücher.example\", server = \"[::1]:5353\"",
                "xn--bcher-kva.example A from [::1]:5353",
            ),
            (
                "name = \".\", type = \"NS\", server = \"dns.example\", transport = \"tls\"",
                ". NS from dns.example:853",
            ),
            (
                "name = \"_sip._tcp.example.org\", type = \"SRV\"",
                "_sip._tcp.example.org SRV",
            ),
        ] {
            let (probe, problems) = read(&format!("dns = {{ {keys} }}"));
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(probe.unwrap().target(), target);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (keys, part) in [
            ("name = \"a..b\"", "not a name that DNS can look up"),
            ("name = \"a\", type = \"AAA\"", "did you mean \"A"),
            (
                "name = \"a\", transport = \"doh\"",
                "there are: udp, tcp, tls",
            ),
            ("name = \"a\", tls = true", "contradict each other"),
            (
                "name = \"a\", transport = \"tls\", tls = false",
                "contradict each other",
            ),
            (
                "name = \"a\", rcode = \"NXDOMIAN\"",
                "did you mean \"NXDOMAIN\"?",
            ),
            (
                "name = \"a\", expect = \"a.example\"",
                "\"a.example\" can be no answer of this type",
            ),
            (
                "name = \"a\", rcode = \"REFUSED\", expect = \"127.0.0.1\"",
                "beside \"rcode\"",
            ),
            (
                "name = \"a\", server = \"a b\"",
                "\"server\" is not a host and port",
            ),
        ] {
            let (_, problems) = read(&format!("dns = {{ {keys} }}"));
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
    }
}
