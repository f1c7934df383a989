//! What people see: every page is a pure function of the view, readable without a script.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::mask;
use crate::core::time::Time;
use crate::core::view::View;
use crate::vitals::Vitals;

mod about;
mod bar;
mod beat;
mod census;
mod chart;
mod check;
mod eml;
mod error;
mod face;
mod foot;
mod heartbeats;
mod incident;
mod layout;
mod mail;
mod overview;
mod remedy;
mod row;
mod runs;
mod series;
mod settings;
#[cfg(test)]
pub(crate) mod story;
#[cfg(test)]
mod tests;
mod when;

pub use about::{About, about};
pub use check::{Past, check};
pub use error::error;
pub use foot::foot;
pub use heartbeats::heartbeats;
pub use incident::{incident, incidents, incidents_open};
pub use mail::{mail, mail_one};
pub use overview::{fragments, overview, verdict};
pub use row::row;
pub use series::Window;

/// What every page is drawn from.
pub struct Shell<'a> {
    pub view: &'a View,
    pub vitals: &'a Vitals,
    pub now: Time,
    /// The name of this daemon.
    pub node: &'a str,
    /// The zone that times are shown in.
    pub zone: &'a TimeZone,
    /// Whether who looks may also act: buttons and ping addresses are shown.
    pub operator: bool,
    /// What has just been done, said once above the page.
    pub notice: Option<&'a str>,
}

impl Shell<'_> {
    /// `text` as whoever looks may see it: mail addresses are for operators.
    fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        mask::text(text, self.operator)
    }
}

/// A file that the pages need, served under its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    pub path: &'static str,
    /// The Content-Type.
    pub kind: &'static str,
    pub body: &'static str,
}

/// All of them: the sheet, the script and the icon.
pub const ASSETS: [Asset; 3] = [
    Asset {
        path: "/assets/style.css",
        kind: "text/css; charset=utf-8",
        body: include_str!("assets/style.css"),
    },
    Asset {
        path: "/assets/live.js",
        kind: "text/javascript; charset=utf-8",
        body: include_str!("assets/live.js"),
    },
    Asset {
        path: "/assets/icon.svg",
        kind: "image/svg+xml",
        body: include_str!("assets/icon.svg"),
    },
];

/// Everything but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` as one segment of a path.
pub(super) fn segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}
