//! Badges: the state of a check, or of all that have a tag, as a small picture (SVG), as JSON, and as shields.io reads
//! it. `/badge/ID/NAME.FORM` and `/badge/tag/ID/TAG.FORM`, where `*` is the tag of everything. With `?states=2` what
//! is late is up. As public as the page is.

use http::header::{CACHE_CONTROL, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use maud::{Markup, html};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde_json::json;

use super::body::Body;
use super::operate::PART;
use super::show::Look;
use super::{App, respond};
use crate::core::engine::{Engine, Watched};
use crate::core::state::Phase;
use crate::core::time::Time;

/// How long others may keep a badge: pages that show them are asked for far more often than anything turns.
const FRESH: &str = "public, max-age=30";
/// What pictures may do: nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// The kinds of ids.
const CHECK: &str = "check";
const TAG: &str = "tag";
/// The tag of everything.
const ALL: &str = "*";
/// Left and right of a text, in the units of the picture; the text is stretched to the rest.
const MARGIN: usize = 10;

/// What a badge says, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Paused,
    New,
    Up,
    Late,
    Down,
}

impl State {
    fn of(watched: &Watched, now: Time) -> Self {
        let beat = watched.record.beat.as_ref();
        let due = beat.and_then(|beat| Some(beat.expected? + beat.deaf));
        match watched.phase() {
            Phase::Paused => Self::Paused,
            Phase::New => Self::New,
            Phase::Down => Self::Down,
            Phase::Degraded => Self::Late,
            Phase::Up if due.is_some_and(|due| due < now) => Self::Late,
            Phase::Up => Self::Up,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::New => "new",
            Self::Up => "up",
            Self::Late => "late",
            Self::Down => "down",
        }
    }

    /// On which white letters can be read (WCAG 2.2, 4.5 to 1).
    fn colour(self) -> &'static str {
        match self {
            Self::Paused | Self::New => "#6b7280",
            Self::Up => "#15803d",
            Self::Late => "#b45309",
            Self::Down => "#b91c1c",
        }
    }

    /// As shields.io calls colours.
    fn shield(self) -> &'static str {
        match self {
            Self::Paused | Self::New => "inactive",
            Self::Up => "success",
            Self::Late => "important",
            Self::Down => "critical",
        }
    }
}

/// Everything that one badge is about.
#[derive(Debug, Default)]
struct Count {
    total: usize,
    late: usize,
    down: usize,
    worst: Option<State>,
}

impl Count {
    fn of<'a>(those: impl Iterator<Item = &'a Watched>, now: Time) -> Self {
        those.fold(Self::default(), |mut count, watched| {
            let state = State::of(watched, now);
            count.total += 1;
            count.late += usize::from(state == State::Late);
            count.down += usize::from(state == State::Down);
            count.worst = count.worst.max(Some(state));
            count
        })
    }
}

/// `/badge/…`; none where there is nothing of that name, or the id is another's.
pub(super) fn badge(app: &App, look: &Look, rest: &str, query: &str) -> Option<Response<Body>> {
    let (kind, rest) = rest
        .strip_prefix("tag/")
        .map_or((CHECK, rest), |rest| (TAG, rest));
    let (id, file) = rest.split_once('/')?;
    let (name, form) = file.rsplit_once('.')?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    if !app.seal.is(id, kind, &name) {
        return None;
    }
    let count = count(&look.view.engine, kind, &name, app.clock.now())?;
    let (worst, two) = (
        count.worst?,
        query.split('&').any(|pair| pair == "states=2"),
    );
    let state = if two && worst == State::Late {
        State::Up
    } else {
        worst
    };
    let label: &str = if (kind, &*name) == (TAG, ALL) {
        &look.facts.node
    } else {
        &name
    };
    let (content, text) = match form {
        "svg" => ("image/svg+xml", picture(label, state).into_string()),
        "json" => {
            let Count {
                total, late, down, ..
            } = count;
            let says =
                json!({ "status": state.word(), "total": total, "grace": late, "down": down });
            ("application/json", says.to_string())
        }
        "shields" => {
            let says = json!({
                "schemaVersion": 1,
                "label": label,
                "message": state.word(),
                "color": state.shield(),
            });
            ("application/json", says.to_string())
        }
        _ => return None,
    };
    Some(respond::with(StatusCode::OK, headers(content), text))
}

