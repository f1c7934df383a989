//! Who asks: `basic` and `bearer`, which are no more than a header, and `oauth2`.
//!
//! Like every header of a check they go along within the same scheme, host and port only.

use ::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::oauth::Grant;
use crate::settings::Section;

/// The keys, and the header that they stand for.
const KEYS: [&str; 3] = ["basic", "bearer", "oauth2"];

/// Reads the one that is there, and adds its header to those of the request.
pub(super) fn read(
    section: &mut Section<'_>,
    headers: &mut Vec<(HeaderName, HeaderValue)>,
) -> Option<Grant> {
    let there: Vec<&str> = KEYS.into_iter().filter(|key| section.has(key)).collect();
    let by_hand = headers.iter().any(|(name, _)| *name == AUTHORIZATION);
    let two = there.get(1).or_else(|| there.first().filter(|_| by_hand));
    if let Some(second) = two {
        let message = format!("\"{second}\" where somebody else logs in already");
        section.refuse(
            second,
            message,
            "keep one of basic, bearer, oauth2, or the header",
        );
    }
    let basic =
        read_basic(section).map(|both| ("basic", format!("Basic {}", STANDARD.encode(both))));
    let bearer = section.secret("bearer");
    let bearer = bearer.map(|token| ("bearer", format!("Bearer {}", token.expose())));
    if let Some((key, value)) = basic.or(bearer) {
        match sensitive(&value) {
            Some(value) => headers.push((AUTHORIZATION, value)),
            None => section.refuse(
                key,
                format!("\"{key}\" has a line break, or another character that no header has"),
                "write the token alone",
            ),
        }
    }
    Grant::read(section)
}

/// A value that is not printed.
pub(super) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `user:password` (RFC 7617).
fn read_basic(section: &mut Section<'_>) -> Option<String> {
    let mut table = section.table("basic")?;
    let user = table.required("user");
    let password = table.required_secret("password");
    if user.as_ref().is_some_and(|user| user.contains(':')) {
        table.refuse(
            "user",
            "\"user\" has a colon",
            "no user of basic has one (RFC 7617)",
        );
    }
    table.finish();
    Some(format!("{}:{}", user?, password?.expose()))
}

#[cfg(test)]
mod tests {
    use crate::probe::tests::read;

    fn problems(keys: &str) -> Vec<String> {
        read(&format!("http = {{ url = \"https://a/\", {keys} }}")).1
    }

    #[test]
    fn a_password_may_be_empty_where_it_is_written() {
        assert_eq!(
            problems("basic = { user = \"u\", password = \"\" }"),
            [""; 0]
        );
    }

    #[test]
    fn one_logs_in_once_and_no_password_is_printed() {
        for keys in [
            "basic = { user = \"u\", password = \"hunter2\" }",
            "bearer = \"hunter2\"",
            "oauth2 = { token_url = \"https://b/\", client_id = \"c\", client_secret = \"hunter2\" }",
            "proxy = \"http://u:hunter2@b/\"",
        ] {
            let (probe, problems) = read(&format!("http = {{ url = \"https://a/\", {keys} }}"));
            assert!(problems.is_empty(), "{problems:?}");
            let shown = format!("{probe:?}");
            // Nor as base64 of u:hunter2.
            assert!(
                !shown.contains("hunter2") && !shown.contains("dTpodW50ZXIy"),
                "{shown}"
            );
        }
        for (keys, part) in [
            (
                "bearer = \"a\", basic = { user = \"u\" }",
                "keep one of basic, bearer, oauth2",
            ),
            (
                "bearer = \"a\", headers = { authorization = \"b\" }",
                "keep one of basic",
            ),
            ("bearer = \"a\\nb\"", "write the token alone"),
            ("basic = { user = \"a:b\" }", "\"user\" has a colon"),
            ("basic = {}", "\"user\" is missing"),
            (
                "oauth2 = { token_url = \"b\" }",
                "\"token_url\" is not an address",
            ),
            (
                "oauth2 = { token_url = \"https://b/\" }",
                "\"client_id\" is missing",
            ),
            (
                "basic = { user = \"u\" }",
                "\"password\" is missing; add password = { file = \"…\" } to [check.shop.http.basic]",
            ),
            (
                "oauth2 = { token_url = \"https://b/\", client_id = \"c\" }",
                "\"client_secret\" is missing",
            ),
        ] {
            let problems = problems(keys);
            assert!(
                problems.iter().any(|p| p.contains(part)),
                "{keys}: {problems:?}"
            );
        }
    }
}
