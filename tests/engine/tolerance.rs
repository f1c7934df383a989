//! What may go wrong with a job before it is down: failed runs, pings that are missing.

use std::time::Duration;

use belfry::core::check::Check;
use belfry::core::heartbeat::{Beat, Rule, Signal};
use belfry::core::input::Input;
use belfry::core::schedule::{Calendar, Schedule};
use belfry::core::state::{Phase, Threshold};
use belfry::core::time::Time;
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use uuid::Uuid;

use crate::story::{Story, heartbeat};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const GRACE: Duration = Duration::from_mins(10);

/// A heartbeat every hour, with ten minutes of grace.
fn job(fail_after: Threshold, missed_after: u8) -> Check {
    Check {
        fail_after,
        heartbeat: Some(Rule {
            missed_after,
            ..Rule::new(GRACE, Uuid::from_u128(7))
        }),
        ..heartbeat("job")
    }
}

fn beat(story: &Story) -> Beat {
    let watched = story.engine.named("job").expect("a heartbeat");
    watched.record.beat.clone().expect("a beat")
}

/// Tells a story twice, the second time with a crash after every step, and asserts the same of both.
fn tell(check: &Check, telling: impl Fn(&mut Story)) {
    for fragile in [false, true] {
        let mut story = Story::of([check.clone()]);
        story.fragile = fragile;
        telling(&mut story);
    }
}

/// Runs an hour apart: `+` succeeds, `-` fails. Then the phases after each.
fn runs(story: &mut Story, signs: &str) -> String {
    let phase = |phase| match phase {
        Phase::New => 'n',
        Phase::Up => 'u',
        Phase::Degraded => 'd',
        Phase::Down => 'D',
        Phase::Paused => 'p',
    };
    let mut run = |sign| {
        let signal = if sign == '+' {
            Signal::Success
        } else {
            Signal::Exit(3)
        };
        story.ping("job", signal);
        let after = phase(story.phase("job"));
        story.after(HOUR);
        after
    };
    signs.chars().map(&mut run).collect()
}

/// A minute before `span` is over.
fn before(span: Duration) -> Duration {
    span.saturating_sub(MINUTE)
}

#[test]
fn so_many_runs_may_fail_as_the_rule_says_and_each_that_did_shows() {
    for (bad, of, signs, phases) in [
        (1, 1, "+-+-", "uDuD"),
        (2, 2, "+-+--+", "ududDu"),
        (3, 3, "--+---", "dduddD"),
        (2, 5, "+-+++-", "uduuuD"),
        (2, 5, "+-++++-", "uduuuud"),
        (3, 5, "-+-+-", "duduD"),
        (2, 5, "--+-", "dDud"),
    ] {
        tell(&job(Threshold { bad, of }, 1), |story| {
            assert_eq!(runs(story, signs), phases, "{bad} of {of}: {signs}");
        });
    }
}

#[test]
fn what_is_tolerated_tells_nobody_and_what_is_not_says_how_many() {
    let rule = Threshold { bad: 2, of: 5 };
    tell(&job(rule, 1), |story| {
        runs(story, "+-+");
        story.expect(&[
            "job up: ping received",
            "job degraded: 1 of the last 5 runs failed",
            "job up: ping received",
        ]);
        runs(story, "-");
        story.expect(&[
            "job down: 2 of the last 5 runs failed",
            "incident: job",
            "mail: opened",
        ]);
    });
    let loud = Check {
        alert_degraded: true,
        ..job(Threshold::in_a_row(2), 1)
    };
    tell(&loud, |story| {
        runs(story, "+--");
        story.expect(&[
            "job up: ping received",
            "job degraded: the last run failed",
            "incident: job",
            "mail: opened",
            "job down: the last 2 runs failed",
            "incident worse",
            "mail: worsened",
        ]);
    });
}

#[test]
fn so_many_pings_in_a_row_may_be_missing() {
    let most = 3;
    tell(&job(Threshold::in_a_row(1), most), |story| {
        story.ping("job", Signal::Success).said();
        for missing in 1..most {
            story.after(before(if missing == 1 { HOUR + GRACE } else { HOUR }));
            story.expect(&[]);
            story.after(MINUTE);
            assert_eq!(story.phase("job"), Phase::Degraded, "{missing}");
            assert_eq!(beat(story).missed, missing);
            let said: &[&str] = &["job degraded: 1 expected ping is missing"];
            story.expect(if missing == 1 { said } else { &[] });
        }
        let watched = story.engine.named("job").expect("a heartbeat");
        let amiss = watched.tolerated().expect("two pings").to_string();
        assert_eq!(amiss, "2 expected pings in a row are missing");
        let last = watched.record.last.as_ref().expect("a look");
        let said = last.outcome.message();
        assert!(said.ends_with("(2 missing, down at 3)"), "{said}");
        story.after(before(HOUR)).expect(&[]).after(MINUTE);
        story.expect(&[
            "job down: 3 expected pings in a row are missing",
            "incident: job",
            "mail: opened",
        ]);
        story.after(24 * HOUR).expect(&[]);
        story.ping("job", Signal::Success);
        assert_eq!((story.phase("job"), beat(story).missed), (Phase::Up, 0));
    });
}

