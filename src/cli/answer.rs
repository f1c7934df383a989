//! What the daemon, or whoever was taken for it, answered.

use hyper::StatusCode;
use serde_json::Value;

use crate::core::text;

/// Longest piece of an answer that is printed, in characters.
const CHARS: usize = 160;

/// An answer over HTTP.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// Whether the token that was shown opens nothing there.
    pub(super) knows_no_token: bool,
}

impl Answer {
    /// Of this status and body.
    pub(super) fn of(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            knows_no_token: false,
        }
    }

    /// The body as JSON; an error answer becomes an error.
    pub(super) fn json(self) -> anyhow::Result<Value> {
        let value: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        if (200..300).contains(&self.status) {
            return Ok(value);
        }
        match value.get("hint").and_then(Value::as_str) {
            Some(hint) => anyhow::bail!("{}; {hint}", self.told()),
            None => anyhow::bail!("the daemon answered {}", self.told()),
        }
    }

    /// What it says, on one line: the error of our API, else the status, and the first line where that is text. A
    /// page that somebody else made for browsers is not printed.
    pub(super) fn told(&self) -> String {
        let value: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        if let Some(error) = value.get("error").and_then(Value::as_str) {
            return text::line(error, CHARS);
        }
        let known = StatusCode::from_u16(self.status).ok();
        let reason = known.and_then(|status| status.canonical_reason());
        let status = format!("{} {}", self.status, reason.unwrap_or_default());
        let first = self
            .body
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty());
        let first = text::line(first.unwrap_or_default(), CHARS);
        let says_more = !first.is_empty() && !first.starts_with(['<', '{', '[']);
        let is_reason = reason.is_some_and(|reason| reason.eq_ignore_ascii_case(&first));
        if says_more && !is_reason {
            format!("{}: {first}", status.trim_end())
        } else {
            status.trim_end().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_on_one_line_and_never_as_a_page() {
        let page = "<!doctype html>\n<html><h1>Not Found</h1></html>";
        let long = "x".repeat(1_000);
        for (status, body, told) in [
            (
                404,
                "{\"error\":\"no check has this name\"}",
                "no check has this name",
            ),
            (404, "not found", "404 Not Found"),
            (404, page, "404 Not Found"),
            (
                400,
                "\ninvalid url format\nmore",
                "400 Bad Request: invalid url format",
            ),
            (503, "", "503 Service Unavailable"),
            (599, "{}", "599"),
            (502, "a\u{1b}[31mb", "502 Bad Gateway: a [31mb"),
        ] {
            let body = body.to_owned();
            assert_eq!(Answer::of(status, body).told(), told);
        }
        let long = Answer::of(400, long).told();
        assert!(long.chars().count() < 200, "{long}");
    }
}
