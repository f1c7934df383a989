//! Properties of the state machine and of the engine, over random lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use belfry::core::check::{Check, CheckId, UPLINK};
use belfry::core::heartbeat::{Made, Ping, Rule, Signal};
use belfry::core::input::Input;
use belfry::core::outcome::Verdict;
use belfry::core::schedule::Schedule;
use belfry::core::state::{Phase, Reason, State, Step, Threshold, Thresholds};
use proptest::prelude::*;
use uuid::Uuid;

#[path = "common/story.rs"]
mod story;

use story::{Story, check, heartbeat};

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Pass),
        1 => Just(Verdict::Warn),
        4 => Just(Verdict::Fail),
        1 => Just(Verdict::Unknown),
    ]
}

fn thresholds() -> impl Strategy<Value = Thresholds> {
    (1u8..6, 0u8..6, 1u8..4).prop_map(|(bad, slack, recover_after)| Thresholds {
        fail_after: Threshold {
            bad,
            of: bad + slack,
        },
        recover_after,
    })
}

/// The manual, word by word, over the whole list of looks since the state began: slow and obvious.
fn by_the_manual(phase: Phase, looks: &[Verdict], rule: Thresholds) -> Phase {
    let last = |n: u8| looks.iter().rev().take(n.into());
    let fails = last(rule.fail_after.of)
        .filter(|v| **v == Verdict::Fail)
        .count();
    let bad = last(rule.fail_after.of)
        .filter(|v| **v != Verdict::Pass)
        .count();
    let warned = looks.contains(&Verdict::Warn);
    let enough = usize::from(rule.fail_after.bad);
    let run = |good: fn(Verdict) -> bool| looks.iter().rev().take_while(|v| good(**v)).count();
    let newest = looks.last().copied();
    match phase {
        Phase::New if newest == Some(Verdict::Pass) => Phase::Up,
        Phase::New | Phase::Up if fails >= enough => Phase::Down,
        Phase::New | Phase::Up if warned && bad >= enough => Phase::Degraded,
        Phase::Degraded if newest == Some(Verdict::Fail) && fails >= enough => Phase::Down,
        Phase::Degraded if run(|v| v == Verdict::Pass) >= usize::from(rule.recover_after) => {
            Phase::Up
        }
        Phase::Down if run(|v| v != Verdict::Fail) >= usize::from(rule.recover_after) => {
            if newest == Some(Verdict::Warn) {
                Phase::Degraded
            } else {
                Phase::Up
            }
        }
        Phase::New | Phase::Up | Phase::Degraded | Phase::Down | Phase::Paused => phase,
    }
}

proptest! {
    #[test]
    fn the_state_machine_does_what_the_manual_says(rule in thresholds(), looks in prop::collection::vec(verdict(), 0..200)) {
        let mut state = State::NEW;
        let mut since: Vec<Verdict> = Vec::new();
        for look in looks {
            let before = state.phase();
            if look != Verdict::Unknown {
                since.push(look);
            }
            let expected = if look == Verdict::Unknown { before } else { by_the_manual(before, &since, rule) };
            match state.step(look, rule) {
                Step::Stay(next) => {
                    prop_assert_eq!(next.phase(), before);
                    state = next;
                }
                Step::Turn(next, _) => {
                    prop_assert_ne!(next.phase(), before, "a turn goes somewhere");
                    state = next;
                    // Failures that made it Degraded still count towards Down.
                    if !(matches!(before, Phase::New | Phase::Up) && next.phase() == Phase::Degraded) {
                        since.clear();
                    }
                }
            }
            prop_assert_eq!(state.phase(), expected, "from {:?} after {:?}", before, since);
        }
    }
}

/// The manual of heartbeats, over all runs since it was last down: true is a success.
fn runs_by_the_manual(before: Phase, runs: &[bool], rule: Threshold) -> Phase {
    let last = runs.iter().rev().take(rule.of.into());
    let failed = last.filter(|success| !**success).count();
    match (before, runs.last()) {
        (_, None) => before,
        (_, Some(true)) => Phase::Up,
        (Phase::Down, _) => Phase::Down,
        _ if failed >= rule.bad.into() => Phase::Down,
        _ => Phase::Degraded,
    }
}