#[test]
fn whatever_is_heard_ends_the_row_of_missing_pings() {
    for signal in [Signal::Success, Signal::Fail] {
        tell(&job(Threshold::in_a_row(2), 2), |story| {
            story.ping("job", Signal::Success).after(HOUR + GRACE);
            assert_eq!(beat(story).missed, 1);
            story.ping("job", signal).said();
            assert_eq!(beat(story).missed, 0);
            story.after(HOUR + GRACE);
            assert_eq!(story.phase("job"), Phase::Degraded, "{signal:?}");
            story.after(HOUR);
            assert_eq!(story.phase("job"), Phase::Down, "{signal:?}");
        });
    }
    // A start or a note is neither.
    tell(&job(Threshold::in_a_row(1), 2), |story| {
        story.ping("job", Signal::Success).after(HOUR + GRACE);
        story.ping("job", Signal::Log);
        assert_eq!(beat(story).missed, 1);
        story.after(HOUR);
        assert_eq!(story.phase("job"), Phase::Down);
    });
}

#[test]
fn a_missing_ping_is_no_run_that_failed() {
    tell(&job(Threshold::in_a_row(2), 3), |story| {
        assert_eq!(runs(story, "+-"), "ud");
        story.after(HOUR + GRACE);
        assert_eq!(
            (story.phase("job"), beat(story).missed),
            (Phase::Degraded, 2)
        );
        // The last run before it failed, and so does this one.
        story.said();
        story.ping("job", Signal::Fail);
        let said = story.said();
        assert_eq!(
            said.first().map(String::as_str),
            Some("job down: the last 2 runs failed")
        );
    });
}

#[test]
fn a_run_without_an_end_is_one_that_failed() {
    tell(&job(Threshold::in_a_row(2), 1), |story| {
        story.ping("job", Signal::Success).after(HOUR);
        story.said();
        story.ping("job", Signal::Start).after(GRACE);
        story.expect(&["job degraded: the last run failed"]);
        assert_eq!(beat(story).runs().count(), 0, "it is given up");
        // The next is expected as after any run: an hour later, with its grace.
        story
            .after(HOUR)
            .ping("job", Signal::Start)
            .after(before(GRACE));
        story.expect(&[]);
        story.after(MINUTE);
        let said = story.said();
        assert_eq!(
            said.first().map(String::as_str),
            Some("job down: the last 2 runs failed")
        );
        story.ping("job", Signal::Success);
        assert_eq!(story.phase("job"), Phase::Up);
    });
    // Silence after it is silence.
    tell(&job(Threshold::in_a_row(2), 1), |story| {
        story.ping("job", Signal::Start).after(GRACE);
        assert_eq!(story.phase("job"), Phase::Degraded);
        story.said();
        story.after(before(HOUR + GRACE)).expect(&[]).after(MINUTE);
        let said = story.said();
        assert_eq!(
            said.first().map(String::as_str),
            Some("job down: no ping in time")
        );
    });
    // The end that comes after all is good news.
    tell(&job(Threshold::in_a_row(2), 1), |story| {
        story
            .ping_of("job", Signal::Start, Some(1))
            .after(GRACE + MINUTE);
        story.ping_of("job", Signal::Success, Some(1));
        assert_eq!(story.phase("job"), Phase::Up);
        assert_eq!(beat(story).given_up, None);
    });
}

#[test]
fn a_job_that_only_ever_begins_is_overdue() {
    let patient = Check {
        heartbeat: Some(Rule::new(2 * HOUR, Uuid::from_u128(7))),
        ..job(Threshold::in_a_row(5), 1)
    };
    tell(&patient, |story| {
        story.ping("job", Signal::Success).said();
        for _ in 0..3 {
            story.after(before(HOUR)).ping("job", Signal::Start);
        }
        story.expect(&[]);
        // It was due after three hours; the run that had begun by then was awaited, until it began once more.
        story
            .after(before(HOUR))
            .ping("job", Signal::Start)
            .after(MINUTE);
        let said = story.said();
        assert_eq!(
            said.first().map(String::as_str),
            Some("job down: no ping in time")
        );
    });
}

