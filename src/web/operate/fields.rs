//! What an operator says with what he does: who he is, and a note.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode;
use serde_json::Value;

use crate::web::App;
use crate::web::intake::{Intake, take};
use crate::web::limits::FORM_BYTES;
use crate::web::mistake::Mistake;

/// What a body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) by: String,
    pub(super) note: String,
}

/// Reads a body: JSON, or a form as browsers send it.
pub(super) async fn read(app: &App, request: &Parts, body: Incoming) -> Result<Fields, Mistake> {
    let bytes = match take(body, FORM_BYTES, FORM_BYTES, app.limits.body).await {
        Intake::Whole(bytes) | Intake::Cut(bytes) => bytes,
        Intake::TooLarge => return Err(Mistake::too_large()),
        Intake::TooSlow => {
            return Err(Mistake::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time",
                "try again",
            ));
        }
        Intake::Broken => {
            return Err(Mistake::new(
                StatusCode::BAD_REQUEST,
                "the body is incomplete",
                "try again",
            ));
        }
    };
    if bytes.is_empty() {
        return Ok(Fields::default());
    }
    let kind = request.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.unwrap_or_default().split(|&byte| byte == b';').next();
    match kind.unwrap_or_default().trim_ascii() {
        b"application/json" => from_json(&bytes),
        b"application/x-www-form-urlencoded" => Ok(from_form(&bytes)),
        _ => Err(Mistake::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is of a kind that is not understood",
            "send JSON with Content-Type: application/json, or no body",
        )),
    }
}

fn from_json(bytes: &[u8]) -> Result<Fields, Mistake> {
    let wrong = |text: &str| {
        Mistake::new(
            StatusCode::BAD_REQUEST,
            text,
            "send an object like {\"by\": \"Ada\", \"note\": \"on it\"}; both may be left out",
        )
    };
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| wrong(&format!("the body is not JSON: {error}")))?;
    let object = value
        .as_object()
        .ok_or_else(|| wrong("the body is not an object"))?;
    let mut fields = Fields::default();
    for (key, value) in object {
        let text = value.as_str().ok_or_else(|| wrong("a value is not text"))?;
        match key.as_str() {
            "by" => text.clone_into(&mut fields.by),
            "note" => text.clone_into(&mut fields.note),
            _ => return Err(wrong("a key is not known")),
        }
    }
    Ok(fields)
}

/// A form as browsers send it; what is not known is the browser's or a button's.
fn from_form(bytes: &[u8]) -> Fields {
    let mut fields = Fields::default();
    for pair in bytes.split(|&byte| byte == b'&') {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let (key, value) = (halves.next(), halves.next().unwrap_or_default());
        let spaced: Vec<u8> = value
            .iter()
            .map(|&byte| if byte == b'+' { b' ' } else { byte })
            .collect();
        let text = percent_decode(&spaced).decode_utf8_lossy().into_owned();
        match key {
            Some(b"by") => fields.by = text,
            Some(b"note") => fields.note = text,
            _ => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let fields = from_form(b"by=Ada+L%C3%B6we&x=1&note=on%20it%2C+1%2B1%3D2&&=&note2");
        assert_eq!(fields.by, "Ada Löwe");
        assert_eq!(fields.note, "on it, 1+1=2");
    }

    #[test]
    fn json_that_is_not_understood_is_refused_and_not_half_taken() {
        for body in [
            "",
            "[]",
            "1",
            "{\"by\":1}",
            "{\"nope\":\"x\"}",
            "{\"by\":\"a\"",
            "{\"by\":null}",
        ] {
            assert!(from_json(body.as_bytes()).is_err(), "{body}");
        }
        let fields = from_json(b"{\"note\":\"on it\"}").ok();
        assert_eq!(fields.map(|fields| fields.note), Some("on it".to_owned()));
    }
}
