//! Probes against real servers on loopback: good ones, bad ones and hostile ones.

#[path = "common/postgres.rs"]
mod postgres;

#[path = "probe/server.rs"]
mod server;
#[path = "probe/servers.rs"]
mod servers;

#[path = "probe/database.rs"]
mod database;
#[path = "probe/disk.rs"]
mod disk;
#[path = "probe/dns.rs"]
mod dns;
#[path = "probe/exec.rs"]
mod exec;
#[path = "probe/file.rs"]
mod file;
#[path = "probe/grpc.rs"]
mod grpc;
#[path = "probe/host.rs"]
mod host;
#[path = "probe/http.rs"]
mod http;
#[path = "probe/http_answer.rs"]
mod http_answer;
#[path = "probe/http_explain.rs"]
mod http_explain;
#[path = "probe/http_login.rs"]
mod http_login;
#[path = "probe/http_packed.rs"]
mod http_packed;
#[path = "probe/http_proxy.rs"]
mod http_proxy;
#[path = "probe/http_redirect.rs"]
mod http_redirect;
#[path = "probe/http_socks.rs"]
mod http_socks;
#[path = "probe/http_way.rs"]
mod http_way;
#[path = "probe/icmp.rs"]
mod icmp;
#[path = "probe/inside.rs"]
mod inside;
#[path = "probe/journal.rs"]
mod journal;
#[path = "probe/log.rs"]
mod log;
#[path = "probe/names.rs"]
mod names;
#[path = "probe/net.rs"]
mod net;
#[path = "probe/ntp.rs"]
mod ntp;
#[path = "probe/process.rs"]
mod process;
#[path = "probe/real.rs"]
mod real;
#[path = "probe/room.rs"]
mod room;
#[path = "probe/stapled.rs"]
mod stapled;
#[path = "probe/starttls.rs"]
mod starttls;
#[path = "probe/tcp.rs"]
mod tcp;
#[path = "probe/tls.rs"]
mod tls;
#[path = "probe/tls_refused.rs"]
mod tls_refused;
#[path = "probe/udp.rs"]
mod udp;
#[path = "probe/uplink.rs"]
mod uplink;
#[path = "probe/way.rs"]
mod way;
#[path = "probe/websocket.rs"]
mod websocket;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::{Env, Probe};
use belfry::settings::{Report, Section, Source};
use tokio::time::Instant;
use toml::de::DeTable;

/// Long enough for anything that works on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);
/// How much later than the deadline a look may end on a busy machine.
const GRACE: Duration = Duration::from_secs(5);

fn env() -> Env {
    Env::new(Clock::start(), Arc::default())
}

/// The probe that is written so in a `[check.NAME]`.
fn probe(text: &str) -> Probe {
    let source = Source {
        name: Arc::from("t.toml"),
        text: text.to_owned(),
    };
    let report = Report::new(&|_| None, Path::new("."));
    let table = DeTable::parse(text).expect("the test writes valid TOML");
    let mut check = Section::new("check.t", table.get_ref(), table.span(), &source, &report);
    let probe = Probe::read(&mut check);
    check.finish();
    let problems = report.into_problems();
    assert!(problems.is_empty(), "{problems:#?}");
    probe.expect("no problem means a probe")
}

/// Looks once, patiently.
async fn look(text: &str) -> Outcome {
    probe(text).run(&env(), PATIENT).await
}

/// Looks once with little time, which must be kept.
async fn look_briefly(text: &str) -> Outcome {
    let timeout = Duration::from_millis(400);
    let started = Instant::now();
    let outcome = probe(text).run(&env(), timeout).await;
    assert!(started.elapsed() < timeout + GRACE, "{outcome:?}");
    outcome
}

/// `verdict: message`.
fn said(outcome: &Outcome) -> String {
    format!("{}: {}", outcome.verdict.word(), outcome.message())
}

/// The message without the latency, which is never the same.
fn text(outcome: &Outcome) -> String {
    outcome.text.replace(belfry::core::outcome::LATENCY, "T")
}

#[track_caller]
fn assert_fails(outcome: &Outcome, part: &str) {
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(outcome));
    assert!(
        outcome.message().contains(part),
        "{} does not say: {part}",
        said(outcome)
    );
}
