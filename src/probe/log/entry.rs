//! What journalctl writes with `--output=json`: one object for each entry and line (systemd's Journal JSON Format).

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::place::LINE;

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) cursor: String,
    /// Empty where there is none, or journalctl left it out because it is long.
    pub(super) message: Vec<u8>,
}

#[derive(Deserialize)]
struct Json {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    #[serde(rename = "MESSAGE")]
    message: Option<Message>,
}

/// A text; bytes that are no UTF-8 as numbers; or what is nothing to look at (a field that is there twice).
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
    Other(IgnoredAny),
}

impl Entry {
    /// All whole lines of an output. One that is no entry is passed over: the next is behind it.
    pub(super) fn all(output: &[u8]) -> impl Iterator<Item = Self> {
        let lines = output.split_inclusive(|byte| *byte == b'\n');
        let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
        whole.filter_map(Self::parse)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(line).ok()?;
        let mut message = match json.message {
            Some(Message::Text(text)) => text.into_bytes(),
            Some(Message::Bytes(bytes)) => bytes,
            Some(Message::Other(IgnoredAny)) | None => Vec::new(),
        };
        message.truncate(LINE);
        Some(Self {
            cursor: json.cursor,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_bytes_and_what_is_neither_are_read_and_half_a_line_is_not() {
        let output = br#"{"__CURSOR":"a","MESSAGE":"one\ntwo","_BOOT_ID":"b"}
{"__CURSOR":"b","MESSAGE":[255,32,69]}
{"__CURSOR":"c","MESSAGE":null}
{"__CURSOR":"d","MESSAGE":["x",[1,2]]}
{"__CURSOR":"e"}
no entry
{"MESSAGE":"without a place"}
{"__CURSOR":"f","MESSAGE":"cut of"#;
        let entries: Vec<(String, Vec<u8>)> = Entry::all(output)
            .map(|entry| (entry.cursor, entry.message))
            .collect();
        let entry = |cursor: &str, message: &[u8]| (cursor.to_owned(), message.to_vec());
        assert_eq!(
            entries,
            [
                entry("a", b"one\ntwo"),
                entry("b", &[255, 32, 69]),
                entry("c", b""),
                entry("d", b""),
                entry("e", b""),
            ]
        );
    }

    #[test]
    fn a_long_message_is_looked_at_as_far_as_a_line_of_a_file() {
        let line = format!(
            "{{\"__CURSOR\":\"a\",\"MESSAGE\":\"{}\"}}\n",
            "x".repeat(LINE + 9)
        );
        let entry = Entry::all(line.as_bytes()).next().expect("one");
        assert_eq!(entry.message.len(), LINE);
    }
}