#[test]
fn of_runs_that_overlap_each_may_fail() {
    tell(&job(Threshold::in_a_row(3), 1), |story| {
        story.ping("job", Signal::Success).said();
        for rid in 1..=3 {
            story.ping_of("job", Signal::Start, Some(rid)).after(MINUTE);
        }
        story.after(7 * MINUTE);
        story.expect(&["job degraded: the last run failed"]);
        let left: Vec<_> = beat(story).runs().filter_map(|run| run.rid).collect();
        assert_eq!(left, [Uuid::from_u128(2), Uuid::from_u128(3)]);
        story.after(MINUTE).expect(&[]);
        story.ping_of("job", Signal::Success, Some(3));
        story.expect(&["job up: ping received"]);
    });
}

#[test]
fn a_pause_begins_both_counts_anew() {
    tell(&job(Threshold::in_a_row(2), 2), |story| {
        runs(story, "+-");
        story.after(GRACE);
        assert_eq!(beat(story).missed, 1);
        let (check, by) = (story.id("job"), "ops".into());
        story.input(&Input::Pause { check, by });
        story.after(24 * HOUR);
        assert_eq!((story.phase("job"), beat(story).missed), (Phase::Paused, 0));
        story.ping("job", Signal::Fail);
        assert_eq!(story.phase("job"), Phase::Degraded, "the first of two");
        story.ping("job", Signal::Fail);
        assert_eq!(story.phase("job"), Phase::Down);
    });
}

#[test]
fn time_in_which_nothing_could_be_heard_moves_every_deadline() {
    tell(&job(Threshold::in_a_row(1), 2), |story| {
        story.ping("job", Signal::Success).after(MINUTE).said();
        let (from, to) = (story.now, story.now + HOUR);
        story.now = to;
        let reason = "not running".into();
        story.input(&Input::Deaf { from, to, reason });
        story
            .after(before(before(HOUR + GRACE)))
            .expect(&[])
            .after(MINUTE);
        story.expect(&["job degraded: 1 expected ping is missing"]);
        story.after(before(HOUR)).expect(&[]).after(MINUTE);
        assert_eq!(story.phase("job"), Phase::Down);
    });
}

#[test]
fn a_restart_and_another_plan_know_what_is_missing() {
    let check = job(Threshold::in_a_row(1), 3);
    let mut story = Story::of([check.clone()]);
    story.ping("job", Signal::Success).after(2 * HOUR + GRACE);
    assert_eq!(beat(&story).missed, 2);
    let expected = beat(&story).expected;
    let grouped = Check {
        group: "Backup".into(),
        ..check.clone()
    };
    story.plan([grouped]).after(MINUTE);
    assert_eq!((beat(&story).missed, beat(&story).expected), (2, expected));
    story.crash();
    assert_eq!((beat(&story).missed, beat(&story).expected), (2, expected));
    // By another schedule it is another count: one of every two hours is missing, and that is tolerated.
    let rarer = Check {
        schedule: Schedule::Every(2 * HOUR),
        ..check
    };
    story.plan([rarer]).after(MINUTE);
    assert_eq!(
        (beat(&story).missed, story.phase("job")),
        (1, Phase::Degraded)
    );
    story.after(2 * HOUR);
    assert_eq!(beat(&story).missed, 2);
    story.after(2 * HOUR);
    assert_eq!(story.phase("job"), Phase::Down);
}

#[test]
fn pings_that_are_missing_around_a_shift_are_expected_when_the_clock_says_so() {
    let zone = TimeZoneDatabase::bundled()
        .get("Europe/Berlin")
        .expect("a zone");
    let calendar = Calendar::parse("30 2 * * *", zone).expect("a calendar");
    let check = Check {
        schedule: Schedule::Calendar(Box::new(calendar)),
        ..job(Threshold::in_a_row(1), 2)
    };
    let at = |text: &str| Time::from(text.parse::<Timestamp>().expect("a time"));
    tell(&check, |story| {
        story.now = at("2027-03-27T01:30:00Z");
        story.ping("job", Signal::Success).said();
        // 2027-03-28: 02:00 +01:00 is followed by 03:00 +02:00, which is when it is due.
        story
            .after(at("2027-03-28T01:09:59Z").since(story.now))
            .expect(&[]);
        story.after(Duration::from_secs(1));
        story.expect(&["job degraded: 1 expected ping is missing"]);
        assert_eq!(beat(story).expected, Some(at("2027-03-29T00:30:00Z")));
        story
            .after(at("2027-03-29T00:39:59Z").since(story.now))
            .expect(&[]);
        story.after(Duration::from_secs(1));
        assert_eq!(story.phase("job"), Phase::Down);
    });
}
