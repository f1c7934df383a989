//! Dead Man's Snitch: `/snitch/TOKEN?m=MESSAGE&s=STATUS`, by any method. No `s`, an empty one and `0` are success,
//! anything else is an error (public documentation; gem snitcher 0.4.2).

use http::StatusCode;

use super::{Asked, Reply, Said, TEXT, Tongue, trouble};
use crate::core::heartbeat::Signal;
use crate::web::ping::{Heard, Whose};

pub(super) const TONGUE: Tongue = Tongue {
    read,
    answer,
    content: TEXT,
};

fn read<'a>(asked: &Asked<'a>) -> Result<Said<'a>, Reply> {
    let whose = Whose::of_uuid(asked.part.trim_end_matches('/'))
        .ok_or((StatusCode::NOT_FOUND, "not found".into()))?;
    let signal = match asked.text("s").as_deref() {
        None | Some("0") => Signal::Success,
        Some(status) => status.parse().map_or(Signal::Fail, code),
    };
    Ok(Said {
        whose,
        signal,
        rid: None,
        message: asked.text("m").unwrap_or_default(),
        took: None,
    })
}

/// `s=00` is not `0`, so that it is no success there.
fn code(code: u8) -> Signal {
    if code == 0 {
        Signal::Fail
    } else {
        Signal::Exit(code)
    }
}

fn answer(heard: &Heard) -> Reply {
    match heard {
        Heard::Recorded | Heard::Made => (StatusCode::OK, "Got it, thanks!".into()),
        Heard::Nobody | Heard::Many | Heard::Refused(..) | Heard::Later(..) => trouble(heard),
    }
}
