//! The content security policy of a page that people edit: what it styles by itself is allowed by its hash,
//! scripts are not.

use sha2::{Digest, Sha256};

/// Styles of one page that are allowed; a page with more wants a stylesheet.
const MOST: usize = 64;

/// The policy for a page with `fragment` as its body.
pub(super) fn policy(fragment: &str) -> String {
    let mut styles = Vec::new();
    for style in styles_of(fragment).into_iter().take(MOST) {
        let hash = format!(" 'sha256-{}'", base64(&Sha256::digest(style.as_bytes())));
        if !styles.contains(&hash) {
            styles.push(hash);
        }
    }
    // Without `unsafe-hashes` a hash counts for elements only.
    let hashes = if styles.is_empty() {
        String::new()
    } else {
        format!(" 'unsafe-hashes'{}", styles.concat())
    };
    format!(
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; style-src 'self'{hashes}; \
         base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// What stands in the `style` attributes and elements of `html`.
fn styles_of(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !after.starts_with(|c: char| c.is_ascii_alphabetic()) {
            rest = after;
            continue;
        }
        let end = after.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
        let (name, attributes) = after.split_at(end.unwrap_or(after.len()));
        rest = attributes_of(attributes, &mut found);
        if name.eq_ignore_ascii_case("style") {
            let end = rest
                .to_ascii_lowercase()
                .find("</style")
                .unwrap_or(rest.len());
            let (style, after) = rest.split_at(end);
            found.push(style.to_owned());
            rest = after;
        }
    }
    found
}

/// Adds the `style` of a tag to `found`; returns what follows the tag.
fn attributes_of<'a>(tag: &'a str, found: &mut Vec<String>) -> &'a str {
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return rest;
        }
        if let Some(after) = rest.strip_prefix('>') {
            return after;
        }
        // The first character belongs to the name whatever it is.
        let name_end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '='))
            .map_or(rest.len(), |(at, _)| at);
        let (name, after) = rest.split_at(name_end);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = value_of(value.trim_start());
        if name.eq_ignore_ascii_case("style") {
            found.push(unescape(value));
        }
        rest = after;
    }
}

/// The value of an attribute, and what follows.
fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>');
    text.split_at(end.unwrap_or(text.len()))
}

/// With the references that stand in styles replaced, as the browser does before it hashes.
fn unescape(value: &str) -> String {
    value
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place > group.len() {
                text.push('=');
            } else {
                let digit = word >> (18 - 6 * place) & 0x3f;
                text.push(char::from(DIGITS[usize::try_from(digit).unwrap_or(0)]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orange_of_the_hello_page_is_allowed() {
        // printf %s color:orange | openssl dgst -sha256 -binary | base64
        let policy = policy("<h1 style='color:orange'>Hello World!</h1>");
        assert!(
            policy.contains("style-src 'self' 'unsafe-hashes' 'sha256-RwllUQiCsIe06C7BvmPbRbT+dI9lQTFnnNHvgEbsydY='; "),
            "{policy}"
        );
    }

    #[test]
    fn styles_are_found_wherever_html_allows_them() {
        for (html, styles) in [
            ("<p>no style</p>", vec![]),
            ("<p STYLE = \"a:b\" class=x style=c:d>", vec!["a:b", "c:d"]),
            ("<p title='>' style='a:b'>", vec!["a:b"]),
            ("<p hidden style=a:b/>", vec!["a:b/"]),
            ("<p style='font:&quot;x&quot;&amp;'>", vec!["font:\"x\"&"]),
            ("<!-- <p style='a:b'> --><b style='c:d'>", vec!["c:d"]),
            ("1 < 2 style='a:b'", vec![]),
            (
                "<Style media=all>\np{}\n</STYLE><i style='a:b'>",
                vec!["\np{}\n", "a:b"],
            ),
            ("<p data-style='a:b' style>", vec![]),
            ("<p style='a:b", vec!["a:b"]),
            ("<p =style='a:b' ü='<' style=\"é\">", vec!["é"]),
        ] {
            assert_eq!(styles_of(html), styles, "{html}");
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }
}
