//! Reads a calendar event, or says what is wrong with it.

use jiff::tz::TimeZone;

use super::{Event, FIRST_YEAR, Field, LAST_YEAR};

/// What stands for an event.
const SHORTHANDS: [(&str, &str); 13] = [
    ("minutely", "*-*-* *:*:00"),
    ("hourly", "*-*-* *:00:00"),
    ("daily", "*-*-* 00:00:00"),
    ("weekly", "Mon *-*-* 00:00:00"),
    ("monthly", "*-*-01 00:00:00"),
    ("quarterly", "*-01,04,07,10-01 00:00:00"),
    ("semiannually", "*-01,07-01 00:00:00"),
    ("semi-annually", "*-01,07-01 00:00:00"),
    ("biannually", "*-01,07-01 00:00:00"),
    ("bi-annually", "*-01,07-01 00:00:00"),
    ("yearly", "*-01-01 00:00:00"),
    ("annually", "*-01-01 00:00:00"),
    ("anually", "*-01-01 00:00:00"),
];

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A day further from the end than this is not in every month.
const FURTHEST_FROM_END: u16 = 28;

impl Event {
    /// Reads one, with `find` to look up zones. The error says what is wrong with it.
    pub(crate) fn read(
        text: &str,
        find: &impl Fn(&str) -> Option<TimeZone>,
    ) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            return Err("it is empty".to_owned());
        }
        let zone = zone(&mut words, find)?;
        if let [word] = words[..]
            && let Some((_, long)) = SHORTHANDS
                .iter()
                .find(|(s, _)| word.eq_ignore_ascii_case(s))
        {
            words = long.split_whitespace().collect();
        }
        let mut event = Self {
            weekdays: Field::all(0, 6),
            years: Field::years(),
            months: Field::all(1, 12),
            days: Field::all(1, 31),
            from_end: false,
            hours: only_zero(23),
            minutes: only_zero(59),
            seconds: only_zero(59),
            zone,
        };
        let mut rest = words.as_slice();
        if let [first, others @ ..] = rest
            && first.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            event.weekdays = weekdays(first)?;
            rest = others;
        }
        if let [others @ .., last] = rest
            && last.contains(':')
        {
            event.clock(last)?;
            rest = others;
        }
        match rest {
            [] => {}
            [date] if !date.contains(':') => event.date(date)?,
            [..] if words.len() == 5 => {
                return Err("these are the five fields of cron: write them as cron".to_owned());
            }
            [..] => {
                return Err("it has more than weekdays, a date, a time and a time zone".to_owned());
            }
        }
        Ok(event)
    }

    fn date(&mut self, text: &str) -> Result<(), String> {
        let (before, day) = match text.split_once('~') {
            Some((before, day)) => {
                self.from_end = day != "*";
                (before, day)
            }
            None => text
                .rsplit_once('-')
                .ok_or_else(|| date_wrong("it has one part", text))?,
        };
        let (year, month) = match before.split_once('-') {
            Some((year, month)) => (Some(year), month),
            None => (None, before),
        };
        if month.contains('-') || day.contains(['-', '~']) {
            return Err(date_wrong("it has too many parts", text));
        }
        if let Some(year) = year {
            self.years = values("year", year, Field::none(FIRST_YEAR, LAST_YEAR))?;
        }
        self.months = values("month", month, Field::none(1, 12))?;
        self.days = if self.from_end {
            from_end(day)?
        } else {
            values("day", day, Field::none(1, 31))?
        };
        Ok(())
    }

    fn clock(&mut self, text: &str) -> Result<(), String> {
        let mut parts = text.split(':');
        let mut next = || parts.next().unwrap_or("0");
        let (hour, minute, second) = (next(), next(), next());
        if parts.next().is_some() {
            return Err(format!(
                "the time is \"{}\", and can be hour:minute or hour:minute:second",
                text.escape_debug()
            ));
        }
        self.hours = values("hour", hour, Field::none(0, 23))?;
        self.minutes = values("minute", minute, Field::none(0, 59))?;
        if second.replace("..", "").contains('.') {
            return Err(format!(
                "the second is \"{}\": parts of a second are not told apart",
                second.escape_debug()
            ));
        }
        self.seconds = values("second", second, Field::none(0, 59))?;
        Ok(())
    }
}

fn only_zero(most: u16) -> Field {
    let mut zero = Field::none(0, most);
    zero.add(0, 0, 1);
    zero
}

/// Takes the zone from the end, where there is one.
fn zone(
    words: &mut Vec<&str>,
    find: &impl Fn(&str) -> Option<TimeZone>,
) -> Result<Option<TimeZone>, String> {
    let [_, .., last] = words[..] else {
        return Ok(None);
    };
    if last.eq_ignore_ascii_case("utc") {
        words.pop();
        return Ok(Some(TimeZone::UTC));
    }
    if !last.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(None);
    }
    let found = find(last).ok_or_else(|| {
        format!(
            "\"{}\" is no time zone of the IANA database",
            last.escape_debug()
        )
    })?;
    words.pop();
    Ok(Some(found))
}

