//! What every answer, silence and fault of a mail server makes of an attempt, against a real one.

use std::sync::Arc;
use std::time::Duration;

use lettre::Address;

use super::*;
use crate::channel::sink::{Act, Sink, Verb};
use crate::core::check::Recipient;
use crate::core::incident::IncidentId;
use crate::core::outbox::{Kind, Nid, Notification, Phase};
use crate::core::time::Time;
use crate::settings::Secret;

mod early;
mod places;
mod verbs;
mod words;

/// Short enough for a test, long enough for a busy machine to answer on loopback.
pub(crate) const QUICK: Deadlines = Deadlines {
    connect: Duration::from_secs(5),
    verb: Duration::from_millis(400),
    content: Duration::from_secs(5),
    reply: Duration::from_millis(400),
};
/// Where nothing is meant to be late.
pub(crate) const PATIENT: Deadlines = Deadlines {
    connect: Duration::from_secs(20),
    verb: Duration::from_secs(20),
    content: Duration::from_secs(20),
    reply: Duration::from_secs(20),
};

const CONTENT: &[u8] = b"Message-ID: <00ff@example.org>\r\n\r\n.hidden\r\nend\r\n";

/// A notification for `to` with this frozen message.
pub(crate) fn notification(to: &str, message: &[u8]) -> Notification {
    Notification {
        nid: Nid("00ff".into()),
        kind: Kind::Opened,
        recipient: Recipient {
            channel: "email".into(),
            address: to.into(),
        },
        incident: Some(IncidentId("4f2c1".into())),
        about: "postgres".into(),
        created: Time::from_millis(1_795_470_847_000),
        behind: None,
        phase: Phase::Queued,
        attempts: 0,
        ambiguous: 0,
        message: Arc::from(message),
    }
}

async fn send(settings: &Settings, deadlines: &Deadlines) -> Delivered {
    send_to(settings, deadlines, "ops@example.org", async { true }).await
}

async fn send_to(
    settings: &Settings,
    deadlines: &Deadlines,
    to: &str,
    before_content: impl Future<Output = bool> + Send,
) -> Delivered {
    let from: Address = "belfry@example.org".parse().expect("an address");
    let to: Address = to.parse().expect("an address");
    let letter = Letter {
        from: &from,
        to: &to,
        bytes: CONTENT,
    };
    let names = &Names::default();
    let way = Way {
        settings,
        deadlines,
        names,
    };
    deliver(way, letter, before_content).await
}

fn settings(url: &str) -> Settings {
    Settings::parse(url, Some(Secret::new("sesame"))).expect("a URL")
}

/// What is expected of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Accepted,
    Said,
    Broken,
    Ambiguous,
    RelayRefused,
    Refused,
    Withheld,
}

fn class(delivered: &Delivered) -> Class {
    match delivered {
        Delivered::Accepted { .. } => Class::Accepted,
        Delivered::Deferred { why, .. } => match why {
            Delay::Said => Class::Said,
            Delay::Broken => Class::Broken,
            Delay::Ambiguous => Class::Ambiguous,
        },
        Delivered::RelayRefused { .. } => Class::RelayRefused,
        Delivered::Refused { .. } => Class::Refused,
        Delivered::Withheld => Class::Withheld,
    }
}

fn reply(delivered: &Delivered) -> &str {
    match delivered {
        Delivered::Accepted { reply }
        | Delivered::Deferred { reply, .. }
        | Delivered::RelayRefused { reply }
        | Delivered::Refused { reply } => reply,
        Delivered::Withheld => "",
    }
}

/// What the sink does, and how patient we are with it.
fn act_of(fault: &str) -> (Act, Deadlines) {
    match fault {
        "4xx" => (Act::say("451 4.7.1 try again later"), PATIENT),
        "421" => (
            Act::SayAndClose("421 4.3.2 shutting down".to_owned()),
            PATIENT,
        ),
        "5xx" => (Act::say("554 5.3.0 no"), PATIENT),
        "silence" => (Act::Silence, QUICK),
        "tarpit" => (Act::Drip(Duration::from_millis(150)), QUICK),
        "reset" => (Act::Reset, PATIENT),
        "close" => (Act::Close, PATIENT),
        "half-close" => (Act::HalfClose, PATIENT),
        "one byte per second" => (Act::Drip(Duration::from_secs(1)), QUICK),
        "garbage" => (
            Act::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            PATIENT,
        ),
        "binary" => (Act::Raw(b"\xff\xfe\0\x1b[31m\r\n".to_vec()), PATIENT),
        "endless line" => (Act::Raw(vec![b'2'; 1 << 20]), PATIENT),
        "endless reply" => (Act::Raw(b"250-more\r\n".repeat(200)), PATIENT),
        "two answers" => (Act::Raw(b"250-yes\r\n550 no\r\n".to_vec()), PATIENT),
        other => panic!("no fault is called {other}"),
    }
}
