//! Gatus' external endpoints: `POST /api/v1/endpoints/GROUP_NAME/external?success=true|false&error=&duration=` with
//! `Authorization: Bearer TOKEN`. TOKEN is the ping key, and then NAME the heartbeat's, or it is the UUID of the
//! heartbeat. Answers and their order after `api/external_endpoint.go` (5.x).

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};

use super::{Asked, Reply, Said, TEXT, Tongue, trouble, with_duration};
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
    let took = asked.text("duration");
    if took.as_deref().is_some_and(|took| !is_duration(took)) {
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
        message: with_duration(error, took),
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

/// Whether it is a duration as Go writes them: `1.5s`, `1m30s`, `-3ms`, `0`.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest.is_empty() || rest == "0" {
        return rest == "0";
    }
    let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = rest.strip_suffix(unit).unwrap_or_default();
        let end = unit.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, after) = unit.split_at(end.unwrap_or(unit.len()));
        if number.parse::<f64>().is_err() || !units.contains(&unit) {
            return false;
        }
        rest = after;
    }
    true
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
        for good in ["1.5s", "1m30s", "-3ms", "0", "7h", "2µs", ".5s", "1.s"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in [
            "", "-", "7", "s", "1d", "1 s", "1s2", "..s", "1.2.3s", "1e3s",
        ] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn the_name_stands_behind_the_group() {
        assert_eq!(name("jobs_nightly-backup"), "nightly-backup");
        assert_eq!(name("_nightly_backup"), "nightly_backup");
        assert_eq!(name("nightly-backup"), "nightly-backup");
    }
}
