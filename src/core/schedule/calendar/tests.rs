//! Calendars through shifts, against times that were looked up and written down by hand.

use std::time::Duration;

use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

use super::*;
use crate::core::schedule::Schedule;

mod lists;

/// A zone of the copy that is built in, so that the machine's own does not decide what is tested.
fn zone(name: &str) -> TimeZone {
    let zone = TimeZoneDatabase::bundled().get(name);
    zone.expect("a zone of the IANA database")
}

/// All times that `cron` is due after `from`, up to `to`, as they stand on the clock on the wall.
fn due(zone: &TimeZone, cron: &str, from: &str, to: &str) -> Vec<String> {
    let calendar = Calendar::parse(cron, zone.clone()).expect("a valid expression");
    let (mut at, to) = (time(from), time(to));
    let mut found = Vec::new();
    while let Some(next) = calendar.next_after(at).filter(|next| *next <= to) {
        assert!(next > at, "{cron}: time must pass");
        let local = next.within(zone);
        found.push(local.strftime("%m-%d %H:%M %:z").to_string());
        at = next;
    }
    found
}

fn time(text: &str) -> Time {
    let at: Timestamp = text.parse().expect("a valid time");
    at.into()
}

#[test]
fn berlin_a_time_that_is_skipped_is_due_at_the_shift() {
    // 2026-03-29: 02:00 +01:00 is followed by 03:00 +02:00.
    let night = |cron| {
        due(
            &zone("Europe/Berlin"),
            cron,
            "2026-03-28T12:00:00Z",
            "2026-03-30T04:00:00Z",
        )
    };
    assert_eq!(
        night("30 2 * * *"),
        ["03-29 03:00 +02:00", "03-30 02:30 +02:00"]
    );
    assert_eq!(
        night("0 2 * * *"),
        ["03-29 03:00 +02:00", "03-30 02:00 +02:00"]
    );
    // Two that are skipped by the same shift are due there once, and with the one that stands there.
    assert_eq!(
        night("10,40 2 * * *"),
        [
            "03-29 03:00 +02:00",
            "03-30 02:10 +02:00",
            "03-30 02:40 +02:00"
        ]
    );
    assert_eq!(
        night("0 2,3 * * *"),
        [
            "03-29 03:00 +02:00",
            "03-30 02:00 +02:00",
            "03-30 03:00 +02:00"
        ]
    );
    // What is not in the gap is not moved.
    assert_eq!(night("59 1 29 3 *"), ["03-29 01:59 +01:00"]);
    assert_eq!(night("0 3 29 3 *"), ["03-29 03:00 +02:00"]);
}

#[test]
fn berlin_a_time_that_comes_twice_is_due_once() {
    // 2026-10-25: 03:00 +02:00 is followed by 02:00 +01:00.
    let night = |cron| {
        due(
            &zone("Europe/Berlin"),
            cron,
            "2026-10-24T12:00:00Z",
            "2026-10-26T04:00:00Z",
        )
    };
    assert_eq!(
        night("30 2 * * *"),
        ["10-25 02:30 +02:00", "10-26 02:30 +01:00"]
    );
    assert_eq!(
        night("0 2,3 25 10 *"),
        ["10-25 02:00 +02:00", "10-25 03:00 +01:00"]
    );
    assert_eq!(night("0 3 25 10 *"), ["10-25 03:00 +01:00"]);
    // Seen from within the second pass, this night's is over.
    let late = due(
        &zone("Europe/Berlin"),
        "30 2 * * *",
        "2026-10-25T01:10:00Z",
        "2026-10-26T04:00:00Z",
    );
    assert_eq!(late, ["10-26 02:30 +01:00"]);
}

#[test]
fn berlin_a_rhythm_goes_by_the_time_that_passes() {
    let spring = |cron| {
        due(
            &zone("Europe/Berlin"),
            cron,
            "2026-03-29T00:29:00Z",
            "2026-03-29T01:31:00Z",
        )
    };
    assert_eq!(
        spring("*/30 * * * *"),
        [
            "03-29 01:30 +01:00",
            "03-29 03:00 +02:00",
            "03-29 03:30 +02:00"
        ]
    );
    assert_eq!(spring("0 * * * *"), ["03-29 03:00 +02:00"]);
    assert_eq!(spring("*/10 2 * * *"), [""; 0]);

    let autumn = |cron| {
        due(
            &zone("Europe/Berlin"),
            cron,
            "2026-10-24T23:31:00Z",
            "2026-10-25T02:01:00Z",
        )
    };
    assert_eq!(
        autumn("*/30 * * * *"),
        [
            "10-25 02:00 +02:00",
            "10-25 02:30 +02:00",
            "10-25 02:00 +01:00",
            "10-25 02:30 +01:00",
            "10-25 03:00 +01:00"
        ]
    );
    assert_eq!(
        autumn("0 * * * *"),
        [
            "10-25 02:00 +02:00",
            "10-25 02:00 +01:00",
            "10-25 03:00 +01:00"
        ]
    );
    assert_eq!(
        autumn("*/40 2 * * *"),
        [
            "10-25 02:00 +02:00",
            "10-25 02:40 +02:00",
            "10-25 02:00 +01:00",
            "10-25 02:40 +01:00"
        ]
    );
}

