//! Notifications on their way: one row per incident, kind, channel and recipient.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::Recipient;
use super::incident::{IncidentId, digest};
use super::time::Time;

/// Waits after the first failed attempts, then the last one for ever: seconds while someone may still be
/// saved, then what mail servers expect.
const BACKOFF_S: [u64; 6] = [5, 15, 30, 60, 120, 300];
/// How long delivery is tried before it is given up, as RFC 5321 section 4.5.4.1 advises (4 to 5 days).
pub const GIVE_UP: Duration = Duration::from_hours(5 * 24);

/// Names one notification for ever: 32 hexadecimal digits that follow from what it is about, so that a
/// second decision about the same thing is the same row and the same Message-ID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nid(pub Arc<str>);

impl Nid {
    /// The id of the notification of this kind about `subject` (an incident, or a day for a digest).
    pub fn new(node: &str, subject: &str, kind: Kind, recipient: &Recipient) -> Self {
        Self(digest(
            &[
                node,
                subject,
                kind.word(),
                &recipient.channel,
                &recipient.address,
            ],
            32,
        ))
    }
}

impl fmt::Display for Nid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An incident opened.
    Opened,
    /// A Degraded incident became Down.
    Worsened,
    /// An incident closed.
    Recovered,
    /// An incident opened and closed before the alarm could be delivered: both in one.
    Missed,
    /// The daily summary.
    Digest,
    /// Somebody wants to see a mail arrive.
    Test,
}

impl Kind {
    /// The word for it in ids, JSON and pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Worsened => "worsened",
            Self::Recovered => "recovered",
            Self::Missed => "missed",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }

    /// Whether it says that something is wrong.
    pub fn is_alarm(self) -> bool {
        match self {
            Self::Opened | Self::Worsened => true,
            Self::Recovered | Self::Missed | Self::Digest | Self::Test => false,
        }
    }
}

/// How far a notification has come. The order of the first three is that of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "phase")]
pub enum Phase {
    Queued,
    /// The content is about to be handed over to this relay. Found after a crash, it means that the
    /// message may or may not have been taken: it is sent again, byte for byte.
    Sending {
        relay: Arc<str>,
    },
    /// The relay took responsibility and said this.
    Accepted {
        relay: Arc<str>,
        reply: Arc<str>,
        at: Time,
    },
    /// Not now; the relay (or the network) said this.
    Deferred {
        reply: Arc<str>,
        next: Time,
    },
    /// Never; the relays said this.
    Refused {
        reply: Arc<str>,
        at: Time,
    },
    /// Told by another notification instead.
    Superseded {
        by: Nid,
    },
}

impl Phase {
    /// The word for it in JSON and pages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending { .. } => "sending",
            Self::Accepted { .. } => "accepted",
            Self::Deferred { .. } => "deferred",
            Self::Refused { .. } => "refused",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// Whether nothing more will happen to it.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Queued | Self::Sending { .. } | Self::Deferred { .. } => false,
            Self::Accepted { .. } | Self::Refused { .. } | Self::Superseded { .. } => true,
        }
    }
}

/// One notification for one recipient on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub nid: Nid,
    pub kind: Kind,
    pub recipient: Recipient,
    pub incident: Option<IncidentId>,
    /// What it is about, for people: the check's name, or `digest`.
    pub about: Arc<str>,
    pub created: Time,
    /// Not sent before this one is final.
    pub behind: Option<Nid>,
    #[serde(flatten)]
    pub phase: Phase,
    /// Attempts that failed.
    pub attempts: u32,
    /// Attempts that were cut off between content and reply, after which the same bytes went out again.
    pub ambiguous: u32,
    /// The frozen message: what every attempt sends, byte for byte. Kept beside the row.
    #[serde(skip)]
    pub message: Arc<[u8]>,
}

impl Notification {
    /// Moves the times that decide about it along with a clock that was set.
    pub(super) fn shift(&mut self, moved: impl Fn(Time) -> Time) {
        self.created = moved(self.created);
        if let Phase::Deferred { next, .. } = &mut self.phase {
            *next = moved(*next);
        }
    }

    /// When it may be tried; none when it is final.
    pub fn due(&self) -> Option<Time> {
        match &self.phase {
            Phase::Queued | Phase::Sending { .. } => Some(self.created),
            Phase::Deferred { next, .. } => Some(*next),
            Phase::Accepted { .. } | Phase::Refused { .. } | Phase::Superseded { .. } => None,
        }
    }
}

/// How long to wait after `attempts` failed attempts: the table above, and from the last step on up to a
/// fifth more or less, decided by the id so that many do not come back at the same moment.
pub fn backoff(attempts: u32, nid: &Nid) -> Duration {
    let step = usize::try_from(attempts.saturating_sub(1))
        .unwrap_or(usize::MAX)
        .min(BACKOFF_S.len() - 1);
    let base = BACKOFF_S[step] * 1_000;
    if step + 1 < BACKOFF_S.len() {
        return Duration::from_millis(base);
    }
    let draw = digest(&[&nid.0, &attempts.to_string()], 4);
    let share = u64::from_str_radix(&draw, 16).unwrap_or(0x8000);
    Duration::from_millis(base * 4 / 5 + base * 2 / 5 * share / 0xffff)
}

/// What the courier reports of one notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "report")]
pub enum Delivery {
    /// The relay said 354; the content follows as soon as this is durable.
    Sending {
        relay: Arc<str>,
    },
    Accepted {
        relay: Arc<str>,
        reply: Arc<str>,
    },
    /// Try again later.
    Deferred {
        reply: Arc<str>,
    },
    /// Trying again would not help.
    Refused {
        reply: Arc<str>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_news_for_the_same_person_has_one_id() {
        let ops = Recipient {
            channel: "email".into(),
            address: "ops@example.org".into(),
        };
        let id = Nid::new("web-1", "4f2c1", Kind::Opened, &ops);
        assert_eq!(id, Nid::new("web-1", "4f2c1", Kind::Opened, &ops));
        assert_ne!(id, Nid::new("web-1", "4f2c1", Kind::Recovered, &ops));
        assert_ne!(id, Nid::new("web-2", "4f2c1", Kind::Opened, &ops));
        assert_eq!(id.0.len(), 32);
    }

    #[test]
    fn waits_grow_to_five_minutes_and_then_scatter_by_a_fifth() {
        let nid = Nid("00".into());
        let waits: Vec<u64> = (1..=5).map(|n| backoff(n, &nid).as_secs()).collect();
        assert_eq!(waits, [5, 15, 30, 60, 120]);
        for n in 6..1_000 {
            let wait = backoff(n, &nid).as_secs();
            assert!((240..=360).contains(&wait), "attempt {n}: {wait} s");
        }
    }
}
