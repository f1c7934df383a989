//! Events of systemd as a schedule: several of them, and how they are told from cron.

use super::*;

fn events(text: &str) -> Result<Calendar, String> {
    let find = |name: &str| TimeZoneDatabase::bundled().get(name).ok();
    Calendar::on_calendar(text, zone("Europe/Berlin"), find)
}

#[test]
fn of_several_events_the_next_one_counts() {
    let both = events("Mon..Fri 03:00\nSat,Sun 05:00 UTC\n").expect("events");
    let mut at = time("2026-05-07T12:00:00Z");
    for due in [
        "2026-05-08T01:00:00Z",
        "2026-05-09T05:00:00Z",
        "2026-05-10T05:00:00Z",
        "2026-05-11T01:00:00Z",
    ] {
        at = both.next_after(at).expect("a time");
        assert_eq!(at, time(due));
    }
    assert_eq!(
        Schedule::Calendar(Box::new(both)).to_string(),
        "on_calendar Mon..Fri 03:00; Sat,Sun 05:00 UTC (Europe/Berlin)"
    );
    let own = events("05:00 UTC").expect("an event");
    assert_eq!(
        Schedule::Calendar(Box::new(own)).to_string(),
        "on_calendar 05:00 UTC"
    );
    assert!(events("daily\n\nhourly").is_err());
    assert!(events(&"daily\n".repeat(17)).is_err());
}

#[test]
fn five_fields_on_one_line_are_cron_and_anything_else_is_not() {
    let find = |name: &str| TimeZoneDatabase::bundled().get(name).ok();
    for (text, key) in [
        ("0 3 * * *", Some("cron")),
        ("daily", Some("on_calendar")),
        ("Mon *-*-* 3:00 Europe/Berlin", Some("on_calendar")),
        ("12:00\n13:00\n14:00\n15:00\n16:00", Some("on_calendar")),
        ("0 3 * * *\n0 4 * * *", None),
        ("@daily", None),
        ("0 0 3 * * *", None),
        ("", None),
    ] {
        let read = Calendar::of_either(text, TimeZone::UTC, find);
        assert_eq!(read.ok().map(|calendar| calendar.key()), key, "{text}");
    }
}
