//! Times and spans as pages show them: in the reader's zone, with the exact instant for machines.

use std::time::Duration;

use jiff::Zoned;
use maud::{Markup, html};

use super::Shell;
use crate::core::time::{Time, human};

impl Shell<'_> {
    /// `21:54:07`, with the date when it is not today.
    pub(super) fn time(&self, at: Time) -> Markup {
        let (local, today) = (self.local(at), self.local(self.now));
        let form = match (local.date() == today.date(), local.year() == today.year()) {
            (true, _) => "%H:%M:%S",
            (false, true) => "%-d %b %H:%M:%S",
            (false, false) => "%-d %b %Y %H:%M:%S",
        };
        stamped(at, &local.strftime(form).to_string())
    }

    /// `03:12`, with the weekday within a week of now and with the date beyond.
    pub(super) fn brief(&self, at: Time) -> Markup {
        let (local, today) = (self.local(at), self.local(self.now));
        let days = (local.date() - today.date()).get_days();
        let form = match days.abs() {
            0 => "%H:%M",
            1..7 => "%a %H:%M",
            _ => "%-d %b %H:%M",
        };
        stamped(at, &local.strftime(form).to_string())
    }

    /// How long ago it is, or how far ahead; the script keeps it current.
    pub(super) fn span(&self, at: Time) -> Markup {
        let apart = self.now.since(at).max(at.since(self.now));
        html! { time.ago datetime=(at.rfc3339()) { (age(apart)) } }
    }

    /// `23 Nov 2026, 21:58:19 UTC`.
    pub(super) fn full(&self, at: Time) -> Markup {
        let local = self.local(at);
        let local = local.strftime("%-d %b %Y, %H:%M:%S");
        stamped(at, &format!("{local} {}", at.abbreviation(self.zone)))
    }

    fn local(&self, at: Time) -> Zoned {
        at.within(self.zone)
    }
}

/// A span in whole seconds: nobody asks for the milliseconds of an age.
pub(super) fn age(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..10 => format!("{seconds} s"),
        seconds => human(Duration::from_secs(seconds)),
    }
}

/// Microseconds for people.
pub(super) fn micros(us: u64) -> String {
    human(Duration::from_micros(us))
}

fn stamped(at: Time, text: &str) -> Markup {
    html! { time datetime=(at.rfc3339()) { (text) } }
}
