use serde_json::json;

use super::*;
use crate::core::schedule::Schedule;

fn read(value: &Value) -> Result<Spec, String> {
    let fields = value.as_object().expect("an object");
    Spec::read(fields).map_err(|refusal| {
        let Refusal::Says(StatusCode::BAD_REQUEST, error) = refusal else {
            panic!("{refusal:?}");
        };
        error
    })
}

fn made(value: &Value, version: u8) -> Made {
    let spec = read(value).expect("a spec");
    spec.onto(Made::default(), None, version)
}

#[test]
fn every_mistake_is_told_in_the_words_of_the_original() {
    for (field, error) in [
        (json!({"name": 7}), "name is not a string"),
        (json!({"name": null}), "name is not a string"),
        (json!({"name": "x".repeat(101)}), "name is too long"),
        (json!({"slug": "x".repeat(101)}), "slug is too long"),
        (json!({"slug": "Upper"}), "slug does not match pattern"),
        (json!({"slug": "a b"}), "slug does not match pattern"),
        (json!({"tags": ["a"]}), "tags is not a string"),
        (json!({"tags": "x".repeat(501)}), "tags is too long"),
        (json!({"desc": 1}), "desc is not a string"),
        (json!({"timeout": "60"}), "timeout is not a number"),
        (json!({"timeout": 60.5}), "timeout is not a number"),
        (json!({"timeout": null}), "timeout is not a number"),
        (json!({"timeout": 59}), "timeout is too small"),
        (json!({"timeout": -1}), "timeout is too small"),
        (json!({"timeout": 31_536_001}), "timeout is too large"),
        (json!({"grace": 59}), "grace is too small"),
        (json!({"grace": true}), "grace is not a number"),
        (json!({"schedule": 5}), "schedule is not a string"),
        (
            json!({"schedule": "* * *"}),
            "schedule is not a valid cron or OnCalendar expression",
        ),
        (
            json!({"schedule": "0 0 31 2 *"}),
            "schedule is not a valid cron or OnCalendar expression",
        ),
        (
            json!({"schedule": "*-02-30"}),
            "schedule is not a valid cron or OnCalendar expression",
        ),
        (
            json!({"schedule": "0 3 * * *\n0 4 * * *"}),
            "schedule is not a valid cron or OnCalendar expression",
        ),
        (json!({"schedule": "x".repeat(101)}), "schedule is too long"),
        (
            json!({"tz": "Europe/Nowhere"}),
            "tz is not a valid timezone",
        ),
        (json!({"tz": 1}), "tz is not a string"),
        (
            json!({"manual_resume": 0}),
            "manual_resume is not a boolean",
        ),
        (
            json!({"filter_body": "yes"}),
            "filter_body is not a boolean",
        ),
        (json!({"methods": "GET"}), "methods has unexpected value"),
        (json!({"methods": null}), "methods has unexpected value"),
        (
            json!({"success_kw": "x".repeat(201)}),
            "success_kw is too long",
        ),
        (json!({"unique": "name"}), "unique is not an array"),
        (
            json!({"unique": ["name", "status"]}),
            "an item in 'unique' has unexpected value",
        ),
        (json!({"channels": []}), "channels is not a string"),
    ] {
        let expected = format!("json validation error: {error}");
        assert_eq!(read(&field), Err(expected), "{field}");
    }
    // Whatever else is said is nobody's business.
    assert_eq!(
        read(&json!({"api_key": 1, "color": "red"})),
        Ok(Spec::default())
    );
}

#[test]
fn a_schedule_beats_a_timeout_and_either_ends_the_other() {
    let both = made(
        &json!({"timeout": 3600, "schedule": "15 5 * * *", "tz": "Europe/Riga"}),
        3,
    );
    assert!(both.by_calendar);
    let Schedule::Calendar(calendar) = both.schedule() else {
        panic!("{:?}", both.schedule());
    };
    assert_eq!(calendar.zone.iana_name(), Some("Europe/Riga"));
    let simple = read(&json!({"timeout": 300})).expect("a spec");
    let simple = simple.onto(both, None, 3);
    assert_eq!(simple.schedule(), Schedule::Every(Duration::from_mins(5)));
    // The zone of a calendar can change alone.
    let moved = made(&json!({"schedule": "15 5 * * *"}), 3);
    let moved = read(&json!({"tz": "Asia/Tokyo"}))
        .expect("a spec")
        .onto(moved, None, 3);
    assert!(
        matches!(moved.schedule(), Schedule::Calendar(c) if c.zone.iana_name() == Some("Asia/Tokyo"))
    );
}

#[test]
fn a_schedule_may_be_calendar_events_with_zones_of_their_own() {
    let fields = json!({"schedule": "Mon..Fri 03:00\nSat 05:00 UTC", "tz": "Europe/Berlin"});
    let made = made(&fields, 3);
    let Schedule::Calendar(calendar) = made.schedule() else {
        panic!("{:?}", made.schedule());
    };
    assert_eq!(calendar.key(), "on_calendar");
    let at = |text: &str| Time::from(text.parse::<jiff::Timestamp>().expect("a time"));
    let friday = calendar.next_after(at("2026-05-07T12:00:00Z"));
    assert_eq!(friday, Some(at("2026-05-08T01:00:00Z")));
    let saturday = calendar.next_after(at("2026-05-08T12:00:00Z"));
    assert_eq!(saturday, Some(at("2026-05-09T05:00:00Z")));
    // As the journal keeps it, and as it is when zones cannot be looked up yet.
    let kept = serde_json::to_string(&made).expect("text");
    let mut kept: Made = serde_json::from_str(&kept).expect("what was written");
    assert!(matches!(kept.schedule(), Schedule::Calendar(c) if c.key() == "on_calendar"));
    assert!(kept.settle(zone_named));
    assert_eq!(kept.schedule(), made.schedule());
}

#[test]
fn only_the_first_two_versions_make_a_slug_of_the_name() {
    for (version, slug) in [(1, "nightly-backup"), (2, "nightly-backup"), (3, "")] {
        let made = made(&json!({"name": "Nightly Backup"}), version);
        assert_eq!(&*made.slug, slug, "v{version}");
    }
    let said = made(&json!({"name": "Nightly Backup", "slug": "nb"}), 2);
    assert_eq!(&*said.slug, "nb");
}

#[test]
fn the_old_words_for_subjects_turn_the_filter_of_subjects_on_and_off() {
    let on = made(&json!({"subject": "done", "subject_fail": "error"}), 1);
    assert!(on.filter.subject);
    assert_eq!(
        (&*on.filter.success, &*on.filter.failure),
        ("done", "error")
    );
    let off = read(&json!({"subject": "", "subject_fail": ""})).expect("a spec");
    assert!(!off.onto(on, None, 1).filter.subject);
}

#[test]
fn what_is_not_said_stays_as_it_is() {
    let all = made(
        &json!({
            "name": "a", "slug": "a", "tags": "x y", "desc": "d", "timeout": 120, "grace": 180,
            "manual_resume": true, "methods": "POST", "start_kw": "s", "success_kw": "o", "failure_kw": "f",
            "filter_subject": true, "filter_body": true, "filter_http_body": true, "filter_default_fail": true,
        }),
        3,
    );
    let same = Spec::default().onto(all.clone(), None, 3);
    assert_eq!(same, all);
    let filter = &all.filter;
    assert!(filter.only_post && filter.subject && filter.body && filter.http_body);
    assert!(filter.default_fail && all.manual_resume);
    assert_eq!(all.tags().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(all.grace, Duration::from_mins(3));
}
