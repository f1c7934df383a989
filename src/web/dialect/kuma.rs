//! Uptime Kuma's push monitors: `/api/push/TOKEN?status=up|down&msg=&ping=`, by any method. Any `status` but `up` is
//! down; `ping` is in milliseconds. Answers after `server/routers/api-router.js` (2.x).

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use super::{Asked, JSON, Reply, Said, Tongue};
use crate::core::heartbeat::Signal;
use crate::web::ping::{Heard, Whose};

pub(super) const TONGUE: Tongue = Tongue {
    read,
    answer,
    content: JSON,
};

const NOBODY: &str = r#"{"ok":false,"msg":"Monitor not found or not active."}"#;
/// The highest `ping` that Uptime Kuma takes, in milliseconds.
const MOST_MS: f64 = 100_000_000_000.0;

fn read<'a>(asked: &Asked<'a>) -> Result<Said<'a>, Reply> {
    let whose = Whose::of_uuid(asked.part).ok_or((StatusCode::NOT_FOUND, NOBODY.into()))?;
    let is_up = asked.text("status").is_none_or(|status| status == "up");
    // What begins as no number is no time, and nothing else.
    let took = asked.text("ping").and_then(|text| number(&text));
    if took.is_some_and(|ms| !(0.0..=MOST_MS).contains(&ms)) {
        let text =
            r#"{"ok":false,"msg":"Invalid ping value. Must be between 0 and 100000000000 ms."}"#;
        return Err((StatusCode::NOT_FOUND, text.into()));
    }
    Ok(Said {
        whose,
        signal: if is_up { Signal::Success } else { Signal::Fail },
        rid: None,
        message: asked.text("msg").unwrap_or_default(),
        took: took.and_then(|ms| Duration::try_from_secs_f64(ms / 1_000.0).ok()),
    })
}

/// The number that `text` begins with, as JavaScript's `parseFloat` reads it. Infinity is none that it could be by mistake.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (digits, _) = text.split_at_checked(end)?;
    let mut ends = (1..=digits.len()).rev();
    ends.find_map(|end| digits.get(..end)?.parse().ok())
}

fn answer(heard: &Heard) -> Reply {
    match heard {
        Heard::Recorded | Heard::Made => (StatusCode::OK, r#"{"ok":true}"#.into()),
        Heard::Nobody => (StatusCode::NOT_FOUND, NOBODY.into()),
        Heard::Many | Heard::Refused(..) | Heard::Later(..) => {
            let (status, text) = heard.plain();
            let said = format!(r#"{{"ok":false,"msg":"{text}"}}"#);
            (status, Cow::Owned(said))
        }
    }
}