fn headers(content: &'static str) -> HeaderMap {
    let mut headers = respond::safe(POLICY, content, FRESH);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FRESH));
    // They are for the pages of others.
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    headers.insert(
        HeaderName::from_static("access-control-allow-origin"),
        HeaderValue::from_static("*"),
    );
    headers
}

fn count(engine: &Engine, kind: &str, name: &str, now: Time) -> Option<Count> {
    if kind == CHECK {
        let watched = engine.named(name)?;
        return Some(Count::of(std::iter::once(watched.as_ref()), now));
    }
    let has_tag = |watched: &&Watched| {
        let made = watched.record.made.as_ref();
        let mut tags = made.map_or("", |made| &made.tags).split_whitespace();
        name == ALL || tags.any(|tag| tag == name)
    };
    let beats = engine.heartbeats().map(AsRef::as_ref);
    Some(Count::of(beats.filter(has_tag), now))
}

/// Where the badge of a check is, after the address of the page.
pub(super) fn address(app: &App, name: &str, form: &str) -> String {
    let id = app.seal.id(CHECK, name);
    format!("/badge/{id}/{}.{form}", utf8_percent_encode(name, PART))
}

/// Where the badge of a tag is.
pub(super) fn address_of_tag(app: &App, tag: &str, form: &str) -> String {
    let id = app.seal.id(TAG, tag);
    format!("/badge/tag/{id}/{}.{form}", utf8_percent_encode(tag, PART))
}

/// Two boxes, side by side: what it is, and how it is.
fn picture(label: &str, state: State) -> Markup {
    let width = |text: &str| text.chars().map(tenths).sum::<usize>().div_ceil(10) + MARGIN;
    let (left, right) = (width(label), width(state.word()));
    let all = left + right;
    let text = |text: &str, from: usize, width: usize| {
        html! { text x=(from + width / 2) y="14" textLength=(width - MARGIN) { (text) } }
    };
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(all) height="20" role="img" aria-label={ (label) ": " (state.word()) } {
            title { (label) ": " (state.word()) }
            rect width=(all) height="20" rx="3" fill="#374151" {}
            path fill=(state.colour()) d={ "M" (left) " 0h" (right - 3) "a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-" (right - 3) "z" } {}
            g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" {
                (text(label, 0, left))
                (text(state.word(), left, right))
            }
        }
    }
}

/// How wide a letter is in Verdana of 11 pixels, in tenths of a pixel; of what is not ASCII about.
fn tenths(letter: char) -> usize {
    match letter {
        'i' | 'l' | '\'' => 30,
        ' ' | 'f' | 'j' | '.' | ',' | '|' | '!' => 39,
        't' | 'I' | ':' | ';' | '/' | '(' | ')' | '[' | ']' => 46,
        'r' | 'J' | '-' => 50,
        'c' | 's' | 'z' => 58,
        'L' | 'F' | 'k' | 'v' | 'x' | 'y' | 'a' | 'e' | 'o' | 'P' | 'T' | 'Y' => 67,
        'w' | 'M' | 'O' | 'Q' | '+' | '=' | '<' | '>' | '#' => 92,
        'D' | 'G' | 'H' | 'N' | 'U' => 85,
        // With them, scripts whose letters fill a square.
        'm'
        | 'W'
        | '%'
        | '@'
        | '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{1f000}'.. => 110,
        'A'..='Z' => 77,
        '!'..='~' => 70,
        _ => 80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_what_and_how_and_lets_no_name_be_more_than_text() {
        let drawn = picture("<b>&\"", State::Late).into_string();
        assert!(drawn.contains("&lt;b&gt;&amp;"), "{drawn}");
        assert!(
            !drawn.contains("<b>") && drawn.contains(">late</text>"),
            "{drawn}"
        );
        let narrow = picture("a", State::Up).into_string();
        assert!(
            narrow.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"41\""),
            "{narrow}"
        );
    }

    #[test]
    fn the_worst_of_all_is_told() {
        assert!(State::Down > State::Late && State::Late > State::Up);
        assert!(State::Up > State::New && State::New > State::Paused);
    }
}
