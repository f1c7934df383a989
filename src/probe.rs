//! How to look at a target: one file per kind of probe, and here the list of them.
//!
//! A probe decides nothing: it looks once and says what it saw. A target that fails is an [`Outcome`].

use std::time::Duration;

use tokio::time::timeout_at;

use crate::core::check::UPLINK;
use crate::core::outcome::Outcome;
use crate::settings::{Around, Section, near};

mod address;
mod aside;
mod bounds;
mod carrier;
mod command;
mod datagram;
mod env;
mod errand;
mod error;
mod escape;
mod finding;
mod kept;
mod level;
mod pattern;
mod peer;
mod regular;
mod tls;
mod trace;

pub mod composite;
pub mod disk;
pub mod dns;
pub mod exec;
pub mod file;
pub mod grpc;
pub mod host;
pub mod http;
pub mod icmp;
pub mod log;
pub mod net;
pub mod ntp;
pub mod own;
pub mod port;
pub mod postgres;
pub mod process;
pub mod tcp;
pub mod udp;
pub mod unit;
pub mod uplink;
pub mod websocket;

pub use composite::Known;
pub use env::Env;
pub use errand::Errand;
pub use finding::Finding;
pub use own::Unseen;
pub use peer::Peer;

use error::Looked;
use postgres::bouncer as pgbouncer;
use trace::Trace;

/// Makes [`Probe`] from one row a kind: the key of a `[check.NAME]` that is also its name everywhere, the
/// variant, the module.
macro_rules! kinds {
    ($($key:literal => $kind:ident, $module:ident;)*) => {
        /// A target and how to look at it.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Probe {
            $($kind($module::Settings),)*
            /// Belfry itself; made by the daemon, not written by users.
            Own(own::Settings),
            /// Whether we reach anybody; made from `[isolation]`.
            Uplink(uplink::Settings),
        }

        impl Probe {
            /// The keys of a `[check.NAME]` that are probes.
            pub const KEYS: &'static [&'static str] = &[$($key),*];

            fn read_as(key: &str, section: Section<'_>) -> Option<Self> {
                match key {
                    $($key => $module::Settings::read(section).map(Self::$kind),)*
                    _ => None,
                }
            }

            /// The word for its kind in pages, JSON and metrics.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $key,)*
                    Self::Own(_) => "own",
                    Self::Uplink(_) => UPLINK,
                }
            }

            /// What it looks at, for people; passwords are not in it.
            pub fn target(&self) -> String {
                match self {
                    $(Self::$kind(settings) => settings.target(),)*
                    Self::Own(settings) => settings.target(),
                    Self::Uplink(settings) => settings.target(),
                }
            }

            /// The look itself. Each kind has a future of its own size, so that the largest is not paid for by
            /// all that are under way.
            async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
                match self {
                    $(Self::$kind(settings) => Box::pin(settings.look(env, trace)).await,)*
                    Self::Own(settings) => Ok(settings.look(env)),
                    Self::Uplink(settings) => Box::pin(settings.look(trace)).await,
                }
            }
        }
    };
}

kinds! {
    "http" => Http, http;
    "tcp" => Tcp, tcp;
    "udp" => Udp, udp;
    "icmp" => Icmp, icmp;
    "dns" => Dns, dns;
    "ntp" => Ntp, ntp;
    "websocket" => Websocket, websocket;
    "grpc" => Grpc, grpc;
    "postgres" => Postgres, postgres;
    "pgbouncer" => Pgbouncer, pgbouncer;
    "port" => Port, port;
    "host" => Host, host;
    "disk" => Disk, disk;
    "exec" => Exec, exec;
    "process" => Process, process;
    "file" => File, file;
    "unit" => Unit, unit;
    "log" => Log, log;
    "net" => Net, net;
    "composite" => Composite, composite;
}

/// Keys of a check that are read after its probe, since they depend on it.
const AFTER: [&str; 2] = ["remedy", "scope"];

