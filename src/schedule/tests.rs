//! The scheduler with real targets: those that hang, and an uplink that falls silent.

use std::net::{SocketAddr, UdpSocket};

use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::*;
use crate::core::engine::Engine;
use crate::core::event::Event;
use crate::core::schedule::Calendar;
use crate::inbox::Envelope;
use crate::probe::uplink::{Canary, Settings, System};

/// Longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to see that something does not come.
const SOON: Duration = Duration::from_millis(200);

/// A scheduler that runs, and what it hands in.
struct Scene {
    inputs: Receiver<Envelope>,
    view: watch::Sender<Arc<View>>,
    now: mpsc::Sender<CheckId>,
    vitals: Arc<Vitals>,
    jobs: watch::Sender<Arc<Vec<Job>>>,
    _tasks: JoinSet<()>,
}

impl Scene {
    fn of(jobs: Vec<Job>) -> Self {
        let (inbox, inputs) = Inbox::new();
        let (jobs, follows) = watch::channel(Arc::new(jobs));
        let (now, wanted) = mpsc::channel(64);
        let (view, seen) = watch::channel(Arc::new(View::default()));
        let (clock, vitals) = (Clock::start(), Arc::new(Vitals::default()));
        let scheduler = Scheduler {
            jobs: follows,
            now: wanted,
            view: seen,
            inbox,
            env: Arc::new(Env::new(clock.clone(), Arc::clone(&vitals))),
            clock,
            vitals: Arc::clone(&vitals),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(scheduler.run(CancellationToken::new()));
        Self {
            inputs,
            view,
            now,
            vitals,
            jobs,
            _tasks: tasks,
        }
    }

    /// What is handed in next.
    async fn next(&mut self) -> (u32, Verdict) {
        let envelope = timeout(PATIENCE, self.inputs.recv()).await;
        let envelope = envelope.expect("in time").expect("the scheduler runs");
        let Input::Outcome { check, outcome, .. } = envelope.input else {
            panic!("{envelope:?} is no look");
        };
        (check.0, outcome.verdict)
    }

    /// The engine knows checks with these numbers; nothing is known of them.
    fn know(&self, count: u32) {
        let mut engine = Engine::default();
        for number in 0..count {
            engine.apply(&Event::CheckAdded {
                check: CheckId(number),
                name: number.to_string().into(),
                kind: "tcp".into(),
                at: Time::default(),
                planned: None,
            });
        }
        self.view.send_replace(Arc::new(View {
            number: 1,
            engine,
            ..View::default()
        }));
    }

    async fn run(&self, check: u32) {
        let sent = self.now.send(CheckId(check)).await;
        sent.expect("the scheduler runs");
    }
}

/// A job that is not due before the next leap day: the tests say when it runs.
fn tcp(check: u32, address: SocketAddr, expects: &str) -> Job {
    let text = format!("tcp = {{ address = \"{address}\"{expects} }}");
    let (probe, problems) = crate::probe::tests::read(&text);
    let leap_day = Calendar::parse("0 0 29 2 *", jiff::tz::TimeZone::UTC).expect("a calendar");
    Job {
        check: CheckId(check),
        schedule: Schedule::Calendar(Box::new(leap_day)),
        retry_every: None,
        timeout: Duration::from_secs(20),
        probe: Arc::new(probe.unwrap_or_else(|| panic!("{problems:?}"))),
        behind: None,
    }
}

/// A target that lets everybody in and says nothing; it tells how many are there.
async fn hanging() -> (SocketAddr, watch::Receiver<usize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let (count, seen) = watch::channel(0);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut all = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            all.push(stream);
            count.send_replace(all.len());
        }
    });
    (address, seen, tasks)
}

