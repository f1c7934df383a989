//! Isolation by the real binary: an uplink that falls silent and comes back, by a canary of this test.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::target::Target;

/// A name server that answers anything, or nothing.
struct Canary {
    address: String,
    answers: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Canary {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let tick = Duration::from_millis(100);
        socket.set_read_timeout(Some(tick)).expect("set");
        let address = socket.local_addr().expect("bound").to_string();
        let answers = Arc::new(AtomicBool::new(true));
        let ended = Arc::new(AtomicBool::new(false));
        let (its_answers, its_end) = (Arc::clone(&answers), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while !its_end.load(Ordering::SeqCst) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                if its_answers.load(Ordering::SeqCst) {
                    drop(socket.send_to(&buffer[..length], from));
                }
            }
        });
        Self {
            address,
            answers,
            ended,
            thread: Some(thread),
        }
    }

    fn answers(&self, whether: bool) {
        self.answers.store(whether, Ordering::SeqCst);
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Twenty checks behind the uplink and one that is not, all of the same target.
fn configured(canary: &Canary, target: &Target) -> String {
    let isolation = format!(
        "[isolation]\ncanaries = [\"dns://{}\"]\n[check.\"belfry.uplink\"]\nevery = \"300ms\"\nretry_every = \"300ms\"\ntimeout = \"600ms\"\n",
        canary.address
    );
    let rules = format!(
        "tcp = {{ address = \"{}\" }}\nevery = \"300ms\"\nretry_every = \"300ms\"\nfail_after = 1\nflapping = \"off\"\n",
        target.address
    );
    let remote = |number| format!("[check.remote-{number}]\nscope = \"uplink\"\n{rules}");
    let remote: String = (0..20).map(remote).collect();
    format!("{isolation}{remote}[check.near]\n{rules}")
}

fn incidents(daemon: &Daemon) -> Vec<String> {
    let all = daemon.json("/api/v1/incidents");
    let all = all["incidents"].as_array().cloned().unwrap_or_default();
    let name = |incident: &Value| incident["check"].as_str().unwrap_or_default().to_owned();
    all.iter().map(name).collect()
}

fn last(daemon: &Daemon, check: &str) -> String {
    let check = daemon.json(&format!("/api/v1/checks/{check}"));
    let last = &check["last"];
    let word = |key: &str| last[key].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", word("verdict"), word("message"))
}

#[test]
fn an_uplink_that_is_gone_is_one_incident_and_what_is_near_is_told() {
    let (canary, target) = (Canary::start(), Target::start());
    let address = target.address;
    let mut daemon = Daemon::started(&configured(&canary, &target));
    let all_up = |d: &Daemon| {
        let up = |check: &str| d.state(check) == "up";
        up("belfry.uplink") && up("near") && (0..20).all(|n| up(&format!("remote-{n}")))
    };
    daemon.until("up", all_up);

    // Both go at once, and the checks notice before the uplink is next due.
    canary.answers(false);
    drop(target);
    daemon.until("isolated", |d| d.state("belfry.uplink") == "down");
    daemon.until("near is down", |d| d.state("near") == "down");
    let isolated = |d: &Daemon| {
        let unknown = |n: u32| {
            last(d, &format!("remote-{n}")).starts_with("unknown: not known, we are isolated: ")
        };
        (0..20).all(unknown)
    };
    daemon.until("not known", isolated);
    let mut open = incidents(&daemon);
    open.sort();
    assert_eq!(open, ["belfry.uplink", "near"]);
    let (_, page) = daemon.get("/").unwrap();
    assert!(page.contains("We are isolated, and 1 check is down"));
    assert!(
        last(&daemon, "belfry.uplink").starts_with("fail: isolated: the name server 127.0.0.1:")
    );

    // A crash meanwhile changes nothing.
    daemon.kill();
    daemon.start();
    daemon.until("not known again", isolated);
    assert_eq!(incidents(&daemon).len(), 2);

    let _target = Target::at(address);
    canary.answers(true);
    daemon.until("all is well", all_up);
    let mut told = incidents(&daemon);
    told.sort();
    assert_eq!(
        told,
        ["belfry.uplink", "near"],
        "nobody else was ever told of"
    );
}