/// `Mon..Wed,Sat`. As systemd, with a comma at the end, or a hyphen for the two dots, too.
fn weekdays(text: &str) -> Result<Field, String> {
    let wrong = || {
        format!(
            "the weekday is \"{}\", and can be Mon to Sun, or a list or range (Mon..Fri) of them",
            text.escape_debug()
        )
    };
    let day = |name: &str| {
        let name = name.to_ascii_lowercase();
        let is = |full: &str| name == full || full.get(..3) == Some(&name);
        let place = WEEKDAYS.iter().position(|full| is(full));
        place.and_then(|place| u16::try_from(place).ok())
    };
    let mut days = Field::none(0, 6);
    for part in text.strip_suffix(',').unwrap_or(text).split(',') {
        let range = part.split_once("..").or_else(|| part.split_once('-'));
        let (first, last) = range.unwrap_or((part, part));
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            return Err(wrong());
        };
        if first > last {
            return Err(format!(
                "the weekdays \"{}\" run over the end of the week: write them as two, {}..Sun and Mon..{}",
                part.escape_debug(),
                short(first),
                short(last)
            ));
        }
        days.add(first, last, 1);
    }
    Ok(days)
}

/// `Mon`.
fn short(day: u16) -> String {
    let name = WEEKDAYS.get(usize::from(day)).copied().unwrap_or_default();
    let letters = name.chars().take(3).enumerate();
    letters
        .map(|(place, c)| {
            if place == 0 {
                c.to_ascii_uppercase()
            } else {
                c
            }
        })
        .collect()
}

/// The days that are so far from the end of the month.
fn from_end(text: &str) -> Result<Field, String> {
    let mut days = Field::none(1, FURTHEST_FROM_END);
    for part in text.split(',') {
        let (first, last, step) = part_of(part, &days)
            .filter(|_| !part.starts_with('*'))
            .ok_or_else(|| wrong("day from the end of the month", part, &days))?;
        match (last, step) {
            (Some(last), step) => days.add(first, last, step.unwrap_or(1)),
            // Step by step to the end of the month.
            (None, Some(step)) => days.add((first - 1) % step + 1, first, step),
            (None, None) => days.add(first, first, 1),
        }
    }
    Ok(days)
}

/// One part of a date or time: `*`, or a list of values, ranges and steps.
fn values(name: &str, text: &str, mut field: Field) -> Result<Field, String> {
    if text == "*" {
        return Ok(Field::all(field.least(), field.most()));
    }
    for part in text.split(',') {
        let (first, last, step) = part_of(part, &field).ok_or_else(|| wrong(name, part, &field))?;
        let last = match (last, step) {
            (Some(last), _) => last,
            (None, Some(_)) => field.most(),
            (None, None) => first,
        };
        field.add(first, last, step.unwrap_or(1));
    }
    Ok(field)
}

/// `first`, `first..last`, either with `/step`; `*/step` is from the least one on, as healthchecks.io has it.
fn part_of(part: &str, field: &Field) -> Option<(u16, Option<u16>, Option<u16>)> {
    // A step past all of them is a slip of the pen, and refused by systemd, too.
    let widest = field.most() - field.least();
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => {
            let step = digits(step).filter(|step| (1..=widest).contains(step));
            (range, Some(step?))
        }
        None => (part, None),
    };
    let value = |text: &str| {
        let value = century(digits(text)?, field);
        (field.least()..=field.most())
            .contains(&value)
            .then_some(value)
    };
    match range.split_once("..") {
        Some((first, last)) => {
            let (first, last) = (value(first)?, value(last)?);
            (first <= last).then_some((first, Some(last), step))
        }
        None if range == "*" => step.map(|step| (field.least(), None, Some(step))),
        None => Some((value(range)?, None, step)),
    }
}

/// Years of two digits: 12 is 2012, 89 is 1989.
fn century(value: u16, field: &Field) -> u16 {
    match value {
        _ if field.least() < FIRST_YEAR => value,
        0..70 => value + 2000,
        70..100 => value + 1900,
        _ => value,
    }
}

fn digits(text: &str) -> Option<u16> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn wrong(name: &str, part: &str, field: &Field) -> String {
    format!(
        "the {name} is \"{}\", and can be {} to {}, *, or a list, range (..) or step (/) of them",
        part.escape_debug(),
        field.least(),
        field.most()
    )
}

fn date_wrong(why: &str, text: &str) -> String {
    format!(
        "the date is \"{}\": {why}, and can be year-month-day or month-day, with ~ for - before days from the end",
        text.escape_debug()
    )
}