proptest! {
    #[test]
    fn a_heartbeat_does_what_the_manual_says(rule in thresholds(), runs in prop::collection::vec(any::<bool>(), 0..200)) {
        let rule = rule.fail_after;
        let mut state = State::NEW;
        let mut since: Vec<bool> = Vec::new();
        for success in runs {
            let before = state.phase();
            since.push(success);
            let expected = runs_by_the_manual(before, &since, rule);
            let (verdict, why) = if success { (Verdict::Pass, Reason::Heard) } else { (Verdict::Fail, Reason::JobFailed) };
            let step = state.heard(verdict, why, rule);
            if let Step::Turn(next, _) = &step {
                prop_assert_ne!(next.phase(), before, "a turn goes somewhere");
            }
            let (Step::Stay(next) | Step::Turn(next, _)) = step;
            prop_assert_eq!(next.phase(), expected, "from {:?} after {:?}", before, since);
            if before == Phase::Down || next.phase() == Phase::Down {
                since.clear();
            }
            state = next;
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Look(u8, Verdict),
    /// Of the heartbeat that tolerates nothing, or of the one that does.
    Ping(bool, Signal, Option<u128>),
    Wait(u16),
    Deliver,
    Defer,
    Pause(u8),
    Resume(u8),
    /// With more in the configuration: nothing, a heartbeat, a check, each of a name that is made, too.
    Reload(u8),
    Deaf(u16),
    Made(u8, Making),
}

/// What is done about heartbeats that are not in the configuration.
#[derive(Clone, Copy, Debug)]
enum Making {
    Provision(Signal),
    Make,
    /// To another name.
    Change(u8),
    Unmake,
    Ping(Signal, Option<u128>),
    Pause,
}

fn making() -> impl Strategy<Value = Making> {
    let signal = || {
        prop_oneof![
            Just(Signal::Success),
            Just(Signal::Fail),
            Just(Signal::Start),
            Just(Signal::Exit(0)),
            Just(Signal::Log)
        ]
    };
    prop_oneof![
        2 => signal().prop_map(Making::Provision),
        1 => Just(Making::Make),
        1 => (0u8..3).prop_map(Making::Change),
        1 => Just(Making::Unmake),
        4 => (signal(), prop::option::of(1u128..4)).prop_map(|(signal, rid)| Making::Ping(signal, rid)),
        1 => Just(Making::Pause),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let signal = prop_oneof![
        Just(Signal::Success),
        Just(Signal::Fail),
        Just(Signal::Start),
        Just(Signal::Exit(2))
    ];
    prop_oneof![
        12 => (0u8..4, verdict()).prop_map(|(check, verdict)| Act::Look(check, verdict)),
        4 => (any::<bool>(), signal, prop::option::of(1u128..4)).prop_map(|(tolerant, signal, rid)| Act::Ping(tolerant, signal, rid)),
        4 => (1u16..900).prop_map(Act::Wait),
        3 => Just(Act::Deliver),
        2 => Just(Act::Defer),
        1 => (0u8..4).prop_map(Act::Pause),
        1 => (0u8..4).prop_map(Act::Resume),
        1 => (0u8..4).prop_map(Act::Reload),
        4 => (0u8..3, making()).prop_map(|(which, making)| Act::Made(which, making)),
        1 => (1u16..4_000).prop_map(Act::Deaf),
    ]
}

const NAMES: [&str; 4] = ["db", "shop", "blog", "belfry.uplink"];

fn checks() -> Vec<Check> {
    let shop = Check {
        depends_on: vec!["db".into()],
        fail_after: Threshold::in_a_row(2),
        ..check("shop")
    };
    let blog = Check {
        alert_degraded: true,
        fail_after: Threshold { bad: 2, of: 4 },
        flapping: None,
        behind: Some("belfry.uplink".into()),
        ..check("blog")
    };
    let uplink = Check {
        kind: UPLINK.into(),
        ..check("belfry.uplink")
    };
    let sync = Check {
        schedule: Schedule::Every(Duration::from_mins(5)),
        fail_after: Threshold { bad: 2, of: 4 },
        alert_degraded: true,
        heartbeat: Some(Rule {
            missed_after: 3,
            ..Rule::new(Duration::from_mins(2), Uuid::from_u128(9))
        }),
        ..heartbeat("sync")
    };
    vec![check("db"), shop, blog, uplink, heartbeat("backup"), sync]
}

/// What heartbeats are called that are made; the configuration takes two of the names at times.
const MADE: [&str; 3] = ["alpha", "beta", "gamma"];

fn more_checks(more: u8) -> Vec<Check> {
    let mut all = checks();
    if more & 1 > 0 {
        let mut alpha = heartbeat("alpha");
        alpha.heartbeat = Some(Rule::new(Duration::from_mins(10), Uuid::from_u128(8)));
        all.push(alpha);
    }
    if more & 2 > 0 {
        all.push(check("beta"));
    }
    all
}

fn called(name: u8) -> Made {
    let name = MADE[usize::from(name)];
    Made {
        timeout: Duration::from_mins(20),
        grace: Duration::from_mins(5),
        manual_resume: name == "gamma",
        ..Made::of_slug(&name.into())
    }
}

fn make(story: &mut Story, which: u8, making: Making, step: usize) {
    let uuid = Uuid::from_u128(1_000 + step as u128);
    let those: Vec<CheckId> = story.engine.made().map(|watched| watched.id).collect();
    let one = those.get(usize::from(which) % those.len().max(1)).copied();
    let by = "ann".into();
    let input = match (making, one) {
        (Making::Provision(signal), _) => Input::Provision {
            slug: MADE[usize::from(which)].into(),
            uuid,
            ping: story.heard(signal),
        },
        (Making::Make, _) => Input::Make {
            uuid,
            made: Arc::new(called(which)),
        },
        (Making::Change(name), Some(check)) => Input::Change {
            check,
            made: Arc::new(called(name)),
        },
        (Making::Unmake, Some(check)) => Input::Unmake { check, by },
        (Making::Pause, Some(check)) => Input::Pause { check, by },
        (Making::Ping(signal, rid), Some(check)) => Input::Ping {
            check,
            ping: Ping {
                rid: rid.map(Uuid::from_u128),
                ..story.heard(signal)
            },
        },
        (Making::Change(_) | Making::Unmake | Making::Pause | Making::Ping(..), None) => return,
    };
    story.input(&input);
}

fn live(story: &mut Story, acts: &[Act]) {
    for (step, act) in acts.iter().enumerate() {
        match act {
            Act::Made(which, making) => make(story, *which, *making, step),
            Act::Look(check, verdict) => {
                story.look(NAMES[usize::from(*check)], *verdict);
            }
            Act::Ping(tolerant, signal, rid) => {
                let name = if *tolerant { "sync" } else { "backup" };
                story.ping_of(name, *signal, *rid);
            }
            Act::Wait(seconds) => {
                story.after(Duration::from_secs((*seconds).into()));
            }
            Act::Deliver => {
                story.deliver();
            }
            Act::Defer => {
                story.defer();
            }
            Act::Pause(check) => {
                let check = story.id(NAMES[usize::from(*check)]);
                story.input(&Input::Pause {
                    check,
                    by: "ann".into(),
                });
            }
            Act::Resume(check) => {
                let check = story.id(NAMES[usize::from(*check)]);
                story.input(&Input::Resume {
                    check,
                    by: "ann".into(),
                });
            }
            Act::Reload(more) => {
                story.plan(more_checks(*more));
            }
            Act::Deaf(seconds) => {
                let from = story.now;
                story.now = from + Duration::from_secs((*seconds).into());
                let to = story.now;
                story.input(&Input::Deaf {
                    from,
                    to,
                    reason: "stopped".into(),
                });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_outbox_tells_the_truth_and_nothing_twice(acts in prop::collection::vec(act(), 0..300)) {
        let mut story = Story::of(checks());
        live(&mut story, &acts);
        let open: BTreeMap<_, _> = story.engine.incidents.values().map(|i| (i.check, i.id.clone())).collect();
        prop_assert_eq!(open.len(), story.engine.incidents.len(), "two incidents are open for one check");
        for watched in story.engine.active() {
            prop_assert_eq!(watched.record.incident.as_ref(), open.get(&watched.id), "{} and its incident disagree", watched.check.name);
        }
        let names: Vec<_> = story.engine.active().map(|watched| Arc::clone(&watched.check.name)).collect();
        for name in &names {
            prop_assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "two are called {}", name);
        }
        for watched in story.engine.made() {
            let found = story.engine.named(&watched.check.name).map(|found| found.id);
            prop_assert_eq!(found, Some(watched.id), "{} is not found by its name", watched.check.name);
            let beat = watched.record.beat.as_ref().expect("a heartbeat");
            let found = story.engine.beat(&beat.uuid).map(|found| found.id);
            prop_assert_eq!(found, Some(watched.id), "{} is not heard", watched.check.name);
            prop_assert!(watched.active && watched.check.heartbeat.is_some());
        }
        // Let everything that waits be delivered: then nothing may be left that is not about an open incident.
        for _ in 0..10 {
            story.after(Duration::from_mins(10)).deliver();
        }
        for notification in story.engine.outbox.values() {
            let open = notification.incident.as_ref().is_some_and(|id| story.engine.incidents.contains_key(id));
            prop_assert!(open, "{:?} is left over", notification);
        }
        let mut nids: Vec<_> = story.queued.iter().map(|(nid, _)| nid.clone()).collect();
        let all = nids.len();
        nids.sort();
        nids.dedup();
        prop_assert_eq!(nids.len(), all, "the same news was queued twice");
    }

    #[test]
    fn a_crash_after_every_step_leads_to_the_same_decisions(acts in prop::collection::vec(act(), 0..120)) {
        let mut sound = Story::of(checks());
        live(&mut sound, &acts);
        let mut fragile = Story::of(checks());
        fragile.fragile = true;
        live(&mut fragile, &acts);
        prop_assert_eq!(sound.said(), fragile.said());
        prop_assert_eq!(sound.queued, fragile.queued);
    }
}
