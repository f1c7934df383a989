//! What `systemd-analyze calendar` says of an event is what Belfry expects.

use std::process::Command;

use belfry::core::schedule::Calendar;
use belfry::core::time::Time;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

/// How many times of each event are compared.
const TIMES: usize = 6;

/// The next times of each event by systemd, in UTC; none where it does not know the event. Nothing at all where it
/// gives up: version 252 does where it would leap from one offset to midnight in another.
fn by_systemd(events: &[&str], zone: &str, from: Timestamp) -> Vec<Option<Vec<String>>> {
    let output = Command::new("systemd-analyze")
        .env("TZ", zone)
        .arg("calendar")
        .arg(format!("--iterations={TIMES}"))
        .arg(format!("--base-time={}", from.strftime("%F %T UTC")))
        .arg("--")
        .args(events)
        .output()
        .expect("systemd-analyze, which is in the package systemd");
    let said = String::from_utf8(output.stdout).expect("text");
    let complaints = String::from_utf8_lossy(&output.stderr);
    if complaints.contains("Infinite loop") {
        return Vec::new();
    }
    let mut found = vec![None; events.len()];
    let mut event = 0;
    for line in said.lines() {
        // An empty line is between two events.
        let Some((label, time)) = line.split_once(": ") else {
            event += 1;
            continue;
        };
        let times = found[event].get_or_insert_with(Vec::new);
        let time = time.trim().strip_suffix(" UTC");
        times.extend(time.filter(|_| !label.contains("form")).map(str::to_owned));
    }
    found
}

/// The next times by Belfry, written in the same way.
fn by_belfry(event: &str, zone: &TimeZone, from: Timestamp) -> Result<Vec<String>, String> {
    let find = |name: &str| TimeZone::get(name).ok();
    let calendar = Calendar::on_calendar(event, zone.clone(), find)?;
    let mut at = Time::from(from);
    let mut times = Vec::new();
    while times.len() < TIMES
        && let Some(next) = calendar.next_after(at)
    {
        times.push(next.utc().strftime("%a %F %T").to_string());
        at = next;
    }
    Ok(times)
}

/// Says how many were compared.
#[track_caller]
fn compare(events: &[&str], zone: &str, from: Timestamp) -> usize {
    let local = TimeZone::get(zone).expect("a zone");
    let theirs = by_systemd(events, zone, from);
    let compared = theirs.len();
    for (event, theirs) in events.iter().zip(theirs) {
        let ours = by_belfry(event, &local, from);
        assert_eq!(
            ours.as_ref().ok(),
            theirs.as_ref(),
            "{event:?} in {zone} after {from}: {ours:?}"
        );
    }
    compared
}

/// Moments before, within and after shifts, and others.
///
/// None is in a stretch that comes for the second time: there systemd says one thing when it has just been started,
/// and another when it was running before.
const MOMENTS: [(&str, &str); 11] = [
    ("UTC", "2026-01-01T00:00:00Z"),
    ("UTC", "2027-12-31T23:59:59Z"),
    ("Europe/Berlin", "2026-03-28T12:00:00Z"),
    ("Europe/Berlin", "2026-03-29T00:59:59Z"),
    ("Europe/Berlin", "2026-10-24T23:10:00Z"),
    ("Europe/Berlin", "2026-10-25T00:45:00Z"),
    ("America/New_York", "2026-11-01T05:15:00Z"),
    ("America/Santiago", "2026-09-06T03:30:00Z"),
    ("Asia/Beirut", "2026-03-28T21:30:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:10:00Z"),
    ("Pacific/Apia", "2011-12-29T12:00:00Z"),
];

