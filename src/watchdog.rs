//! A thread that watches the loops and tells systemd.
//!
//! It is a plain thread and not a task, because a timer of the runtime goes on ticking while every worker
//! is stuck. Keep-alives are sent only while all loops move; when one stands still, systemd is told so at
//! once, the log names it, and no keep-alive follows: a restart is then the cure.

mod notify;
mod vigil;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use self::notify::Supervisor;
pub use self::notify::{notify_ready, notify_status, notify_stopping};
use self::vigil::{Verdict, Vigil};
use crate::vitals::{Gauge, Progress, Vitals};

/// How often the counters are read: as often as the slowest loop promises to move.
const TICK: Duration = Duration::from_secs(1);

/// How long a loop that waits for nobody may stand still. Each promises to move once a second; five times
/// that is no hiccup, and half of `WatchdogSec=10`.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long those may stand still that wait for the disk. A disk that hesitates is not cured by a restart,
/// and the journal would have to be opened on the same disk; half a minute of it is no hesitation.
const PATIENCE_WITH_DISK: Duration = Duration::from_secs(30);

/// A loop that must move.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    Scheduler,
    Engine,
    Journal,
    Courier,
    Web,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Scheduler,
        Self::Engine,
        Self::Journal,
        Self::Courier,
        Self::Web,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Engine => "engine",
            Self::Journal => "journal",
            Self::Courier => "courier",
            Self::Web => "web",
        }
    }

    fn progress(self, progress: &Progress) -> &Gauge {
        match self {
            Self::Scheduler => &progress.scheduler,
            Self::Engine => &progress.engine,
            Self::Journal => &progress.journal,
            Self::Courier => &progress.courier,
            Self::Web => &progress.web,
        }
    }

    /// The engine is answered by the journal, so it waits for the disk as well.
    fn patience(self) -> Duration {
        match self {
            Self::Scheduler | Self::Courier | Self::Web => PATIENCE,
            Self::Engine | Self::Journal => PATIENCE_WITH_DISK,
        }
    }
}

/// How fast, and how patient.
#[derive(Clone, Copy, Debug)]
struct Pace {
    tick: Duration,
    patience: fn(Part) -> Duration,
}

/// The running thread. It ends when this is dropped, or by [`Watchdog::stop`].
#[derive(Debug)]
pub struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Begins to watch these parts, which must be running already. Without systemd it watches and logs.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(vitals: Arc<Vitals>, expected: &[Part]) -> io::Result<Self> {
        let pace = Pace {
            tick: TICK,
            patience: Part::patience,
        };
        Self::spawn(Supervisor::from_env(), vitals, expected, pace)
    }

    fn spawn(
        supervisor: Supervisor,
        vitals: Arc<Vitals>,
        expected: &[Part],
        pace: Pace,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let expected = expected.to_vec();
        let thread = Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watch(&supervisor, &vitals, &expected, pace, &stopped))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Stops watching, before the loops are told to end.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the watchdog thread had panicked");
        }
    }
}

/// The thread: look, tell, wait.
fn watch(
    supervisor: &Supervisor,
    vitals: &Vitals,
    expected: &[Part],
    pace: Pace,
    stopped: &Receiver<()>,
) {
    let started = Instant::now();
    let mut vigil = Vigil::new(expected, pace);
    let mut reachable = true;
    loop {
        let count = |part: Part| part.progress(&vitals.progress).value();
        let sent = match vigil.look(started.elapsed(), count) {
            Verdict::Alive => supervisor.send(&[NotifyState::Watchdog]),
            Verdict::Stuck(part, still) => {
                error!(
                    part = part.name(),
                    still_ms = still.as_millis(),
                    "a loop stands still; the service manager is asked to restart the daemon"
                );
                supervisor.send(&[NotifyState::WatchdogTrigger])
            }
            Verdict::Told => Ok(()),
        };
        match sent {
            Ok(()) => reachable = true,
            Err(error) if reachable => {
                reachable = false;
                warn!(%error, "the service manager does not take notifications");
            }
            Err(error) => debug!(%error, "the service manager still takes no notifications"),
        }
        match stopped.recv_timeout(pace.tick) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// A service manager that has to be asked what it was told.
    struct Systemd {
        socket: UnixDatagram,
        supervisor: Supervisor,
        _folder: tempfile::TempDir,
    }

    impl Systemd {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            Self {
                socket,
                supervisor: Supervisor::at(path.into_os_string()),
                _folder: folder,
            }
        }

        fn told(&self) -> String {
            let mut buffer = [0; 512];
            let size = self.socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..size].to_vec()).unwrap()
        }
    }

    #[test]
    fn systemd_hears_keep_alives_until_one_loop_stands_still_and_then_one_cry() {
        let systemd = Systemd::new();
        let vitals = Arc::new(Vitals::default());
        let pace = Pace {
            tick: Duration::from_millis(10),
            patience: |_| Duration::from_secs(1),
        };
        let watchdog = Watchdog::spawn(
            systemd.supervisor.clone(),
            Arc::clone(&vitals),
            &Part::ALL,
            pace,
        );
        let watchdog = watchdog.unwrap();
        for _ in 0..5 {
            for part in Part::ALL {
                part.progress(&vitals.progress).bump();
            }
            assert_eq!(systemd.told(), "WATCHDOG=1\n");
        }
        loop {
            for part in [Part::Scheduler, Part::Engine, Part::Journal, Part::Web] {
                part.progress(&vitals.progress).bump();
            }
            match systemd.told().as_str() {
                "WATCHDOG=1\n" => {}
                cry => {
                    assert_eq!(cry, "WATCHDOG=trigger\n");
                    break;
                }
            }
        }
        vitals.progress.courier.bump();
        watchdog.stop();
        systemd.socket.set_nonblocking(true).unwrap();
        let after = systemd.socket.recv(&mut [0; 64]).unwrap_err();
        assert_eq!(after.kind(), io::ErrorKind::WouldBlock, "nothing follows");
    }

    #[test]
    fn what_is_told_of_the_life_of_the_daemon_arrives_in_systemds_words() {
        let systemd = Systemd::new();
        systemd.supervisor.ready("watching 3 checks").unwrap();
        assert_eq!(systemd.told(), "READY=1\nSTATUS=watching 3 checks\n");
        systemd.supervisor.status("a\nREADY=1").unwrap();
        let told = systemd.told();
        assert_eq!(told.lines().count(), 1, "{told:?} is one line");
        systemd.supervisor.stopping().unwrap();
        assert_eq!(systemd.told(), "STOPPING=1\n");
    }

    #[test]
    fn without_systemd_nothing_is_told_and_a_socket_that_is_gone_is_an_error() {
        Supervisor::default().ready("alone").unwrap();
        let gone = Supervisor::at("/nonexistent/notify".into());
        assert!(gone.ready("nobody there").is_err());
    }

    #[test]
    fn an_abstract_socket_is_found_by_its_name() {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::SocketAddr;
        let name = format!("belfry-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Supervisor::at(format!("@{name}").into())
            .stopping()
            .unwrap();
        let mut buffer = [0; 64];
        let size = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..size], b"STOPPING=1\n");
    }
}
