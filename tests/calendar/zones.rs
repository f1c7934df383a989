//! Every shift of every zone of the IANA database from 2020 to 2037, against clocks on the wall that are read minute by
//! minute.
//!
//! The reference knows nothing of offsets or of how the next time is sought. It reads the clock once a minute, and
//! remembers the latest time that it has shown:
//!
//! - A fixed time of cron is due when the clock shows it, or a later one, for the first time.
//! - A rhythm of cron is due whenever the clock shows it.
//! - A calendar event is due when the clock shows it for the first time.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use belfry::core::schedule::Calendar;
use belfry::core::time::Time;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use Rule::{Event, Fixed, Rhythm};

/// How long before and after a shift the times are compared.
const BEFORE: SignedDuration = SignedDuration::from_hours(3);
const AFTER: SignedDuration = SignedDuration::from_hours(26);
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
enum Rule {
    Fixed,
    Rhythm,
    Event,
}

/// A calendar, and whether a time on the wall is one of its.
struct Form {
    text: &'static str,
    rule: Rule,
    has: fn(DateTime) -> bool,
}

const fn form(rule: Rule, text: &'static str, has: fn(DateTime) -> bool) -> Form {
    Form { text, rule, has }
}

fn at(wall: DateTime, hour: i8, minute: i8) -> bool {
    (wall.hour(), wall.minute()) == (hour, minute)
}

fn is_sunday(wall: DateTime) -> bool {
    wall.weekday() == Weekday::Sunday
}

const FORMS: [Form; 24] = [
    form(Fixed, "30 2 * * *", |w| at(w, 2, 30)),
    form(Fixed, "0 2 * * *", |w| at(w, 2, 0)),
    form(Fixed, "0 0 * * *", |w| at(w, 0, 0)),
    form(Fixed, "59 23 * * *", |w| at(w, 23, 59)),
    form(Fixed, "10,40 1 * * *", |w| at(w, 1, 10) || at(w, 1, 40)),
    form(Fixed, "15 0-3 * * *", |w| w.hour() <= 3 && w.minute() == 15),
    form(Fixed, "0-59/20 2 * * *", |w| {
        w.hour() == 2 && w.minute() % 20 == 0
    }),
    form(Fixed, "30 2 * * 0", |w| at(w, 2, 30) && is_sunday(w)),
    form(Fixed, "30 23 * * 6,0", |w| {
        at(w, 23, 30) && (is_sunday(w) || w.weekday() == Weekday::Saturday)
    }),
    form(Fixed, "30 1 25 * sun", |w| {
        at(w, 1, 30) && (is_sunday(w) || w.day() == 25)
    }),
    form(Fixed, "45 2 29-31 3,10 *", |w| {
        at(w, 2, 45) && w.day() >= 29 && (w.month() == 3 || w.month() == 10)
    }),
    form(Rhythm, "0 * * * *", |w| w.minute() == 0),
    form(Rhythm, "*/30 * * * *", |w| w.minute() % 30 == 0),
    form(Rhythm, "*/15 0-3 * * *", |w| {
        w.hour() <= 3 && w.minute() % 15 == 0
    }),
    form(Rhythm, "10 */2 * * *", |w| {
        w.hour() % 2 == 0 && w.minute() == 10
    }),
    form(Rhythm, "30 * * * 0", |w| is_sunday(w) && w.minute() == 30),
    form(Event, "02:30", |w| at(w, 2, 30)),
    form(Event, "daily", |w| at(w, 0, 0)),
    form(Event, "hourly", |w| w.minute() == 0),
    form(Event, "*:0/30", |w| w.minute() % 30 == 0),
    form(Event, "Sun 0..3:15,45", |w| {
        is_sunday(w) && w.hour() <= 3 && (w.minute() == 15 || w.minute() == 45)
    }),
    form(Event, "*-*~7/1 01:30", |w| {
        at(w, 1, 30) && w.day() > w.date().days_in_month() - 7
    }),
    form(Event, "Sat,Sun *-3,10-20..31 23:30", |w| {
        let is_weekend = is_sunday(w) || w.weekday() == Weekday::Saturday;
        at(w, 23, 30) && is_weekend && w.day() >= 20 && (w.month() == 3 || w.month() == 10)
    }),
    form(Event, "2..3:0/10", |w| {
        (2..=3).contains(&w.hour()) && w.minute() % 10 == 0
    }),
];

/// What a clock shows, minute by minute.
fn walk(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, DateTime)> {
    let mut shown = Vec::new();
    let mut now = from;
    while now <= to {
        shown.push((now, zone.to_datetime(now)));
        now += MINUTE;
    }
    shown
}

