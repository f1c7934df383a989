//! A message as the mail that leaves: the bytes of RFC 5322, made once and never changed.
//!
//! Everything in them follows from the notification, so that the same news is the same mail on every
//! attempt, after every restart and on every node, and a receiver can recognise a second copy.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::message::header::{ContentType, Date, Header, HeaderName, HeaderValue, Headers};
use lettre::message::header::{From as FromHeader, MIME_VERSION_1_0, To};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};

use super::message::Message;
use crate::core::outbox::{Kind, Nid, Notification};
use crate::core::text;
use crate::core::time::Time;

/// Longest value of a header that may come from outside, in characters. Encoded it stays far below the
/// 998 octets of a line.
const HEADER_CHARS: usize = 160;
/// The last second that the Date header can tell: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Who writes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The From, and with its domain the right-hand side of every Message-ID.
    pub from: Mailbox,
    /// The daemon's name, as in the ids of its notifications.
    pub node: Arc<str>,
}

/// The bytes of the mail that tells `notification` with `message`. The same arguments give the same bytes.
///
/// An address that is none makes a mail without a recipient in its head; no relay gets to see it, because
/// delivery refuses the address first.
pub fn freeze(message: &Message, notification: &Notification, identity: &Identity) -> Vec<u8> {
    let nid = &notification.nid;
    let body = MultiPart::alternative()
        .boundary(format!("belfry-{}", word(&nid.0)))
        .singlepart(SinglePart::plain(message.text.clone()))
        .singlepart(SinglePart::html(message.html.clone()));
    let mut headers = Headers::new();
    headers.set(FromHeader::from(Mailboxes::from(identity.from.clone())));
    headers.insert_raw(recipient(&notification.recipient.address));
    headers.set(Date::new(moment(notification.created)));
    set(&mut headers, SUBJECT, &message.subject);
    let domain = domain(identity);
    set(&mut headers, MESSAGE_ID, &message_id(nid, &domain));
    if let Some(root) = root(notification, identity).filter(|root| root != nid) {
        let root = message_id(&root, &domain);
        set(&mut headers, IN_REPLY_TO, &root);
        set(&mut headers, REFERENCES, &root);
    }
    // Holiday replies answer neither the one (RFC 3834) nor the other (Exchange).
    set(&mut headers, AUTO_SUBMITTED, "auto-generated");
    set(&mut headers, SUPPRESS, "All");
    set(&mut headers, LIST_ID, &list_id(identity, &domain));
    set(&mut headers, KIND, notification.kind.word());
    if let Some(incident) = &notification.incident {
        set(&mut headers, CHECK, &notification.about);
        set(&mut headers, INCIDENT, &incident.0);
    }
    if let Some(state) = message.state {
        set(&mut headers, STATE, state.word());
    }
    headers.set(MIME_VERSION_1_0);
    if let Some(kind) = body.headers().get::<ContentType>() {
        headers.set(kind);
    }
    let mut mail = body;
    *mail.headers_mut() = headers;
    mail.formatted()
}

const SUBJECT: HeaderName = HeaderName::new_from_ascii_str("Subject");
const MESSAGE_ID: HeaderName = HeaderName::new_from_ascii_str("Message-ID");
const IN_REPLY_TO: HeaderName = HeaderName::new_from_ascii_str("In-Reply-To");
const REFERENCES: HeaderName = HeaderName::new_from_ascii_str("References");
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
const SUPPRESS: HeaderName = HeaderName::new_from_ascii_str("X-Auto-Response-Suppress");
const LIST_ID: HeaderName = HeaderName::new_from_ascii_str("List-Id");
const KIND: HeaderName = HeaderName::new_from_ascii_str("X-Belfry-Kind");
const CHECK: HeaderName = HeaderName::new_from_ascii_str("X-Belfry-Check");
const INCIDENT: HeaderName = HeaderName::new_from_ascii_str("X-Belfry-Incident");
const STATE: HeaderName = HeaderName::new_from_ascii_str("X-Belfry-State");

/// Sets a header. The value is one clean line before lettre encodes and folds it.
fn set(headers: &mut Headers, name: HeaderName, value: &str) {
    headers.insert_raw(HeaderValue::new(name, text::line(value, HEADER_CHARS)));
}

fn recipient(address: &str) -> HeaderValue {
    match address.parse::<Mailbox>() {
        Ok(mailbox) => To::from(Mailboxes::from(mailbox)).display(),
        Err(_) => HeaderValue::new(To::name(), "undisclosed-recipients:;".to_owned()),
    }
}

/// The notification that began the thread: the first alarm of the incident for this recipient. It is named
/// even if it never left; a mail program then threads by it all the same.
fn root(notification: &Notification, identity: &Identity) -> Option<Nid> {
    let incident = notification.incident.as_ref()?;
    let to = &notification.recipient;
    Some(Nid::new(&identity.node, &incident.0, Kind::Opened, to))
}

fn message_id(nid: &Nid, domain: &str) -> String {
    format!("<{}@{domain}>", word(&nid.0))
}

/// The part of an id that can stand in a Message-ID, a boundary or a file name as it is. Ids are
/// hexadecimal; anything else would come from a journal that somebody edited.
pub(super) fn word(id: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric();
    id.chars().filter(plain).take(64).collect()
}

/// The domain of the From, where it can stand in a header as it is; else one that is nobody's.
fn domain(identity: &Identity) -> String {
    let domain = identity.from.email.domain();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !domain.is_empty() && domain.chars().all(plain) {
        domain.to_owned()
    } else {
        format!("{}.invalid", label(&identity.node))
    }
}

fn list_id(identity: &Identity, domain: &str) -> String {
    format!("Belfry <belfry.{}.{domain}>", label(&identity.node))
}

/// A name as a label of the DNS.
fn label(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let label: String = name.chars().map(plain).take(63).collect();
    match label.trim_matches('-') {
        "" => "node".to_owned(),
        label => label.to_owned(),
    }
}

fn moment(at: Time) -> SystemTime {
    let seconds = at.millis().div_euclid(1_000).clamp(0, LAST_SECOND);
    UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
}

#[cfg(test)]
mod tests;