#[test]
fn new_york_shifts_in_march_and_november() {
    // 2026-03-08: 02:00 -05:00 is followed by 03:00 -04:00; 2026-11-01: 02:00 -04:00 by 01:00 -05:00.
    let zone = zone("America/New_York");
    let spring = due(
        &zone,
        "15 2 * * *",
        "2026-03-07T12:00:00Z",
        "2026-03-09T12:00:00Z",
    );
    assert_eq!(spring, ["03-08 03:00 -04:00", "03-09 02:15 -04:00"]);
    let autumn = due(
        &zone,
        "15 1 * * *",
        "2026-10-31T12:00:00Z",
        "2026-11-02T12:00:00Z",
    );
    assert_eq!(autumn, ["11-01 01:15 -04:00", "11-02 01:15 -05:00"]);
    let hourly = due(
        &zone,
        "15 * * * *",
        "2026-11-01T05:00:00Z",
        "2026-11-01T07:30:00Z",
    );
    assert_eq!(
        hourly,
        [
            "11-01 01:15 -04:00",
            "11-01 01:15 -05:00",
            "11-01 02:15 -05:00"
        ]
    );
}

#[test]
fn lord_howe_shifts_by_half_an_hour() {
    // 2026-04-05: 02:00 +11:00 is followed by 01:30 +10:30; 2026-10-04: 02:00 +10:30 by 02:30 +11:00.
    let zone = zone("Australia/Lord_Howe");
    let spring = |cron| due(&zone, cron, "2026-10-03T14:00:00Z", "2026-10-04T14:00:00Z");
    assert_eq!(spring("15 2 * * *"), ["10-04 02:30 +11:00"]);
    assert_eq!(spring("45 2 * * *"), ["10-04 02:45 +11:00"]);
    let autumn = |cron| due(&zone, cron, "2026-04-04T14:20:00Z", "2026-04-04T15:50:00Z");
    assert_eq!(autumn("45 1 * * *"), ["04-05 01:45 +11:00"]);
    assert_eq!(autumn("15 1 * * *"), [""; 0]);
    assert_eq!(
        autumn("*/15 1 * * *"),
        [
            "04-05 01:30 +11:00",
            "04-05 01:45 +11:00",
            "04-05 01:30 +10:30",
            "04-05 01:45 +10:30"
        ]
    );
}

#[test]
fn midnight_may_be_missing_or_come_twice() {
    // Beirut 2026-03-29: 00:00 +02:00 is followed by 01:00 +03:00.
    let beirut = |cron| {
        due(
            &zone("Asia/Beirut"),
            cron,
            "2026-03-28T12:00:00Z",
            "2026-03-29T23:00:00Z",
        )
    };
    assert_eq!(
        beirut("0 0 * * *"),
        ["03-29 01:00 +03:00", "03-30 00:00 +03:00"]
    );
    assert_eq!(
        beirut("@daily"),
        ["03-29 01:00 +03:00", "03-30 00:00 +03:00"]
    );
    assert_eq!(beirut("30 0 * * sun"), ["03-29 01:00 +03:00"]);
    // Santiago 2026-09-06: 00:00 -04:00 is followed by 01:00 -03:00.
    let zone = zone("America/Santiago");
    let spring = due(
        &zone,
        "0 0 * * *",
        "2026-09-05T12:00:00Z",
        "2026-09-07T12:00:00Z",
    );
    assert_eq!(spring, ["09-06 01:00 -03:00", "09-07 00:00 -03:00"]);
    // Santiago 2026-04-05: 00:00 -03:00 is 23:00 -04:00 of Saturday once more.
    let autumn = due(
        &zone,
        "30 23 * * *",
        "2026-04-04T12:00:00Z",
        "2026-04-06T12:00:00Z",
    );
    assert_eq!(autumn, ["04-04 23:30 -03:00", "04-05 23:30 -04:00"]);
    let monthly = due(
        &zone,
        "0 0 5 * *",
        "2026-04-04T12:00:00Z",
        "2026-04-06T12:00:00Z",
    );
    assert_eq!(monthly, ["04-05 00:00 -04:00"]);
}

