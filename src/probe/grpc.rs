//! Looks at the health of a gRPC server, by the protocol that its kind agreed on (`grpc.health.v1`).

use std::time::Duration;

use super::address::Address;
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

mod call;
mod message;
mod verdict;

/// Longest name of a service, in bytes.
const LONGEST: usize = 200;

/// `grpc = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    address: Address,
    /// Empty for the server as a whole.
    service: String,
    secure: Option<Secure>,
    slow: Option<Duration>,
}

impl Settings {
    /// Reads the table of a `grpc` key. Keys:
    ///
    /// - `address`: `host:port`; must be there
    /// - `service`: whose health, default that of the server as a whole
    /// - `tls`, `certificate_days`, `chain_days`, `certificate_fail_days`: as for tcp
    /// - `slow`: warns when it took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let address = Address::read(&mut section, "address", None);
        let service = section.string("service").unwrap_or_default();
        if service.len() > LONGEST {
            section.refuse("service", "\"service\" is too long", "at most 200 bytes");
        }
        let secure = Secure::read(&mut section, false);
        let slow = read_slow(&mut section);
        let family = Family::read(&mut section);
        section.finish();
        let mut address = address?;
        address.family = family;
        Some(Self {
            address,
            service,
            secure,
            slow,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.address)
    }

    /// The address, and the service where there is one, for people.
    pub fn target(&self) -> String {
        let at = &self.address.text;
        if self.service.is_empty() {
            at.to_string()
        } else {
            format!("{} at {at}", self.service)
        }
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let at = &*self.address.text;
        let mut judgement = Judgement::default();
        let stream = self.address.connect(env, trace).await?;
        let answer = match &self.secure {
            None => call::call(self, stream, "http", trace).await?,
            Some(secure) => {
                let host = (&self.address.host, at);
                let (stream, ends) = secure.shake(host, stream, &[b"h2"], env, trace).await?;
                let answer = call::call(self, stream, "https", trace).await?;
                if let Some(ends) = ends {
                    secure.judge(&ends, env.clock.now(), &mut judgement, trace);
                }
                answer
            }
        };
        let took = trace.took();
        verdict::judge(&self.service, &answer, at, trace)?;
        judgement.slow(trace, self.slow, took);
        Ok(judgement.timed(took, "SERVING"))
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn a_service_is_told_with_its_server() {
        for (keys, target) in [
            ("", "a.example:50051"),
            (
                ", service = \"shop.Orders\"",
                "shop.Orders at a.example:50051",
            ),
        ] {
            let (probe, problems) =
                read(&format!("grpc = {{ address = \"a.example:50051\"{keys} }}"));
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(probe.unwrap().target(), target);
        }
        let long = "x".repeat(201);
        let (_, problems) = read(&format!(
            "grpc = {{ address = \"a:1\", service = \"{long}\" }}"
        ));
        assert!(
            problems[0].contains("\"service\" is too long"),
            "{problems:?}"
        );
    }
}
