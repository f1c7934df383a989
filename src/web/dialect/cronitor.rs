//! Cronitor's telemetry: `/p/KEY/NAME?state=run|complete|fail|ok&msg=&series=&status_code=&duration=`, by any method.
//! Without a state it is the event of a heartbeat: a success. Events of one `series` belong to one run; `duration` is
//! in seconds, and may come as `metric=duration:1.5`, as its clients send it. After
//! <https://cronitor.io/docs/telemetry-api>. KEY is the ping key, or the UUID of the heartbeat.

use std::time::Duration;

use http::StatusCode;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::{Asked, Reply, Said, TEXT, Tongue, trouble};
use crate::core::heartbeat::Signal;
use crate::web::ping::{Heard, Whose};

pub(super) const TONGUE: Tongue = Tongue {
    read,
    answer: trouble_or_ok,
    content: TEXT,
};

fn read<'a>(asked: &Asked<'a>) -> Result<Said<'a>, Reply> {
    let not_found = || (StatusCode::NOT_FOUND, "not found".into());
    let (key, name) = asked.part.split_once('/').ok_or_else(not_found)?;
    let whose = Whose::of_key(key, name).ok_or_else(not_found)?;
    let signal = match asked.text("state").as_deref() {
        Some("run") => Signal::Start,
        None | Some("complete" | "ok") => Signal::Success,
        Some("fail") => failure(asked.text("status_code")),
        Some(_) => return Err((StatusCode::BAD_REQUEST, "invalid state".into())),
    };
    let message = asked.text("message").or_else(|| asked.text("msg"));
    // What is no duration is no reason to lose the event.
    let said = asked.text("duration").or_else(|| asked.metric("duration"));
    let seconds = said.and_then(|text| text.parse().ok());
    Ok(Said {
        whose,
        signal,
        rid: asked.text("series").map(|series| run(&series)),
        message: message.unwrap_or_default(),
        took: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}

/// A failure with its exit code, if it has one that can be of a failure.
fn failure(code: Option<String>) -> Signal {
    let code = code.and_then(|code| code.parse().ok());
    code.filter(|&code| code > 0)
        .map_or(Signal::Fail, Signal::Exit)
}

/// A run by the name of its series: the UUID that it is, or one that only this name has.
fn run(series: &str) -> Uuid {
    Uuid::try_parse(series).unwrap_or_else(|_| {
        let digest = Sha256::digest(series);
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Builder::from_custom_bytes(bytes).into_uuid()
    })
}

fn trouble_or_ok(heard: &Heard) -> Reply {
    match heard {
        Heard::Recorded | Heard::Made => (StatusCode::OK, "OK".into()),
        Heard::Nobody | Heard::Many | Heard::Refused(..) | Heard::Later(..) => trouble(heard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_one_run_and_another_is_another() {
        let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
        assert_eq!(run(uuid).to_string(), uuid);
        assert_eq!(run("2026-11-25 #7"), run("2026-11-25 #7"));
        assert_ne!(run("2026-11-25 #7"), run("2026-11-25 #8"));
    }
}
