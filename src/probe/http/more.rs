//! What few checks ask for. It is kept behind one pointer, so that ten thousand plain ones do not carry it.

use std::time::Duration;

use super::Settings;
use super::body::Keep;
use super::condition::Wants;
use super::follow::Seen;
use super::oauth::Grant;
use super::pace::Paces;
use super::target::Target;
use super::way::Way;
use crate::core::time::Time;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;
use crate::settings::Section;

/// Longest piece of an address, pattern or answer in a message.
pub(super) const PIECE_CHARS: usize = 80;

/// What is asked beside what every check can say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct More {
    pub(super) wants: Wants,
    pub(super) paces: Paces,
    /// Whether a packed body is asked for.
    pub(super) compressed: bool,
    pub(super) way: Option<Way>,
    pub(super) grant: Option<Grant>,
}

impl More {
    /// Reads all of its keys; none where nothing of it is asked for.
    pub(super) fn read(
        section: &mut Section<'_>,
        target: Option<&Target>,
        slow: Option<Duration>,
        grant: Option<Grant>,
    ) -> Option<Self> {
        let more = Self {
            way: Way::read(section, target, grant.as_ref()),
            grant,
            wants: Wants::read(section),
            paces: Paces::read(section, slow),
            compressed: section.boolean("compressed").unwrap_or(false),
        };
        (more != Self::default()).then_some(more)
    }

    /// Judges an answer by everything that is asked for here.
    pub(super) fn judge(
        &self,
        seen: &Seen,
        (took, now): (Duration, Time),
        judgement: &mut Judgement,
        trace: &mut Trace,
    ) {
        let version = self.way.as_ref().and_then(|way| way.version);
        if let Some((wanted, head)) = version.zip(seen.answer.head.as_ref()) {
            let holds = head.version == wanted;
            let (wanted, found) = (format!("{wanted:?}"), format!("{:?}", head.version));
            let finding = || Finding::new("version", wanted.as_str(), found.as_str(), holds);
            judgement.holds(trace, finding, || {
                format!("it speaks {found}, not {wanted}")
            });
        }
        self.wants.judge(seen, now, judgement, trace);
        self.paces.judge(took, judgement, trace);
    }
}

impl Settings {
    /// What of an answer is to be kept.
    pub(super) fn keep(&self) -> Keep {
        let mut keep = Keep {
            text: self.body.is_some(),
            ..Keep::default()
        };
        if let Some(more) = &self.more {
            keep.text |= more.wants.text();
            keep.measure = more.wants.measure();
            keep.unpack = more.compressed;
            keep.head = true;
        }
        keep
    }
}
