//! What becomes of a report, and how pings are answered.

use http::{Response, StatusCode};

use super::say;
use crate::web::body::Body;
use crate::web::respond;

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Heard {
    /// It is in the journal.
    Recorded,
    /// So it is, and a heartbeat was made for it.
    Made,
    Nobody,
    /// Several have that name.
    Many,
    /// Its body cannot be taken.
    Refused(StatusCode, &'static str),
    /// Not now, but perhaps after so many seconds.
    Later(StatusCode, &'static str, u64),
}

impl Heard {
    /// Status and text, as pings are answered.
    pub(in crate::web) fn plain(&self) -> (StatusCode, &'static str) {
        match *self {
            Self::Recorded => (StatusCode::OK, "OK"),
            Self::Made => (StatusCode::CREATED, "Created"),
            Self::Nobody => (StatusCode::NOT_FOUND, "not found"),
            Self::Many => (StatusCode::CONFLICT, "ambiguous slug"),
            Self::Refused(status, text) | Self::Later(status, text, _) => (status, text),
        }
    }

    /// After how many seconds it may go better.
    pub(in crate::web) fn retry(&self) -> Option<u64> {
        match *self {
            Self::Later(_, _, seconds) => Some(seconds),
            Self::Recorded | Self::Made | Self::Nobody | Self::Many | Self::Refused(..) => None,
        }
    }

    pub(super) fn answer(self) -> Response<Body> {
        let (status, text) = self.plain();
        let response = say(status, text);
        match self.retry() {
            Some(seconds) => respond::retry_after(response, seconds),
            None => response,
        }
    }
}