/// When a form is due by the clock; nothing is said of the first minute.
fn by_the_clock(form: &Form, shown: &[(Timestamp, DateTime)]) -> Vec<Timestamp> {
    let mut latest = shown[0].1;
    let mut due = Vec::new();
    for &(now, wall) in &shown[1..] {
        let is_due = match form.rule {
            Rhythm => (form.has)(wall),
            Event => wall > latest && (form.has)(wall),
            Fixed => {
                let mut passed = latest;
                let mut any = false;
                while passed < wall {
                    passed = passed.checked_add(MINUTE).expect("a time");
                    any |= (form.has)(passed);
                }
                any
            }
        };
        if is_due {
            due.push(now);
        }
        latest = latest.max(wall);
    }
    due
}

fn by_belfry(calendar: &Calendar, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let mut due = Vec::new();
    let mut at = Time::from(from);
    while let Some(next) = calendar.next_after(at).filter(|next| next.utc() <= to) {
        due.push(next.utc());
        at = next;
    }
    due
}

fn read(form: &Form) -> Calendar {
    match form.rule {
        Fixed | Rhythm => Calendar::parse(form.text, TimeZone::UTC),
        Event => Calendar::on_calendar(form.text, TimeZone::UTC, |_| None),
    }
    .expect(form.text)
}

/// The clock of a zone around a shift. Two of them are the same where they are set at the same time, from the same
/// offset to the same offset, since neither is set once more before the times that are compared are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shift {
    at: Timestamp,
    before: Offset,
    after: Offset,
}

/// The shifts of a zone: where its clock is set, not only called otherwise.
fn shifts(name: &str, zone: &TimeZone) -> Vec<Shift> {
    let [first, last]: [Timestamp; 2] =
        ["2020-01-01T00:00:00Z", "2038-01-01T00:00:00Z"].map(|at| at.parse().expect("a time"));
    let all = zone.following(first).map(|shift| shift.timestamp());
    let all = all.take_while(|at| *at < last).map(|at| Shift {
        at,
        before: zone.to_offset(at - Duration::from_secs(1)),
        after: zone.to_offset(at),
    });
    let all: Vec<Shift> = all.filter(|shift| shift.before != shift.after).collect();
    for pair in all.windows(2) {
        let apart = pair[1].at.duration_since(pair[0].at);
        assert!(apart > BEFORE + AFTER, "{name}: {pair:?}");
    }
    all
}

/// Compares all forms around a shift of a zone, and says how many times there were.
fn compare(calendars: &mut [Calendar], name: &str, zone: &TimeZone, shift: Shift) -> usize {
    let (from, to) = (shift.at - BEFORE, shift.at + AFTER);
    let shown = walk(zone, from, to);
    let mut times = 0;
    for (form, calendar) in FORMS.iter().zip(calendars) {
        calendar.zone = zone.clone();
        let expected = by_the_clock(form, &shown);
        let found = by_belfry(calendar, from, to);
        assert_eq!(found, expected, "{} in {name} at {shift:?}", form.text);
        times += expected.len();
    }
    times
}

#[test]
fn through_every_shift_of_every_zone_each_form_is_due_when_the_clock_says_so() {
    let database = TimeZoneDatabase::bundled();
    let (mut zones, mut all) = (0, 0);
    let mut clocks: HashMap<Shift, (String, TimeZone)> = HashMap::new();
    for name in database.available() {
        let zone = database.get(name.as_str()).expect("a zone");
        zones += 1;
        for shift in shifts(name.as_str(), &zone) {
            all += 1;
            clocks
                .entry(shift)
                .or_insert_with(|| (name.to_string(), zone.clone()));
        }
    }
    let clocks: Vec<(Shift, (String, TimeZone))> = clocks.into_iter().collect();
    let helpers = thread::available_parallelism().map_or(1, usize::from);
    let times: usize = thread::scope(|scope| {
        let shares = clocks.chunks(clocks.len().div_ceil(helpers)).map(|share| {
            scope.spawn(move || {
                let mut calendars: Vec<Calendar> = FORMS.iter().map(read).collect();
                let one = |(shift, (name, zone)): &(Shift, (String, TimeZone))| {
                    compare(&mut calendars, name, zone, *shift)
                };
                share.iter().map(one).sum::<usize>()
            })
        });
        let shares: Vec<_> = shares.collect();
        shares
            .into_iter()
            .map(|share| share.join().expect("no difference"))
            .sum()
    });
    println!(
        "{zones} zones, {all} shifts, {} of them unlike, {times} times",
        clocks.len()
    );
    assert!(zones > 500 && all > 5_000 && clocks.len() > 300 && times > 100_000);
}
