//! Gatus' external endpoints: `POST /api/v1/endpoints/GROUP_NAME/external?success=true|false&error=&duration=` with
//! `Authorization: Bearer TOKEN`. TOKEN is the ping key, and then NAME the heartbeat's, or it is the UUID of the
//! heartbeat. Answers and their order after `api/external_endpoint.go` (5.x).

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};

use super::{Asked, Reply, Said, TEXT, Tongue, trouble};
use crate::core::heartbeat::Signal;
use crate::web::ping::{Heard, Whose};

pub(super) const TONGUE: Tongue = Tongue {
    read,
    answer,
    content: TEXT,
};

fn read<'a>(asked: &Asked<'a>) -> Result<Said<'a>, Reply> {
    if asked.request.method != Method::POST {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Err((status, "Method Not Allowed".into()));
    }
    let is_success = match asked.value("success").as_deref() {
        Some("true") => true,
        Some("false") => false,
        Some(_) | None => {
            let text = "missing or invalid success query parameter";
            return Err((StatusCode::BAD_REQUEST, text.into()));
        }
    };
    let token = bearer(asked)?;
    let whose = Whose::of_key(token, name(asked.part));
    let whose = whose.ok_or((StatusCode::NOT_FOUND, "not found".into()))?;
    let took = asked.text("duration").map(|text| duration(&text));
    if took == Some(None) {
        return Err((StatusCode::BAD_REQUEST, "invalid duration".into()));
    }
    let error = asked.text("error").filter(|_| !is_success);
    Ok(Said {
        whose,
        signal: if is_success {
            Signal::Success
        } else {
            Signal::Fail
        },
        rid: None,
        message: error.unwrap_or_default(),
        took: took.flatten(),
    })
}

fn bearer<'a>(asked: &Asked<'a>) -> Result<&'a str, Reply> {
    let header = asked.request.headers.get(AUTHORIZATION);
    let header = header.and_then(|header| header.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer "));
    match token.map(str::trim) {
        None => {
            let text = "invalid Authorization header";
            Err((StatusCode::UNAUTHORIZED, text.into()))
        }
        Some("") => {
            let text = "bearer token must not be empty";
            Err((StatusCode::UNAUTHORIZED, text.into()))
        }
        Some(token) => Ok(token),
    }
}

/// The name in `GROUP_NAME`: a group has no `_` in it there.
fn name(key: &str) -> &str {
    key.split_once('_').map_or(key, |(_, name)| name)
}

/// A duration as Go writes them: `1.5s`, `1m30s`, `-3ms`, `0`; one before the beginning is none at all.
fn duration(text: &str) -> Option<Duration> {
    let (is_negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let mut seconds = 0.0;
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(is_digit);
        let number: f64 = rest.strip_suffix(unit)?.parse().ok()?;
        let (unit, after) = unit.split_at(unit.find(is_digit).unwrap_or(unit.len()));
        seconds += number * in_seconds(unit)?;
        rest = after;
    }
    if is_negative {
        seconds = 0.0;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

fn in_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    })
}

fn answer(heard: &Heard) -> Reply {
    match heard {
        Heard::Recorded | Heard::Made => (StatusCode::OK, "".into()),
        Heard::Nobody | Heard::Many | Heard::Refused(..) | Heard::Later(..) => trouble(heard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, ms) in [
            ("1.5s", 1_500.0),
            ("1m30s", 90_000.0),
            ("-3ms", 0.0),
            ("+3ms", 3.0),
            ("0", 0.0),
            ("7h", 25_200_000.0),
            ("2µs", 0.002),
            (".5s", 500.0),
            ("1.s", 1_000.0),
        ] {
            let found = duration(text).map(|took| took.as_secs_f64() * 1_000.0);
            assert!(
                found.is_some_and(|found| (found - ms).abs() < 1e-6),
                "{text}: {found:?}"
            );
        }
        for bad in [
            "", "-", "7", "s", "1d", "1 s", "1s2", "..s", "1.2.3s", "1e3s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_name_stands_behind_the_group() {
        assert_eq!(name("jobs_nightly-backup"), "nightly-backup");
        assert_eq!(name("_nightly_backup"), "nightly_backup");
        assert_eq!(name("nightly-backup"), "nightly-backup");
    }
}
