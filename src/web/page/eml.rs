//! A message of ours read back for people: its headers unfolded and its plain text decoded. Not a mail
//! reader: what it does not understand it shows as it is.

/// Longest text that is shown, in bytes; our own mails are a tenth of it.
const TEXT_BYTES: usize = 64 * 1024;

/// What people want to see of a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

/// Reads a message.
pub(super) fn read(bytes: &[u8]) -> Message {
    let raw = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let (headers, body) = part(&raw);
    let mut text = plain(&headers, body);
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
        text.push('…');
    }
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name, words(&value)))
        .collect();
    Message { headers, text }
}

type Headers = Vec<(String, String)>;

/// Headers, unfolded, and what follows them.
fn part(raw: &str) -> (Headers, &str) {
    let (head, body) = raw.split_once("\n\n").unwrap_or((raw, ""));
    let unfolded = head.replace("\n\t", " ").replace("\n ", " ");
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    (unfolded.lines().filter_map(header).collect(), body)
}

fn value<'a>(headers: &'a Headers, wanted: &str) -> &'a str {
    let found = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map_or("", |(_, value)| value)
}

/// The first part that is plain text; the body itself where there are no parts.
fn plain(headers: &Headers, body: &str) -> String {
    let kind = value(headers, "Content-Type");
    if let Some(boundary) = boundary(kind) {
        let mark = format!("--{boundary}");
        let parts = body
            .split(&mark)
            .skip(1)
            .map(|raw| part(raw.trim_start_matches('\n')));
        let texts =
            parts.filter(|(headers, _)| value(headers, "Content-Type").starts_with("text/plain"));
        return texts
            .map(|(headers, body)| decoded(&headers, body))
            .next()
            .unwrap_or_default();
    }
    decoded(headers, body)
}

fn boundary(kind: &str) -> Option<&str> {
    let (_, rest) = kind.split_once("boundary=")?;
    rest.trim_start_matches('"')
        .split(['"', ';', ' '])
        .next()
        .filter(|b| !b.is_empty())
}

fn decoded(headers: &Headers, body: &str) -> String {
    let bytes = match value(headers, "Content-Transfer-Encoding")
        .to_ascii_lowercase()
        .as_str()
    {
        "quoted-printable" => quoted(&body.replace("=\n", "")),
        "base64" => base64(body),
        _ => return body.trim_end().to_owned(),
    };
    String::from_utf8_lossy(&bytes)
        .replace("\r\n", "\n")
        .trim_end()
        .to_owned()
}

/// Encoded words (RFC 2047) in a header, as readers show them.
fn words(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?") {
        let mut fields = after.splitn(4, '?');
        let (_, encoding, text, tail) =
            (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(encoding), Some(text), Some(tail)) =
            (encoding, text, tail.and_then(|t| t.strip_prefix('=')))
        else {
            break;
        };
        // The space between two encoded words is no part of the text.
        if out.is_empty() || !before.trim().is_empty() {
            out.push_str(before);
        }
        let bytes = match encoding {
            "b" | "B" => base64(text),
            _ => quoted(&text.replace('_', " ")),
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = tail;
    }
    out + rest
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits =
            (byte == b'=').then(|| (ahead.next().and_then(hex), ahead.next().and_then(hex)));
        if let Some((Some(high), Some(low))) = digits {
            out.push(high << 4 | low);
            bytes = ahead;
        } else {
            out.push(byte);
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0u32, 0);
    for digit in text.bytes().filter_map(sextet) {
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).unwrap_or_default());
        }
    }
    out
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_text_of_an_alternative_is_found_and_decoded() {
        let raw = "Subject: =?utf-8?b?W3dlYi0xXSBGw7xy?= =?utf-8?q?_alle?=\r\nX-Long: a\r\n b\r\n\
            Content-Type: multipart/alternative;\r\n boundary=\"x y\"\r\n\r\n--x\r\nignored";
        let message = read(raw.replace("x y", "xy").replace("--x\r\nignored", "--xy\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nUmlaut =C3=BC, l=\r\nong =\r\n\r\n--xy\r\nContent-Type: text/html\r\n\r\n<b>\r\n--xy--\r\n").as_bytes());
        assert_eq!(message.text, "Umlaut ü, long");
        assert_eq!(
            message.headers[0],
            ("Subject".into(), "[web-1] Für alle".into())
        );
        assert_eq!(message.headers[1], ("X-Long".into(), "a b".into()));
    }

    #[test]
    fn base64_bodies_are_decoded() {
        let message =
            read(b"Content-Transfer-Encoding: base64\r\n\r\ncG9zdGdyZXMg\r\naXMgZG93bg==\r\n");
        assert_eq!(message.text, "postgres is down");
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_is() {
        assert_eq!(
            read(b"Subject: =?broken\n\n100 =XX\n").headers[0].1,
            "=?broken"
        );
        assert_eq!(read(b"A: b\n\n100 =XX\n").text, "100 =XX");
        assert_eq!(read(b"").text, "");
    }
}