/// Forms of systemd.time(7), among them all its examples that are whole seconds.
const EVENTS: &[&str] = &[
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "semiannually",
    "semi-annually",
    "yearly",
    "annually",
    "Daily",
    "daily UTC",
    "weekly Pacific/Auckland",
    "hourly Europe/Berlin",
    "Sat,Thu,Mon..Wed,Sat..Sun",
    "Mon,Sun 32-*-* 2,1:23",
    "Wed *-1",
    "Wed..Wed,Wed *-1",
    "Wed, 17:48",
    "Wed..Sat,Tue 32-10-15 1:2:3",
    "*-*-7 0:0:0",
    "10-15",
    "monday *-12-* 17:00",
    "Mon,Fri *-*-3,1,2 *:30:45",
    "12,14,13,12:20,10,30",
    "12..14:10,20,30",
    "mon,fri *-1/2-1,3 *:30:45",
    "03-05 08:05:40",
    "08:05:40",
    "05:40",
    "Sat,Sun 12-05 08:05:40",
    "Sat,Sun 08:05:40",
    "2033-03-05 05:40",
    "2033-02..04-05",
    "2033-03-05 05:40 UTC",
    "2033-03-05",
    "*:2/3",
    "*-02~03",
    "Mon *-05~07/1",
    "*-*~1",
    "*-*~1..3 12:00",
    "*-*~07/2",
    "*-*~1..7/3",
    "*-2~1",
    "2028-2~1,3",
    "*-02-29",
    "Fri *-*-13",
    "Mon-Fri 9:00",
    "MON..wed,Sunday 02:30",
    "*-*-* *:*:*",
    "*:*",
    "*:0/5",
    "*:0/30",
    "1..23/2:15",
    "02:30",
    "02:00",
    "01:30",
    "00:00",
    "0..4:0/20",
    "02:0/7:10",
    "*:*:0/10",
    "*:*:50",
    "2030..2032-01-01",
    "2030/2-*-* 12:00",
    "30,32-01-01",
    "70-01-01",
    "*-4,6,9,11-31",
    "*-*-31 23:59:59",
    "*-*-* 02:30 America/New_York",
    "Sun *-3,10~7/1 2:30",
    // Refused by both.
    "",
    "often",
    "Mon..",
    "Sat..Mon",
    "Monday,Foo",
    "25:00",
    "12:60",
    "12:00:60",
    "*-13-01",
    "*-*-32",
    "*-*-0",
    "*-*~29",
    "2200-01-01",
    "1-2-3-4",
    "12",
    "12:",
    ":30",
    "*-*",
    "12:00 13:00",
    "*:0/0",
    "*:5..3",
    "1:2:3:4",
    "daily daily",
    "daily Mars/Olympus",
    "UTC",
    "Mon 12:00 *-*-*",
    "*-*-* 12:00 Mon",
    "*~*~1",
    "-1:00",
    "1,,2:00",
];

#[test]
fn every_form_elapses_as_it_does_in_systemd() {
    for (zone, from) in MOMENTS {
        let compared = compare(EVENTS, zone, from.parse().expect("a time"));
        assert_eq!(compared, EVENTS.len(), "{zone}, {from}");
    }
}

/// A part of a date or time with values from `least` to `most`.
fn part(least: u16, most: u16) -> impl Strategy<Value = String> {
    let value = least..=most;
    let range = move || (least..most).prop_flat_map(move |first| (Just(first), first + 1..=most));
    prop_oneof![
        2 => Just("*".to_owned()),
        3 => value.clone().prop_map(|value| value.to_string()),
        1 => prop::collection::vec(value, 2..4).prop_map(|values| {
            let values: Vec<String> = values.iter().map(u16::to_string).collect();
            values.join(",")
        }),
        2 => range().prop_map(|(first, last)| format!("{first}..{last}")),
        1 => range().prop_flat_map(|(first, last)| {
            (1..=last - first).prop_map(move |step| format!("{first}..{last}/{step}"))
        }),
        1 => range().prop_map(move |(first, last)| format!("{first}/{}", last - first)),
    ]
}

/// Like [`part`], counted from the end of the month. Steps lead to its last day: of others systemd 252 misses some at
/// the end of the year.
fn from_end() -> impl Strategy<Value = String> {
    let pair = (1_u16..28).prop_flat_map(|near| (Just(near), near + 1..=28));
    prop_oneof![
        (1_u16..=28).prop_map(|day| day.to_string()),
        pair.clone()
            .prop_map(|(near, far)| format!("{near}..{far}")),
        (2_u16..=28).prop_map(|day| format!("{day}/{}", day - 1)),
        (2_u16..=28).prop_map(|day| format!("{day}/1")),
        pair.prop_map(|(near, far)| format!("{near}..{far}/{}", (far - near).div_ceil(2))),
    ]
}

fn event() -> impl Strategy<Value = String> {
    let weekdays = prop_oneof![
        3 => Just(String::new()),
        1 => Just("Mon..Fri ".to_owned()),
        1 => Just("Sun,Tue ".to_owned()),
    ];
    let year = prop_oneof![
        4 => Just(String::new()),
        1 => Just("*-".to_owned()),
        1 => Just("2027/2-".to_owned()),
    ];
    let day = prop_oneof![
        part(1, 31).prop_map(|day| format!("-{day}")),
        from_end().prop_map(|day| format!("~{day}")),
    ];
    let date =
        (year, part(1, 12), day).prop_map(|(year, month, day)| format!("{year}{month}{day} "));
    let date = prop_oneof![2 => Just(String::new()), 3 => date];
    let second = prop_oneof![
        3 => Just(String::new()),
        1 => part(0, 59).prop_map(|second| format!(":{second}")),
    ];
    let time = (part(0, 23), part(0, 59), second);
    (weekdays, date, time).prop_map(|(days, date, (hour, minute, second))| {
        format!("{days}{date}{hour}:{minute}{second}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_an_event_is_made_of_it_elapses_as_it_does_in_systemd(
        event in event(),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
        from in 1_767_225_600_i64..1_830_297_600,
    ) {
        let from = Timestamp::from_second(from).expect("a time");
        let local = TimeZone::get(zone).expect("a zone");
        let again = local.to_ambiguous_timestamp(local.to_datetime(from));
        prop_assume!(!again.is_ambiguous());
        prop_assume!(compare(&[&event], zone, from) == 1);
    }
}
