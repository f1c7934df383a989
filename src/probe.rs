//! How to look at a target: one file per kind of probe, and here the list of them.
//!
//! A probe decides nothing: it looks once and says what it saw. A target that fails is an [`Outcome`].

use std::time::Duration;

use tokio::time::timeout_at;

use crate::core::outcome::Outcome;
use crate::settings::Section;

mod address;
mod carrier;
mod env;
mod error;
mod names;
mod pattern;
mod tls;
mod trace;

pub mod http;
pub mod own;
pub mod port;
pub mod postgres;
pub mod tcp;

pub use env::Env;

use trace::Trace;

/// A target and how to look at it.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    Http(http::Settings),
    Tcp(tcp::Settings),
    Postgres(postgres::Settings),
    Port(port::Settings),
    /// Belfry itself; made by the daemon, not written by users.
    Own(own::Settings),
}

impl Probe {
    /// The keys of a `[check.NAME]` that are probes.
    pub const KEYS: &'static [&'static str] = &["http", "tcp", "postgres", "port"];

    /// Reads the probe of a `[check.NAME]`: exactly one of [`Probe::KEYS`] must be there.
    pub fn read(check: &mut Section<'_>) -> Option<Self> {
        let keys: Vec<&'static str> = Self::KEYS
            .iter()
            .copied()
            .filter(|key| check.has(key))
            .collect();
        let chosen = keys.first().copied();
        for key in Self::KEYS.iter().filter(|key| Some(**key) != chosen) {
            // Asked for, so that it counts as known; what stands there is complained of below.
            check.entry(key);
        }
        if let Some(second) = keys.get(1) {
            check.refuse(
                second,
                format!("\"{second}\" is a second probe"),
                format!("keep one of {} in [{}]", keys.join(", "), check.path),
            );
        }
        let Some(chosen) = chosen else {
            let hint = format!(
                "add one of {}: http = {{ url = \"https://example.org/\" }}",
                Self::KEYS.join(", ")
            );
            check.report.at(
                check.source,
                check.span(),
                format!("[{}] has no probe", check.path),
                Some(hint),
            );
            return None;
        };
        let section = check.table(chosen)?;
        match chosen {
            "http" => http::Settings::read(section).map(Self::Http),
            "tcp" => tcp::Settings::read(section).map(Self::Tcp),
            "postgres" => postgres::Settings::read(section).map(Self::Postgres),
            "port" => port::Settings::read(section).map(Self::Port),
            _ => None,
        }
    }

    /// The word for its kind in pages, JSON and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Postgres(_) => "postgres",
            Self::Port(_) => "port",
            Self::Own(_) => "own",
        }
    }

    /// What it looks at, for people; passwords are not in it.
    pub fn target(&self) -> String {
        match self {
            Self::Http(settings) => settings.target(),
            Self::Tcp(settings) => settings.target(),
            Self::Postgres(settings) => settings.target(),
            Self::Port(settings) => settings.target(),
            Self::Own(settings) => settings.target(),
        }
    }

    /// What to write, where there is nothing to look at yet.
    pub fn not_configured(&self) -> Option<String> {
        match self {
            Self::Postgres(settings) => settings.not_configured(),
            Self::Http(_) | Self::Tcp(_) | Self::Port(_) | Self::Own(_) => None,
        }
    }

    /// Looks once. Returns within `timeout`, whatever the target does.
    pub async fn run(&self, env: &Env, timeout: Duration) -> Outcome {
        let mut trace = Trace::start(timeout);
        let deadline = trace.deadline();
        let look = async {
            match self {
                Self::Http(settings) => settings.look(env, &mut trace).await,
                Self::Tcp(settings) => settings.look(env, &mut trace).await,
                Self::Postgres(settings) => settings.look(env, &mut trace).await,
                Self::Port(settings) => settings.look(env, &mut trace).await,
                Self::Own(settings) => Ok(settings.look(env)),
            }
        };
        let looked = timeout_at(deadline, look).await;
        trace.conclude(looked)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use toml::de::DeTable;

    use super::*;
    use crate::settings::{Problem, Report, Source};

    /// The probe of a check that is written so, and the problems with it.
    pub(crate) fn read(text: &str) -> (Option<Probe>, Vec<String>) {
        let source = Source {
            name: Arc::from("t.toml"),
            text: text.to_owned(),
        };
        let environment = |name: &str| (name == "EMPTY").then(String::new);
        let report = Report::new(&environment, Path::new("."));
        let table = DeTable::parse(text).expect("the test writes valid TOML");
        let mut check = Section::new(
            "check.shop",
            table.get_ref(),
            table.span(),
            &source,
            &report,
        );
        let probe = Probe::read(&mut check);
        check.finish();
        let problems = report.into_problems();
        (probe, problems.iter().map(Problem::line).collect())
    }

    #[test]
    fn a_check_has_exactly_one_probe() {
        let (probe, problems) = read("");
        assert_eq!(probe, None);
        assert_eq!(
            problems,
            [
                "t.toml:1:1: [check.shop] has no probe; add one of http, tcp, postgres, port: http = { url = \"https://example.org/\" }"
            ]
        );

        let (_, problems) = read("tcp = { address = \"a:1\" }\nhttp = { url = \"http://a/\" }");
        assert_eq!(
            problems,
            ["t.toml:1:7: \"tcp\" is a second probe; keep one of http, tcp in [check.shop]"]
        );

        let (_, problems) = read("htp = { url = \"http://a/\" }");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems
                .iter()
                .any(|p| p.ends_with("did you mean \"http\"?")),
            "{problems:?}"
        );
    }

    #[test]
    fn looks_can_run_on_any_thread() {
        fn any_thread<T: Send>(value: T) -> T {
            value
        }
        fn shared<T: Send + Sync>(_: &T) {}
        let env = Env::new(crate::clock::Clock::start(), Arc::default());
        let probe = read("postgres = { url = \"postgres://u@h/d\" }")
            .0
            .expect("it is valid");
        shared(&env);
        shared(&probe);
        drop(any_thread(probe.run(&env, Duration::from_secs(1))));
    }

    #[test]
    fn every_key_is_read_by_its_kind() {
        for (key, text) in [
            ("http", "http = { url = \"http://a.example/\" }"),
            ("tcp", "tcp = { address = \"a.example:22\" }"),
            ("postgres", "postgres = { url = \"postgres://u@h/d\" }"),
            ("port", "port = { address = \"0.0.0.0:5000\" }"),
        ] {
            let (probe, problems) = read(text);
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(probe.expect("it is valid").kind(), key);
        }
        let wrong = Probe::KEYS
            .iter()
            .map(|key| read(&format!("{key} = {{ wrong = 1 }}")).1);
        for problems in wrong {
            assert!(
                problems.iter().any(|p| p.contains("unknown key \"wrong\"")),
                "{problems:?}"
            );
        }
    }
}