/// Whether `key` is none of a check's `outer` ones, and more like the name of a kind than like one of those.
fn is_misspelt(key: &str, outer: &[&'static str]) -> bool {
    let words = || Probe::KEYS.iter().chain(outer);
    let is_known = words().any(|known| *known == key);
    let meant = near(key, words().copied());
    !is_known && meant.is_some_and(|word| Probe::KEYS.contains(&word))
}

impl Probe {
    /// Reads the probe of a `[check.NAME]`: exactly one of [`Probe::KEYS`] must be there.
    pub fn read(check: &mut Section<'_>) -> Option<Self> {
        let keys: Vec<&'static str> = Self::KEYS
            .iter()
            .copied()
            .filter(|key| check.has(key))
            .collect();
        let chosen = keys.first().copied();
        let outer: Vec<&'static str> = [check.known(), &AFTER].concat();
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
            if check.keys().any(|key| is_misspelt(key, &outer)) {
                // Said with "did you mean", once all keys of the check are read.
                return None;
            }
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
        let around = Around {
            path: check.path.clone(),
            keys: outer,
        };
        Self::read_as(chosen, section.within(around))
    }

    /// What to write, where there is nothing to look at yet.
    pub fn not_configured(&self) -> Option<String> {
        let Self::Postgres(settings) = self else {
            return None;
        };
        settings.not_configured()
    }

    /// Looks once. Returns within `timeout`, whatever the target does.
    pub async fn run(&self, env: &Env, timeout: Duration) -> Outcome {
        self.traced(env, &mut Trace::start(timeout)).await
    }

    /// Looks once, and tells every assertion that was made.
    pub async fn explain(&self, env: &Env, timeout: Duration) -> (Outcome, Vec<Finding>) {
        let mut trace = Trace::explaining(timeout);
        let outcome = self.traced(env, &mut trace).await;
        (outcome, trace.findings().to_vec())
    }

    async fn traced(&self, env: &Env, trace: &mut Trace) -> Outcome {
        let looked = timeout_at(trace.deadline(), self.look(env, trace)).await;
        trace.conclude(looked)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;
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
            [format!(
                "t.toml:1:1: [check.shop] has no probe; add one of {}: http = {{ url = \"https://example.org/\" }}",
                Probe::KEYS.join(", ")
            )]
        );

        let (_, problems) = read("tcp = { address = \"a:1\" }\nhttp = { url = \"http://a/\" }");
        assert_eq!(
            problems,
            ["t.toml:1:7: \"tcp\" is a second probe; keep one of http, tcp in [check.shop]"]
        );

        let (_, problems) = read("htp = { url = \"http://a/\" }");
        assert_eq!(
            problems,
            ["t.toml:1:1: unknown key \"htp\" in [check.shop]; did you mean \"http\"?"]
        );
        let (_, problems) = read("xyzzy = { url = \"http://a/\" }");
        assert_eq!(problems.len(), 2, "{problems:?}");
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
            ("dns", "dns = { name = \"a.example\" }"),
            ("udp", "udp = { address = \"a.example:53\" }"),
            ("icmp", "icmp = { host = \"a.example\" }"),
            ("ntp", "ntp = { server = \"a.example\" }"),
            ("websocket", "websocket = { url = \"wss://a.example/\" }"),
            ("grpc", "grpc = { address = \"a.example:50051\" }"),
            ("postgres", "postgres = { url = \"postgres://u@h/d\" }"),
            (
                "pgbouncer",
                "pgbouncer = { url = \"postgres://u@h:6432/pgbouncer\" }",
            ),
            ("port", "port = { address = \"0.0.0.0:5000\" }"),
            ("host", "host = {}"),
            ("disk", "disk = { path = \"/\" }"),
            (
                "log",
                "log = { file = \"/var/log/syslog\", match = \"panic\" }",
            ),
            ("unit", "unit = { name = \"nginx.service\" }"),
            ("net", "net = { interface = \"eth0\" }"),
            ("composite", "composite = { all = [\"a\"] }"),
            ("file", "file = { path = \"/etc/passwd\" }"),
            ("process", "process = { name = \"nginx\" }"),
            ("exec", "exec = { command = [\"/bin/true\"] }"),
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

    /// The keys that a kind reads.
    fn known(key: &str) -> BTreeSet<String> {
        let problems = read(&format!("{key} = {{ not_a_key_of_anything = 1 }}")).1;
        let hint = problems
            .iter()
            .find_map(|problem| problem.split("; known here: ").nth(1));
        let hint = hint.expect("the unknown key is complained of");
        hint.split(", ").map(str::to_owned).collect()
    }

    /// The keys that the manual has under the heading of a kind.
    fn documented(key: &str) -> BTreeSet<String> {
        let manual = include_str!("../docs/checks.md");
        let heading = format!("## {key}");
        let rows = manual
            .lines()
            .skip_while(|line| *line != heading)
            .skip(1)
            .take_while(|line| !line.starts_with('#'));
        let cells = rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        cells.map(str::to_owned).collect()
    }

    #[test]
    fn the_manual_has_every_kind_with_every_key_and_no_other() {
        for key in Probe::KEYS {
            assert_eq!(documented(key), known(key), "docs/checks.md, ## {key}");
        }
    }
}
