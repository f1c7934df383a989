//! What a notification says to the person who gets it: subject, text and HTML. Pure: no clock, no I/O.
//!
//! Each kind of notification writes one [`Letter`], and the letter is set twice, as plain text and as
//! HTML, so that the two can never tell different stories. Whatever came from outside is cleaned where a
//! letter takes it in.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::core::engine::Engine;
use crate::core::outbox::{Kind, Notification};
use crate::core::state::Phase;
use crate::core::text;
use crate::core::time::{Time, zone_name};

mod alarm;
mod digest;
mod facts;
mod html;
mod letter;
mod next;
mod over;
mod plain;
#[cfg(test)]
pub(crate) mod tests;
mod when;

use when::Calendar;

/// Longest subject, in characters: encoded it still fits well into one header.
const SUBJECT_CHARS: usize = 160;

/// What a message needs to know of the daemon that writes it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The daemon's name.
    pub node: Arc<str>,
    /// The time zone of the people who read it.
    pub zone: TimeZone,
    /// Base address of the status page, if people can reach it: `https://status.example.org`.
    pub status_url: Option<String>,
    /// The same as the machine itself reaches it: `http://127.0.0.1:8080`.
    pub local_url: String,
}

/// A message, ready to be put into an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same for all that is said of one incident, so that mail programs keep it together.
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The state of the check as of this message; of everything, in a digest; none in a test.
    pub state: Option<Phase>,
}

/// Writes what `notification` says.
///
/// `engine` is the state right after the events that come before [`NotificationQueued`] in the same
/// decision: then the incident is at hand even if it has just been closed. `now` is the time of that
/// decision.
///
/// [`NotificationQueued`]: crate::core::event::Event::NotificationQueued
pub fn compose(
    engine: &Engine,
    notification: &Notification,
    now: Time,
    context: &Context,
) -> Message {
    let writer = Writer {
        engine,
        notification,
        now,
        context,
        calendar: Calendar(context.zone.clone()),
    };
    let (topic, letter) = match notification.kind {
        Kind::Opened | Kind::Worsened => (writer.name(), writer.alarm()),
        Kind::Recovered | Kind::Missed => (writer.name(), writer.over()),
        Kind::Digest => (
            format!("daily summary, {}", writer.calendar.date(now)),
            writer.digest(),
        ),
        Kind::Test => ("test".to_owned(), writer.test()),
    };
    let subject = format!("[{}] {topic}", writer.node());
    let footer = writer.footer();
    Message {
        subject: text::line(&subject, SUBJECT_CHARS),
        text: plain::set(&letter, &footer),
        html: html::set(&letter, &subject, &footer),
        state: letter.state,
    }
}

/// All that a letter is written from.
struct Writer<'a> {
    engine: &'a Engine,
    notification: &'a Notification,
    now: Time,
    context: &'a Context,
    calendar: Calendar,
}

impl Writer<'_> {
    /// The name of what it is about.
    fn name(&self) -> String {
        text::line(&self.notification.about, SUBJECT_CHARS / 2)
    }

    /// The last lines: who says it, under which number, whose clock it means, and where its links lead.
    fn footer(&self) -> String {
        let node = self.node();
        let nid = text::line(&self.notification.nid.0, 64);
        let zone = &self.context.zone;
        let times = if *zone == TimeZone::UTC {
            String::new()
        } else {
            format!(" Times are those of {}.", zone_name(zone))
        };
        let links = match self.context.status_url {
            Some(_) => String::new(),
            None => format!(
                " Its links work on {node} itself; write [page] url = \"https://…\" for links that work elsewhere."
            ),
        };
        format!("Belfry on {node}, notification {nid}.{times}{links}")
    }

    /// The daemon's name.
    fn node(&self) -> String {
        text::line(&self.context.node, SUBJECT_CHARS / 3)
    }

    /// An address on the status page: where people reach it, else where the machine itself does.
    fn page(&self, path: &str) -> String {
        let context = &self.context;
        let base = context.status_url.as_ref().unwrap_or(&context.local_url);
        format!("{}/{path}", text::line(base, 200).trim_end_matches('/'))
    }
}
