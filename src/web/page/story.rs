//! A made-up daemon with a past, for the tests of pages, API and metrics: every state that a check can
//! be in, reached through the engine itself.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Shell;
use crate::core::check::{Check, CheckId, Flapping, Recipient, Roster};
use crate::core::engine::{Definition, Engine, Restored};
use crate::core::heartbeat::{self, Ping, Signal};
use crate::core::input::Input;
use crate::core::outbox::Delivery;
use crate::core::outcome::{Outcome, Phase, Verdict};
use crate::core::schedule::{Calendar, Schedule};
use crate::core::state::Threshold;
use crate::core::time::Time;
use crate::core::uptime::{History, Slot, Spans};
use crate::core::view::View;
use crate::vitals::Vitals;

const DAY_MS: i64 = 86_400_000;

/// 2026-11-23T21:58:19Z.
pub(crate) const NOW: Time = Time::from_millis(1_795_471_099_000);

/// The ping address of the first heartbeat.
pub(crate) const BEAT: Uuid = Uuid::from_u128(0x5f0c_9e3a_1d1e_4b5e_9c55_0a8e_64b1_77aa);

/// A check that is looked at every 30 seconds.
pub(crate) fn probe(name: &str, group: &str, kind: &str, target: &str) -> Check {
    Check {
        name: name.into(),
        group: group.into(),
        kind: kind.into(),
        target: target.into(),
        schedule: Schedule::Every(Duration::from_secs(30)),
        timeout: Duration::from_secs(5),
        retry_every: Some(Duration::from_secs(10)),
        fail_after: Threshold::in_a_row(3),
        recover_after: 1,
        flapping: Some(Flapping::DEFAULT),
        depends_on: Vec::new(),
        behind: None,
        alert_degraded: false,
        runbook: None,
        recipients: Arc::from([Recipient {
            channel: "email".into(),
            address: "ops@example.org".into(),
        }]),
        heartbeat: None,
        remedy: None,
        not_configured: None,
    }
}

/// A heartbeat that is expected at three in the night.
pub(crate) fn job(name: &str, uuid: Uuid) -> Check {
    let calendar =
        Calendar::parse("0 3 * * *", jiff::tz::TimeZone::UTC).expect("a cron expression");
    Check {
        schedule: Schedule::Calendar(Box::new(calendar)),
        heartbeat: Some(heartbeat::Rule {
            uuid: Some(uuid),
            ..heartbeat::Rule::new(Duration::from_mins(30), uuid)
        }),
        fail_after: Threshold::in_a_row(1),
        ..probe(name, "", "heartbeat", "")
    }
}

/// Small repeatable noise, 0 to 99.
pub(crate) fn noise(seed: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) % 100
}

/// A past of `days` days, with trouble where `noise` wants it.
pub(crate) fn past(days: i64, seed: u64) -> History {
    let mut history = History::default();
    let today = NOW.millis().div_euclid(DAY_MS);
    for day in today - days + 1..today {
        let mut spans = Spans {
            up_ms: 86_400_000,
            ..Spans::default()
        };
        match noise(seed * 1_000 + day.unsigned_abs()) {
            0 | 1 => (spans.up_ms, spans.down_ms) = (86_000_000, 400_000),
            2..5 => (spans.up_ms, spans.degraded_ms) = (84_000_000, 2_400_000),
            5 => (spans.up_ms, spans.unknown_ms) = (6_400_000, 80_000_000),
            _ => {}
        }
        history.days.push_back(Slot {
            from: Time::from_millis(day * DAY_MS),
            spans,
        });
    }
    for hour in (1..24).filter(|_| days > 0) {
        let from = NOW.floor(Duration::from_hours(1)) - Duration::from_hours(24 - hour);
        let spans = Spans {
            up_ms: 3_600_000,
            ..Spans::default()
        };
        history.hours.push_back(Slot { from, spans });
    }
    history
}

/// A daemon whose past is told input by input.
pub(crate) struct Story {
    pub(crate) engine: Engine,
}

impl Story {
    /// It watches `checks`, each with as many days of past as stand beside it.
    pub(crate) fn begin(checks: Vec<(Check, i64)>, from: Time) -> Self {
        let definition = |(number, (check, days)): (usize, &(Check, i64))| Definition {
            check: CheckId(u32::try_from(number).expect("few")),
            name: Arc::clone(&check.name),
            kind: Arc::clone(&check.kind),
            active: true,
            record: None,
            history: past(*days, number as u64),
        };
        let definitions = checks.iter().enumerate().map(definition).collect();
        let engine = Engine::restore(Restored {
            definitions,
            ..Restored::default()
        });
        let mut story = Self { engine };
        let checks = checks
            .into_iter()
            .map(|(check, _)| Arc::new(check))
            .collect();
        let recipients = Arc::from([Recipient {
            channel: "email".into(),
            address: "ops@example.org".into(),
        }]);
        story.tell(
            from,
            &Input::Plan(Arc::new(Roster {
                node: "web-1".into(),
                zone: jiff::tz::TimeZone::UTC,
                checks,
                recipients,
                flapping: None,
            })),
        );
        story
    }

    pub(crate) fn tell(&mut self, at: Time, input: &Input) {
        for event in self.engine.decide(at, input) {
            self.engine.apply(&event);
        }
    }

    pub(crate) fn id(&self, name: &str) -> CheckId {
        self.engine.named(name).expect("it is watched").id
    }

    pub(crate) fn look(&mut self, at: Time, name: &str, outcome: Outcome) {
        let check = self.id(name);
        self.tell(at, &Input::Outcome { check, at, outcome });
        self.tell(at, &Input::Tick);
    }

