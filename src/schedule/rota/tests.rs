//! Jobs over hours and weeks, whose time is told to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::*;
use crate::core::schedule::Calendar;
use crate::probe::{Probe, own};

/// Wednesday, 2026-11-25, 12:00 UTC.
const NOON: Time = Time::from_millis(1_795_608_000_000);
const HOUR: Duration = Duration::from_hours(1);

/// A rota and its time, which goes on as the queue says.
struct Scene {
    rota: Rota,
    now: Moment,
    began: Instant,
}

impl Scene {
    fn of(jobs: &[Job]) -> Self {
        let steady = Instant::now();
        let now = Moment { steady, wall: NOON };
        let mut rota = Rota::default();
        rota.adopt(jobs, now);
        Self {
            rota,
            now,
            began: steady,
        }
    }

    fn go_on(&mut self, span: Duration) {
        self.now.steady += span;
        self.now.wall = self.now.wall + span;
    }

    /// The next look: of what, when since the begin, and how late if the queue is `lag` late.
    fn next(&mut self, lag: Duration) -> (u32, Duration, Duration) {
        loop {
            let slots = self.rota.slots.iter();
            let (&check, wake) = slots
                .map(|(check, slot)| (check, slot.wake))
                .min_by_key(|&(_, wake)| wake)
                .expect("a job");
            let nap = wake.saturating_duration_since(self.now.steady);
            self.go_on(nap + lag);
            let key = self.rota.slots.get_mut(&check).expect("there").key.take();
            self.rota.queue.remove(&key.expect("it is in the queue"));
            if let Some(late) = self.rota.take_due(check, self.now) {
                return (check.0, self.now.steady - self.began, late);
            }
        }
    }

    fn times(&mut self, count: usize) -> Vec<(u32, u128)> {
        (0..count)
            .map(|_| self.next(Duration::ZERO))
            .map(|(check, at, _)| (check, at.as_millis()))
            .collect()
    }
}

fn job(check: u32, schedule: Schedule) -> Job {
    let (_, settings) = own::all()[0];
    Job {
        check: CheckId(check),
        schedule,
        retry_every: None,
        timeout: Duration::from_secs(1),
        probe: Arc::new(Probe::Own(settings)),
        behind: None,
    }
}

fn every(check: u32, seconds: u64) -> Job {
    job(check, Schedule::Every(Duration::from_secs(seconds)))
}

fn cron(check: u32, text: &str) -> Job {
    let calendar = Calendar::parse(text, TimeZone::UTC).expect("a calendar");
    job(check, Schedule::Calendar(Box::new(calendar)))
}

// A queue of delays asks for a runtime, though nothing here waits.
#[tokio::test]
async fn first_looks_come_within_seconds_and_then_spread_over_the_interval() {
    let mut scene = Scene::of(&[every(0, 100), every(1, 100), every(2, 100), every(3, 100)]);
    assert_eq!(scene.times(4), [(0, 0), (1, 1_250), (2, 2_500), (3, 3_750)]);
    assert_eq!(
        scene.times(5),
        [
            (1, 25_000),
            (2, 50_000),
            (3, 75_000),
            (0, 100_000),
            (1, 125_000)
        ]
    );
}

#[test]
fn first_looks_at_very_many_are_no_storm() {
    let seconds = Duration::from_secs;
    for (every, count, window) in [
        (60, 4, 5),
        (2, 4, 2),
        (60, 10_000, 5),
        (60, 20_000, 10),
        (60, 100_000, 60),
        (300, 100_000, 50),
        (3, 100_000, 3),
    ] {
        let spread = first_window(seconds(every), count);
        assert_eq!(spread, seconds(window), "{count} checks every {every} s");
    }
}

#[tokio::test]
async fn an_interval_does_not_drift_however_late_its_looks_begin() {
    let mut scene = Scene::of(&[every(0, 10)]);
    let lag = Duration::from_millis(700);
    for n in 0..1_000 {
        let (_, at, late) = scene.next(lag);
        assert_eq!((at, late), (Duration::from_secs(n * 10) + lag, lag));
    }
}

