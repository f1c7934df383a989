//! Calendar events of systemd (`OnCalendar=`), after systemd.time(7).
//!
//! A job that a timer of systemd starts is expected when that timer elapses, so shifts of daylight-saving time are
//! those of systemd, and of healthchecks.io as well: a time that a shift skips is no time at all, and one that comes
//! twice is one, the first. Anything else would alarm in the night of the shift.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time as Clock, time};
use jiff::tz::TimeZone;

use super::wall::{Instants, Wall, just_before};
use field::Field;

mod field;
mod read;

/// After this year nothing is due any more, as in systemd.
const LAST_YEAR: u16 = 2199;
const FIRST_YEAR: u16 = 1970;

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// 0 is Monday.
    weekdays: Field,
    years: Field,
    months: Field,
    days: Field,
    /// Whether days count from the end of the month; 1 is the last.
    from_end: bool,
    hours: Field,
    minutes: Field,
    seconds: Field,
    /// Where the event says so itself.
    zone: Option<TimeZone>,
}

impl Event {
    /// Whether it says in which zone it is.
    pub(super) fn has_zone(&self) -> bool {
        self.zone.is_some()
    }

    /// The first instant after `at` at which it elapses, in `zone` where it says no other.
    pub(super) fn next_after(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let clock = Wall(self.zone.as_ref().unwrap_or(zone));
        let mut wall = clock.at(at);
        loop {
            wall = self.wall_after(wall)?;
            match clock.instants(wall)? {
                Instants::Once(instant) | Instants::Twice(instant, _) if instant > at => {
                    return Some(instant);
                }
                // Nothing is missed by a leap over what is skipped, or comes for the second time.
                Instants::Skipped { shift } => wall = just_before(clock.at(shift))?,
                Instants::Twice(first, second) => {
                    let shift = clock.shift_between(first, second)?;
                    let end = clock.0.to_offset(first).to_datetime(shift);
                    wall = just_before(end)?.max(wall);
                }
                Instants::Once(_) => {}
            }
        }
    }

    /// The next match after `wall`, on a clock that knows no shifts.
    fn wall_after(&self, wall: DateTime) -> Option<DateTime> {
        let whole = wall.with().subsec_nanosecond(0).build().ok()?;
        let from = whole.checked_add(std::time::Duration::from_secs(1)).ok()?;
        let day = self.day_from(from.date())?;
        if day == from.date()
            && let Some(clock) = self.clock_from(from.time())
        {
            return Some(day.to_datetime(clock));
        }
        let day = if day == from.date() {
            self.day_from(day.tomorrow().ok()?)?
        } else {
            day
        };
        Some(day.to_datetime(self.clock_from(Clock::midnight())?))
    }

    /// The first day from `from` on that matches.
    fn day_from(&self, from: Date) -> Option<Date> {
        let mut date = from;
        loop {
            let year = self.years.from(number(date.year())?)?;
            if year > number(date.year())? {
                date = Date::new(year.try_into().ok()?, 1, 1).ok()?;
            }
            let month = self.months.from(number(date.month())?);
            match month {
                None => {
                    date = Date::new(date.year().checked_add(1)?, 1, 1).ok()?;
                    continue;
                }
                Some(month) if month > number(date.month())? => {
                    date = Date::new(date.year(), month.try_into().ok()?, 1).ok()?;
                }
                Some(_) => {}
            }
            let end = date.last_of_month();
            while date < end && !self.has_day(date) {
                date = date.tomorrow().ok()?;
            }
            if self.has_day(date) {
                return Some(date);
            }
            date = end.tomorrow().ok()?;
        }
    }

    fn has_day(&self, date: Date) -> bool {
        let day = if self.from_end {
            date.days_in_month() - date.day() + 1
        } else {
            date.day()
        };
        let weekday = date.weekday().to_monday_zero_offset();
        let has = |field: &Field, value: i8| number(value).is_some_and(|value| field.has(value));
        has(&self.days, day) && has(&self.weekdays, weekday)
    }

    /// The first time of a day from `from` on that matches.
    fn clock_from(&self, from: Clock) -> Option<Clock> {
        let (hour, minute) = (number(from.hour())?, number(from.minute())?);
        let second = number(from.second())?;
        let at = |hour: u16, minute: u16, second: u16| {
            let [hour, minute, second] = [hour, minute, second].map(i8::try_from);
            Some(time(hour.ok()?, minute.ok()?, second.ok()?, 0))
        };
        let (first_minute, first_second) = (self.minutes.from(0)?, self.seconds.from(0)?);
        if self.hours.has(hour) {
            if self.minutes.has(minute)
                && let Some(second) = self.seconds.from(second)
            {
                return at(hour, minute, second);
            }
            if let Some(minute) = self.minutes.from(minute + 1) {
                return at(hour, minute, first_second);
            }
        }
        at(self.hours.from(hour + 1)?, first_minute, first_second)
    }
}

/// A part of a date or time; none before the year 0.
fn number(part: impl TryInto<u16>) -> Option<u16> {
    part.try_into().ok()
}

#[cfg(test)]
mod tests;
