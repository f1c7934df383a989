//! Looks at a TCP port: whether it takes a connection, in the clear or with TLS, and answers what it should.

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

mod preset;
mod starttls;
mod step;

use preset::Preset;
use starttls::Start;
use step::Step;

/// `tcp = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    address: Address,
    /// What is said in the clear before the handshake.
    start: Vec<Step>,
    secure: Option<Secure>,
    steps: Vec<Step>,
    /// The protocol that is spoken, where a preset knows it.
    speaks: Option<&'static str>,
    slow: Option<Duration>,
}

impl Settings {
    /// Reads the table of a `tcp` key. Keys:
    ///
    /// - `address`: `host:port`, or `host` where a preset knows the port; must be there
    /// - `preset`: a protocol by name: its port, whether with TLS, and what is said
    /// - `tls`: `true`, or `{ name = …, verify = … }`
    /// - `starttls`: the protocol in which TLS is asked for after a greeting in the clear
    /// - `certificate_days`, `chain_days`, `certificate_fail_days`: when the end of a certificate is warned of
    /// - `send`, `expect`: what is said first, and a regular expression for the answer
    /// - `steps`: several of them, one after the other
    /// - `slow`: warns when it took longer
    /// - `ip`: `"4"`, `"6"` or `"any"`
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let preset = Preset::read(&mut section);
        let start = Start::read(&mut section).or(preset.and_then(Preset::start));
        let address = Address::read(&mut section, "address", preset.map(|preset| preset.port));
        let usual = start.is_some() || preset.is_some_and(|preset| preset.tls);
        let secure = Secure::read(&mut section, usual);
        if section.has("starttls") && secure.is_none() {
            section.refuse("tls", "\"starttls\" without TLS", "leave out tls = false");
        }
        let own = Step::read_all(&mut section);
        let slow = read_slow(&mut section);
        let family = Family::read(&mut section);
        section.finish();
        let start = start.filter(|_| secure.is_some());
        let speaks = preset.filter(|_| own.is_empty()).map(|preset| preset.name);
        let steps = match preset {
            Some(preset) if own.is_empty() => preset.steps(start.is_some()),
            Some(_) | None => own,
        };
        let mut address = address?;
        address.family = family;
        Some(Self {
            address,
            start: start.map(Start::steps).unwrap_or_default(),
            secure,
            steps,
            speaks,
            slow,
        })
    }

    /// Whom it talks to.
    pub(super) fn peer(&self) -> Peer {
        Peer::of(&self.address)
    }

    /// The address, for people.
    pub fn target(&self) -> String {
        self.address.text.to_string()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        let at = &*self.address.text;
        let mut judgement = Judgement::default();
        let mut stream = self.address.connect(env, trace).await?;
        match &self.secure {
            None => {
                step::run(&mut stream, &self.steps, at, trace).await?;
            }
            Some(secure) => {
                let left = step::run(&mut stream, &self.start, at, trace).await?;
                if left > 0 {
                    // It would be taken for something that was said under TLS (CVE-2011-0411).
                    let text = format!("{at} said more in the clear after it agreed to start TLS");
                    return Err(Outcome::fail(&text));
                }
                let host = (&self.address.host, at);
                let (mut stream, ends) = secure.shake(host, stream, &[], env, trace).await?;
                step::run(&mut stream, &self.steps, at, trace).await?;
                if let Some(ends) = ends {
                    secure.judge(&ends, env.clock.now(), &mut judgement, trace);
                }
            }
        }
        let took = trace.took();
        judgement.slow(trace, self.slow, took);
        let asks = self.steps.iter().any(|step| step.expect.is_some());
        let what = match self.speaks {
            Some(name) => format!("speaks {name}"),
            None if asks => "answered as expected".to_owned(),
            None if self.secure.is_some() => "connected with TLS".to_owned(),
            None => "connected".to_owned(),
        };
        Ok(judgement.timed(took, &what))
    }
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    #[test]
    fn an_address_needs_a_port_where_nothing_knows_it() {
        let (probe, problems) = read("tcp = { address = \"localhost\", expect = \"SSH\" }");
        assert_eq!(probe, None);
        assert_eq!(
            problems,
            [
                "t.toml:1:19: \"address\" is not a host and port; write address = \"db.example.org:5432\", or \"[::1]:5432\""
            ]
        );
        let (_, problems) = read("tcp = { expect = \"SSH\" }");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("\"address\" is missing"),
            "{problems:?}"
        );
        for (keys, target) in [
            ("address = \"a.example\", preset = \"ssh\"", "a.example:22"),
            (
                "address = \"a.example:2222\", preset = \"ssh\"",
                "a.example:2222",
            ),
            ("address = \"::1\", preset = \"imaps\"", "[::1]:993"),
        ] {
            let (probe, problems) = read(&format!("tcp = {{ {keys} }}"));
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(probe.unwrap().target(), target);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_meant() {
        for (keys, part) in [
            (
                "preset = \"shh\"",
                "did you mean \"ssh\"? there are: ssh, smtp, ",
            ),
            (
                "preset = \"quake\"",
                "\"quake\" is no \"preset\" that is known; there are: ssh, ",
            ),
            (
                "starttls = \"imaps\"",
                "did you mean \"imap\"? there are: smtp, ",
            ),
            (
                "starttls = \"smtp\", tls = false",
                "\"starttls\" without TLS",
            ),
            ("tls = 1", "\"tls\" is neither true nor false"),
            (
                "tls = { name = \"a b\" }",
                "no name that a certificate can be for",
            ),
            ("tls = { nam = \"a\" }", "did you mean \"name\"?"),
            (
                "certificate_days = 3",
                "where there is no certificate; add tls = true",
            ),
            ("send = '\\q'", "has an escape that is none: \\q"),
            (
                "steps = [{ expect = \"a\" }], send = \"x\"",
                "beside \"steps\"",
            ),
            (
                "steps = [{ expct = \"a\" }]",
                "in [check.shop.tcp.steps[0]]; did you mean \"expect\"?",
            ),
            ("steps = [{}]", "neither sends nor expects"),
            ("steps = 3", "\"steps\" is not a list of tables"),
            ("expect = \"(\"", "is not a regular expression"),
        ] {
            let (_, problems) = read(&format!("tcp = {{ address = \"a:1\", {keys} }}"));
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:#?}"
            );
        }
    }
}