#[tokio::test]
async fn looks_that_were_missed_are_made_up_for_by_one() {
    let mut scene = Scene::of(&[every(0, 10)]);
    scene.next(Duration::ZERO);
    scene.go_on(Duration::from_secs(34));
    let (_, at, late) = scene.next(Duration::ZERO);
    assert_eq!((at.as_secs(), late.as_secs()), (34, 24));
    assert_eq!(scene.times(1), [(0, 40_000)]);
}

#[tokio::test]
async fn a_weekly_calendar_runs_once_a_week() {
    let mut scene = Scene::of(&[cron(0, "0 3 * * mon")]);
    let monday = Duration::from_hours(4 * 24 + 15);
    for week in 0..5 {
        let (_, at, late) = scene.next(Duration::ZERO);
        assert_eq!(at, monday + Duration::from_hours(week * 7 * 24));
        assert_eq!(late, Duration::ZERO);
    }
}

#[tokio::test]
async fn the_lateness_of_a_calendar_is_counted_from_its_date() {
    let mut scene = Scene::of(&[cron(0, "30 12 * * *")]);
    let lag = Duration::from_millis(20);
    let (_, at, late) = scene.next(lag);
    assert!(late <= lag && at >= HOUR / 2, "{late:?} at {at:?}");
    let mut scene = Scene::of(&[cron(0, "30 12 * * *")]);
    scene.go_on(HOUR / 2 + Duration::from_secs(7));
    assert_eq!(scene.next(Duration::ZERO).2, Duration::from_secs(7));
}

#[tokio::test]
async fn a_retry_comes_once_and_moves_neither_a_grid_nor_a_calendar() {
    for (planned, next) in [(every(0, 600), 600), (cron(0, "0 3 * * mon"), 399_600)] {
        let mut scene = Scene::of(&[planned]);
        scene.rota.slots.get_mut(&CheckId(0)).expect("there").soon = None;
        if next == 600 {
            scene.next(Duration::ZERO);
        }
        let soon = scene.now.steady + Duration::from_secs(10);
        scene.rota.hasten(CheckId(0), soon, scene.now);
        let lag = Duration::from_millis(3);
        let (_, at, late) = scene.next(lag);
        assert_eq!((at, late), (Duration::from_secs(10) + lag, lag));
        assert_eq!(scene.next(Duration::ZERO).1, Duration::from_secs(next));
    }
}

#[tokio::test]
async fn a_retry_that_would_come_after_the_next_look_is_not_made() {
    let mut scene = Scene::of(&[every(0, 10)]);
    scene.next(Duration::ZERO);
    let late = scene.now.steady + Duration::from_secs(15);
    scene.rota.hasten(CheckId(0), late, scene.now);
    assert_eq!(scene.times(2), [(0, 10_000), (0, 20_000)]);
}

#[tokio::test]
async fn a_reload_keeps_the_rhythm_of_what_is_unchanged_and_begins_what_is_new() {
    let old = [every(0, 60), cron(1, "0 13 * * *")];
    let mut scene = Scene::of(&old);
    scene.next(Duration::ZERO);
    scene.go_on(Duration::from_secs(20));
    let new = [every(2, 60), old[0].clone(), old[1].clone()];
    scene.rota.adopt(&new, scene.now);
    assert_eq!(
        scene.times(4),
        [(2, 20_000), (0, 60_000), (2, 80_000), (0, 120_000)]
    );
    let seen: BTreeSet<u32> = (0..130).map(|_| scene.next(Duration::ZERO).0).collect();
    assert!(seen.contains(&1), "the calendar goes on as well");
}

#[tokio::test]
async fn a_clock_that_is_set_is_followed_by_calendars_and_counts_as_no_delay() {
    let mut scene = Scene::of(&[cron(0, "0 3 * * *")]);
    let (_, first, _) = scene.next(Duration::ZERO);
    assert_eq!(first, Duration::from_hours(15));
    scene.now.wall = scene.now.wall - Duration::from_hours(24 * 365);
    let (_, at, _) = scene.next(Duration::ZERO);
    assert_eq!(
        at,
        Duration::from_hours(15 + 24),
        "a year earlier, the day after"
    );
    scene.now.wall = scene.now.wall + Duration::from_hours(24 * 30);
    let (_, at, late) = scene.next(Duration::ZERO);
    assert!(at <= Duration::from_hours(15 + 48) && late == Duration::ZERO);
}
