//! `tls` of a probe: whether a connection is secured, whose certificate it must be, and when that is warned of.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::days::{self, Days};
use super::stapled::hear;
use super::{Ends, outcome};
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::core::time::Time;
use crate::probe::address::Host;
use crate::probe::env::Env;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::{Stage, Trace};
use crate::settings::Section;

/// How a connection is secured.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::probe) struct Secure {
    /// The name that the certificate must be for; none for that of the host.
    name: Option<ServerName<'static>>,
    verify: bool,
    days: Days,
}

impl Secure {
    /// Reads `tls` (`true`, `false`, or a table with `name` and `verify`), and what [`Days::read`] does. None where the connection is to be in the clear, as it is where nothing is said and `usual` says so.
    pub(in crate::probe) fn read(section: &mut Section<'_>, usual: bool) -> Option<Self> {
        let is_table = section
            .entry("tls")
            .is_some_and(|entry| entry.value.as_table().is_some());
        let (wanted, name, verify) = if is_table {
            let mut table = section.table("tls")?;
            let name = read_name(&mut table);
            let verify = table.boolean("verify").unwrap_or(true);
            table.finish();
            (true, name, verify)
        } else {
            (section.boolean("tls").unwrap_or(usual), None, true)
        };
        for key in days::KEYS.into_iter().filter(|_| !wanted) {
            if section.has(key) {
                let message = format!("\"{key}\" where there is no certificate");
                section.refuse(key, message, "add tls = true");
            }
        }
        let days = Days::read(section);
        wanted.then_some(Self { name, verify, days })
    }

    /// The handshake over `stream` with `host`, which is named `at`; `protocols` are offered (ALPN), where
    /// there are any. Says when the certificates end.
    pub(in crate::probe) async fn shake(
        &self,
        (host, at): (&Host, &str),
        stream: TcpStream,
        protocols: &[&[u8]],
        env: &Env,
        trace: &mut Trace,
    ) -> Looked<(TlsStream<TcpStream>, Option<Ends>)> {
        trace.enter(Stage::Tls);
        let name = match (&self.name, host) {
            (Some(name), _) => name.clone(),
            (None, Host::Ip(ip)) => ServerName::IpAddress((*ip).into()),
            (None, Host::Name(name)) => {
                let bare = name.strip_suffix('.').unwrap_or(name).to_owned();
                ServerName::try_from(bare).map_err(|_| {
                    let text = format!("{name} is no name that a certificate can be for");
                    crate::core::outcome::Outcome::fail(&text)
                })?
            }
        };
        let mut config = if self.verify {
            env.tls.verified().await
        } else {
            env.tls.unverified().await
        };
        if !protocols.is_empty() {
            let own = Arc::make_mut(&mut config);
            own.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        }
        let (shaken, heard) = hear(TlsConnector::from(config).connect(name, stream)).await;
        let stream = shaken.map_err(|error| outcome(&error, at))?;
        let ends = env.tls.ends(&stream, heard).await;
        Ok((stream, ends))
    }

    /// What the ends of the certificates are worth at `now`.
    pub(in crate::probe) fn judge(
        &self,
        ends: &Ends,
        now: Time,
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) {
        let soon = ends.soon(self.days, now);
        let verdict = match soon.as_slice() {
            [] => Verdict::Pass,
            all if all.iter().any(|(verdict, _)| *verdict == Verdict::Fail) => Verdict::Fail,
            _ => Verdict::Warn,
        };
        trace.note(|| {
            let expected = self.days.of_leaf().expected();
            let above = ends.authority.as_ref();
            let above = above.map_or_else(String::new, |authority| {
                format!(", {} until {}", authority.name, authority.ends)
            });
            let found = format!("until {}{above}", ends.leaf);
            Finding::new("certificate", expected, found, true).worth(verdict)
        });
        ends.explain_stapled(trace);
        let days = ends.leaf.since(now).as_secs_f64() / 86_400.0;
        judgement.metric("certificate days", days.floor(), Unit::Count);
        let doubt = ends.doubt().map(|said| (Verdict::Warn, said));
        for (verdict, said) in soon.into_iter().chain(doubt) {
            judgement.add(verdict, || said);
        }
    }
}

fn read_name(table: &mut Section<'_>) -> Option<ServerName<'static>> {
    let text = table.string("name")?;
    let name = ServerName::try_from(text);
    if name.is_err() {
        table.refuse(
            "name",
            "\"name\" is no name that a certificate can be for",
            "write name = \"mail.example.org\"",
        );
    }
    name.ok()
}