#[tokio::test]
async fn fifty_looks_at_a_target_that_hangs_leave_another_on_time() {
    let (hangs, mut there, _task) = hanging().await;
    let well = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let waits = ", expect = \"never\"";
    let mut jobs: Vec<Job> = (0..50).map(|check| tcp(check, hangs, waits)).collect();
    jobs.push(tcp(50, well.local_addr().unwrap(), ""));
    let mut scene = Scene::of(jobs);
    for check in 0..50 {
        scene.run(check).await;
    }
    let full = there.wait_for(|count| *count >= slots::AT_ONE_TARGET);
    drop(timeout(PATIENCE, full).await.expect("in time").unwrap());
    scene.run(50).await;
    assert_eq!(scene.next().await, (50, Verdict::Pass));
    assert_eq!(*there.borrow(), slots::AT_ONE_TARGET);
    // Who waits for its target takes no slot of others.
    let running = || scene.vitals.probes_running.value() == slots::AT_ONE_TARGET as u64;
    let settled = async {
        while !running() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, settled).await.expect("eight are running");
}

#[tokio::test]
async fn a_slot_that_is_free_again_is_taken_by_who_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let jobs = (0..30).map(|check| tcp(check, address, ", expect = \"x\""));
    let mut scene = Scene::of(jobs.collect());
    for check in 0..30 {
        scene.run(check).await;
    }
    let mut streams = Vec::new();
    for _ in 0..30 {
        // Each that is let go fails, and lets another in.
        while streams.len() < slots::AT_ONE_TARGET {
            let wait = if streams.is_empty() { PATIENCE } else { SOON };
            let Ok(accepted) = timeout(wait, listener.accept()).await else {
                break;
            };
            streams.push(accepted.unwrap());
        }
        if streams.len() == slots::AT_ONE_TARGET {
            let more = timeout(Duration::ZERO, listener.accept()).await;
            assert!(more.is_err(), "no more are let in at once");
        }
        drop(streams.pop());
        assert_eq!(scene.next().await.1, Verdict::Fail);
    }
}

/// An uplink whose canary is this name server, and a check behind it that fails.
fn behind(canary: SocketAddr, target: SocketAddr) -> Vec<Job> {
    let canaries = vec![Canary::Dns(canary)];
    let probe = Probe::Uplink(Settings::new(canaries, System::default()));
    let uplink = Job {
        probe: Arc::new(probe),
        timeout: Duration::from_millis(500),
        ..tcp(0, target, "")
    };
    let shop = Job {
        behind: Some(CheckId(0)),
        ..tcp(1, target, "")
    };
    vec![uplink, shop]
}

/// An address that nothing listens on.
async fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    listener.local_addr().expect("bound")
}

#[tokio::test]
async fn a_failure_is_handed_in_after_its_uplink_was_asked_again() {
    let canary = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = refusing().await;
    let mut scene = Scene::of(behind(canary.local_addr().unwrap(), target));
    scene.know(2);
    for verdict in [Verdict::Fail, Verdict::Pass] {
        if verdict == Verdict::Pass {
            answer(&canary);
        }
        scene.run(1).await;
        assert_eq!(scene.next().await, (0, verdict));
        assert_eq!(scene.next().await, (1, Verdict::Fail));
    }
}

/// Answers every question from now on.
fn answer(canary: &UdpSocket) {
    let socket = canary.try_clone().expect("a second handle");
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if socket.send_to(&buffer[..length], from).is_err() {
                return;
            }
        }
    });
}

#[tokio::test]
async fn a_failure_does_not_wait_for_an_uplink_that_is_taken_out_of_the_plan() {
    let canary = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = refusing().await;
    let mut jobs = behind(canary.local_addr().unwrap(), target);
    jobs[0].timeout = PATIENCE * 2;
    let mut scene = Scene::of(jobs.clone());
    scene.know(2);
    scene.run(1).await;
    let waits = timeout(SOON, scene.inputs.recv()).await;
    assert!(waits.is_err(), "it waits for the uplink");
    jobs.remove(0);
    scene.jobs.send_replace(Arc::new(jobs));
    assert_eq!(scene.next().await, (1, Verdict::Fail));
}