#[test]
fn what_the_last_hour_of_a_day_skips_is_due_on_the_next_day() {
    // Nuuk 2024-03-30, a Saturday: 23:00 -02:00 is followed by 00:00 -01:00 of Sunday.
    let nuuk = zone("America/Nuuk");
    let saturdays = due(
        &nuuk,
        "30 23 * * sat",
        "2024-03-24T12:00:00Z",
        "2024-04-07T12:00:00Z",
    );
    assert_eq!(saturdays, ["03-31 00:00 -01:00", "04-06 23:30 -01:00"]);
    // Apia had no 2011-12-30 at all.
    let apia = due(
        &zone("Pacific/Apia"),
        "0 12 * * *",
        "2011-12-29T00:00:00Z",
        "2011-12-31T12:00:00Z",
    );
    assert_eq!(
        apia,
        [
            "12-29 12:00 -10:00",
            "12-31 00:00 +14:00",
            "12-31 12:00 +14:00"
        ]
    );
}

#[test]
fn the_moment_itself_and_fractions_of_a_second_are_past() {
    let calendar = Calendar::parse("0 3 * * *", TimeZone::UTC).expect("valid");
    let three = time("2026-05-05T03:00:00Z");
    let second = Duration::from_secs(1);
    let ms = Duration::from_millis(1);
    assert_eq!(calendar.next_after(three - ms), Some(three));
    assert_eq!(calendar.next_after(three - second), Some(three));
    assert_eq!(
        calendar.next_after(three),
        Some(time("2026-05-06T03:00:00Z"))
    );
    assert_eq!(
        calendar.next_after(three + ms),
        Some(time("2026-05-06T03:00:00Z"))
    );
}

#[test]
fn a_date_that_never_comes_has_no_next_time() {
    let never = Calendar::parse("0 0 30 2 *", zone("Europe/Berlin")).expect("valid");
    assert_eq!(never.next_after(time("2026-01-01T00:00:00Z")), None);
    let leap = Calendar::parse("0 0 29 2 *", TimeZone::UTC).expect("valid");
    assert_eq!(
        leap.next_after(time("2026-01-01T00:00:00Z")),
        Some(time("2028-02-29T00:00:00Z"))
    );
}

#[test]
fn at_the_end_of_time_nothing_is_due_any_more() {
    for cron in ["0 3 * * *", "*/5 * * * *"] {
        for name in ["Europe/Berlin", "America/New_York", "Pacific/Apia"] {
            let calendar = Calendar::parse(cron, zone(name)).expect("valid");
            assert_eq!(calendar.next_after(Time::from_millis(i64::MAX)), None);
        }
    }
}

#[test]
fn what_is_no_cron_expression_is_refused() {
    for text in [
        "",
        "daily",
        "0 3 * *",
        "61 * * * *",
        "* 24 * * *",
        "* * 32 * *",
        "0 0 3 * * * 2027",
        "every day",
        "\u{0}",
    ] {
        assert!(Calendar::parse(text, TimeZone::UTC).is_err(), "{text:?}");
    }
}

proptest! {
    /// Every second of the days around a shift is asked; what is said must be the first second at which the
    /// wall clock shows a match.
    #[test]
    fn a_rhythm_is_due_whenever_the_wall_clock_matches(
        zone in prop::sample::select(vec![zone("Europe/Berlin"), zone("Australia/Lord_Howe"), zone("America/Santiago"), zone("America/Nuuk"), zone("Asia/Beirut")]),
        cron in prop::sample::select(vec!["*/7 * * * *", "13 * * * *", "*/20 0-3 * * *", "* 1,23 * * *"]),
        shift in prop::sample::select(vec!["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-04-04T12:00:00Z", "2026-10-03T12:00:00Z", "2026-09-05T12:00:00Z"]),
        offset in 0_u64..100_000,
    ) {
        let calendar = Calendar::parse(cron, zone.clone()).expect("valid");
        let at = time(shift) + Duration::from_secs(offset);
        let minute = Duration::from_mins(1);
        let mut expected = at.floor(minute) + minute;
        let Language::Cron(pattern) = &calendar.language else {
            panic!("{calendar:?}");
        };
        while !pattern.is_time_matching(&expected.within(&zone).datetime()).expect("in range") {
            expected = expected + minute;
        }
        prop_assert_eq!(calendar.next_after(at), Some(expected));
    }
}

#[test]
fn what_is_wrong_with_an_expression_is_said_in_words_of_ours() {
    for (text, said) in [
        ("", "it is empty"),
        ("3", "it has one field, not five"),
        ("0 3 * *", "it has 4 fields, not five"),
        ("0 3 * * * * *", "it has 7 fields, not five"),
        ("@dayly", "the names are @yearly, "),
        ("61 3 * * *", "the minute is \"61\", and can be 0 to 59"),
        ("0 25 * * *", "the hour is \"25\", and can be 0 to 23"),
        ("0 0 0 * *", "the day of the month is \"0\""),
        ("0 0 * x *", "the month is \"x\""),
        ("0 0 * * mo", "the weekday is \"mo\""),
        ("99 0 0 * * *", "the second is \"99\""),
    ] {
        let wrong = Calendar::parse(text, TimeZone::UTC).expect_err(text);
        assert!(wrong.starts_with(said), "{text}: {wrong}");
    }
}
