//! What the tests against systemd itself (`tests/calendar`) cannot tell: words for mistakes, what systemd refuses, and
//! the hour that comes twice.

use jiff::tz::TimeZoneDatabase;

use super::*;

fn find(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The first times after `from` in Berlin, in UTC.
fn due(event: &str, from: &str, times: usize) -> Vec<String> {
    let event = Event::read(event, &find).expect("an event");
    let zone = find("Europe/Berlin").expect("a zone");
    let mut at: Timestamp = from.parse().expect("a time");
    let mut found = Vec::new();
    while found.len() < times
        && let Some(next) = event.next_after(at, &zone)
    {
        assert!(next > at, "time must pass");
        found.push(next.strftime("%F %T").to_string());
        at = next;
    }
    found
}

#[test]
fn what_is_wrong_is_said_in_words_that_help() {
    for (text, said) in [
        ("", "it is empty"),
        ("Foo 12:00", "the weekday is \"Foo\", and can be Mon to Sun"),
        (
            "Sat..Mon 12:00",
            "the weekdays \"Sat..Mon\" run over the end of the week: write them as two, Sat..Sun and Mon..Mon",
        ),
        ("often", "the weekday is \"often\""),
        (
            "24:00",
            "the hour is \"24\", and can be 0 to 23, *, or a list, range (..) or step (/) of them",
        ),
        ("12:60", "the minute is \"60\""),
        ("12:00:61", "the second is \"61\""),
        (
            "12:00:00.5",
            "the second is \"00.5\": parts of a second are not told apart",
        ),
        ("12:00:0/0.5", "the second is \"0/0.5\": parts of a second"),
        // As systemd refuses a step past all that can be.
        ("12:00:00/60", "the second is \"00/60\", and can be 0 to 59"),
        ("0/24:00", "the hour is \"0/24\", and can be 0 to 23"),
        ("*-*-1/31", "the day is \"1/31\""),
        ("*-13-01", "the month is \"13\", and can be 1 to 12"),
        ("*-*-0", "the day is \"0\", and can be 1 to 31"),
        (
            "*-*~29",
            "the day from the end of the month is \"29\", and can be 1 to 28",
        ),
        (
            "1969-01-01",
            "the year is \"1969\", and can be 1970 to 2199",
        ),
        ("01", "the date is \"01\": it has one part"),
        ("1-2-3-4", "the date is \"1-2-3-4\": it has too many parts"),
        ("1:2:3:4", "the time is \"1:2:3:4\""),
        ("daily Mars/Olympus", "\"Mars/Olympus\" is no time zone"),
        (
            "Mon 12-01 12:00 13:00 UTC",
            "it has more than weekdays, a date, a time",
        ),
        ("0 3 * * *", "these are the five fields of cron"),
        ("@1493187147", "the date is \"@1493187147\""),
    ] {
        let wrong = Event::read(text, &find).expect_err(text);
        assert!(wrong.starts_with(said), "{text}: {wrong}");
    }
}

#[test]
fn what_healthchecks_takes_beside_systemd_is_taken() {
    let from = "2026-05-04T22:00:00Z";
    assert_eq!(
        due("*:*/20", from, 2),
        ["2026-05-04 22:20:00", "2026-05-04 22:40:00"]
    );
    assert_eq!(due("*-*-05..05", from, 1), ["2026-06-04 22:00:00"]);
    assert_eq!(
        due("*:50/15", from, 2),
        ["2026-05-04 22:50:00", "2026-05-04 23:50:00"]
    );
}

#[test]
fn in_the_hour_that_comes_twice_only_the_first_counts() {
    // 2026-10-25: 03:00 +02:00 (01:00 UTC) is followed by 02:00 +01:00.
    for from in [
        "2026-10-25T00:59:59Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T01:30:30Z",
    ] {
        for event in ["*:0/30", "hourly", "*:*:*"] {
            assert_eq!(due(event, from, 1), ["2026-10-25 02:00:00"], "{event}");
        }
        assert_eq!(due("02:30", from, 1), ["2026-10-26 01:30:00"]);
    }
    assert_eq!(
        due("02:30", "2026-10-24T12:00:00Z", 1),
        ["2026-10-25 00:30:00"]
    );
}

#[test]
fn what_a_shift_skips_is_no_time_at_all() {
    // 2026-03-29: 02:00 +01:00 (01:00 UTC) is followed by 03:00 +02:00.
    let eve = "2026-03-28T12:00:00Z";
    assert_eq!(due("02:30", eve, 1), ["2026-03-30 00:30:00"]);
    // Each of these is one.
    assert_eq!(due("Sun *-3~7/1 02:00:05", eve, 1), [""; 0]);
    assert_eq!(
        due("*:0/30", "2026-03-29T00:30:00Z", 1),
        ["2026-03-29 01:00:00"]
    );
    // A zone of its own wins.
    assert_eq!(due("02:30 UTC", eve, 1), ["2026-03-29 02:30:00"]);
}

#[test]
fn a_date_that_is_over_or_never_comes_has_no_next_time() {
    let now = "2026-05-04T22:00:00Z";
    for event in ["*-02-30", "2026-05-04", "Mon 2026-05-05", "2030-2-29"] {
        let event = Event::read(event, &find).expect("an event");
        let at = now.parse().expect("a time");
        assert_eq!(event.next_after(at, &TimeZone::UTC), None, "{event:?}");
    }
    let read = Event::read("*:*", &find).expect("an event");
    assert_eq!(read.next_after(Timestamp::MAX, &TimeZone::UTC), None);
}
