//! Calendars against references: the calendar events of systemd against systemd itself, and every shift of every time
//! zone from 2020 to 2037 against clocks that are walked minute by minute.

#[path = "calendar/systemd.rs"]
mod systemd;
#[path = "calendar/zones.rs"]
mod zones;