    pub(crate) fn ping(&mut self, at: Time, name: &str, signal: Signal) {
        let check = self.id(name);
        let ping = Ping {
            at,
            signal,
            rid: None,
            method: "GET".into(),
            remote: "127.0.0.1".into(),
            agent: "curl/8".into(),
            body: Arc::from([]),
            took: None,
            late: Duration::ZERO,
        };
        self.tell(at, &Input::Ping { check, ping });
    }

    /// What the courier reports of everything that waits.
    pub(crate) fn deliver(&mut self, at: Time, delivery: &Delivery) {
        let waiting: Vec<_> = self
            .engine
            .outbox
            .values()
            .filter(|n| !n.phase.is_final())
            .map(|n| n.nid.clone())
            .collect();
        for nid in waiting {
            self.tell(
                at,
                &Input::Delivery {
                    nid,
                    delivery: delivery.clone(),
                },
            );
        }
    }

    pub(crate) fn view(self, at: Time) -> View {
        View {
            at,
            number: 1,
            engine: self.engine,
        }
    }
}

/// A good look that took about `ms`.
pub(crate) fn good(ms: u64, seed: u64) -> Outcome {
    let took = Duration::from_micros(ms * 1_000 * (80 + noise(seed) * 2 / 5) / 100);
    Outcome::timed(Verdict::Pass, took, "200 OK", "")
}

/// The state of the drawing: postgres is down, shop-api waits for it, shop is slow, two jobs, and the
/// checks on the daemon itself.
pub(crate) fn postgres_is_down() -> View {
    let before = |seconds| NOW - Duration::from_secs(seconds);
    let mut story = Story::begin(plan(), before(7_200));
    for round in 0..48 {
        let at = before(1_700 - round * 30);
        for (place, (name, ms)) in [
            ("postgres", 3),
            ("shop-api", 40),
            ("shop", 300),
            ("belfry.hello", 1),
            ("belfry.journal", 1),
        ]
        .into_iter()
        .enumerate()
        {
            story.look(at, name, good(ms, round * 10 + place as u64));
        }
    }
    story.ping(
        NOW - Duration::from_mins(1_135),
        "nightly-backup",
        Signal::Start,
    );
    story.ping(
        NOW - Duration::from_mins(1_126),
        "nightly-backup",
        Signal::Success,
    );
    let refused = "refused on 127.0.0.1:5432 · unit postgresql@15-main is inactive";
    for at in [272, 262, 252, 242] {
        story.look(before(at), "postgres", Outcome::fail(refused));
    }
    for at in [248, 238, 228] {
        story.look(
            before(at),
            "shop-api",
            Outcome::fail("503 Service Unavailable"),
        );
    }
    for at in [120, 90, 60, 30] {
        let slow = Outcome::timed(
            Verdict::Warn,
            Duration::from_millis(912),
            "200 OK",
            ", slower than 800 ms",
        );
        story.look(before(at), "shop", slow.with_phases(parts()));
    }
    story.look(
        before(12),
        "ssh",
        Outcome::unknown("no file descriptor is free"),
    );
    let (relay, reply) = ("localhost".into(), "250 2.0.0 Ok: queued as 4F2C1".into());
    story.deliver(before(251), &Delivery::Accepted { relay, reply });
    story.view(NOW)
}

fn parts() -> Vec<Phase> {
    let part = |name: &str, took_us| Phase {
        name: name.into(),
        took_us,
    };
    vec![
        part("dns", 1_200),
        part("connect", 12_400),
        part("tls", 41_000),
        part("first byte", 840_300),
        part("transfer", 17_100),
    ]
}

fn plan() -> Vec<(Check, i64)> {
    let postgres = Check {
        runbook: Some("https://wiki.example.org/postgres".into()),
        ..probe(
            "postgres",
            "Shop",
            "postgres",
            "postgres://shop@127.0.0.1:5432/shop",
        )
    };
    let api = Check {
        depends_on: vec!["postgres".into()],
        ..probe("shop-api", "Shop", "http", "http://127.0.0.1:8000/ready")
    };
    let archive = Check {
        not_configured: Some("not configured: set [postgres] url".into()),
        ..probe("archive", "Host", "postgres", "")
    };
    vec![
        (postgres, 78),
        (api, 78),
        (
            probe("shop", "Shop", "http", "https://shop.example.org/health"),
            120,
        ),
        (job("nightly-backup", BEAT), 90),
        (job("weekly-report", Uuid::from_u128(7)), 0),
        (probe("ssh", "Host", "tcp", "127.0.0.1:22"), 40),
        (archive, 0),
        (
            probe("belfry.hello", "", "http", "http://127.0.0.1:5000/"),
            90,
        ),
        (
            probe("belfry.journal", "", "journal", "data/journal.db"),
            12,
        ),
    ]
}

/// Vitals of a daemon that is well.
pub(crate) fn vitals() -> Vitals {
    let vitals = Vitals::default();
    vitals.probes.set(48_211);
    vitals.lateness.set(410);
    vitals.lateness_max.set(2_100);
    vitals.commit.set(320);
    vitals.commits.set(9_411);
    vitals.journal_bytes.set(43_305_533);
    vitals.archive_state.set(1);
    vitals.pings.set(31);
    vitals
}

/// The zone of the reader.
static ZONE: jiff::tz::TimeZone = jiff::tz::TimeZone::UTC;

/// A shell around a view, as an operator sees it.
pub(crate) fn shell<'a>(view: &'a View, vitals: &'a Vitals) -> Shell<'a> {
    Shell {
        view,
        vitals,
        now: NOW,
        node: "web-1",
        zone: &ZONE,
        operator: true,
        notice: None,
    }
}
