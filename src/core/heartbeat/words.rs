//! What a job said, where an alert repeats it: its last lines, since that is where it says why. For operators: whatever
//! a job prints (`set -x`, a password) is in it.

use uuid::Uuid;

use super::Beat;
use crate::core::text;

/// What stands between our words and those of the job.
const SAID: &str = "; it said: ";
/// Most that is repeated, in characters.
const CHARS: usize = 160;
/// How much of the end is looked at for it, in bytes.
const END: usize = 4_096;
/// What comes before the capability in the address of a ping.
const PING: &str = "/ping/";

impl Beat {
    /// What the end of `body` says, to be put behind our own words; nothing where it says nothing.
    pub fn said(&self, body: &[u8]) -> String {
        let start = body.len().saturating_sub(END);
        let end = String::from_utf8_lossy(body.get(start..).unwrap_or_default());
        let said = text::end(&self.without_addresses(&end), CHARS);
        if said.is_empty() {
            String::new()
        } else {
            format!("{SAID}{said}")
        }
    }

    /// `text` without what opens this heartbeat, or any by its ping key: jobs print what they run.
    fn without_addresses(&self, text: &str) -> String {
        let former = self.former.iter().map(|former| former.uuid);
        let own = former.chain([self.uuid]);
        let hidden = own.fold(text.to_owned(), |text, uuid: Uuid| {
            text.replace(&uuid.to_string(), "…")
        });
        let mut pieces = hidden.split(PING);
        let first = pieces.next().unwrap_or_default().to_owned();
        let hidden = pieces.fold(first, |mut text, piece| {
            let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '…'));
            let rest = piece.find(ends).map_or("", |end| piece.split_at(end).1);
            text.push_str(PING);
            text.push('…');
            text.push_str(rest);
            text
        });
        without_uuids(&hidden)
    }
}

/// `text` without the UUIDs that stand in an address, of the web or of a mail: each may be that of another heartbeat.
fn without_uuids(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        shown.push_str(before);
        let is_address = before.ends_with('/') || after.starts_with('@');
        shown.push_str(if is_address && text::uuid(word).is_some() {
            "…"
        } else {
            word
        });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// `text` as everybody may read it: what we say of a job, without what the job said.
pub fn for_everybody(text: &str) -> &str {
    text.split_once(SAID).map_or(text, |(ours, _)| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        Beat::new(Uuid::from_u128(7)).said(body.as_bytes())
    }

    #[test]
    fn the_end_is_repeated_and_only_for_operators() {
        let long = "copying file\n".repeat(300) + "\nFATAL: disk full\n\n";
        let words = format!("job failed with exit code 1{}", said(&long));
        assert!(
            words.ends_with(" · copying file · FATAL: disk full"),
            "{words}"
        );
        assert_eq!(for_everybody(&words), "job failed with exit code 1");
        assert_eq!(said(" \n\t\n"), "");
        assert_eq!(for_everybody("job succeeded"), "job succeeded");
    }

    #[test]
    fn no_address_of_a_ping_is_repeated() {
        let own = Uuid::from_u128(7);
        for (body, shown) in [
            (
                format!("+ curl http://h/ping/{own}/fail"),
                "+ curl http://h/ping/…/fail",
            ),
            (
                "GET /ping/kB2d0xQ8mT-4_zzW1abcDE/job HTTP/1.1".to_owned(),
                "GET /ping/…/job HTTP/1.1",
            ),
            (format!("curl http://h/{own}"), "curl http://h/…"),
            ("see /ping/".to_owned(), "see /ping/…"),
            (
                "PUT http://h/api/push/5D2F1A1E-7f3d-4a53-9d3a-0c8c0f4d2a11?status=up".to_owned(),
                "PUT http://h/api/push/…?status=up",
            ),
            (
                "to 5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11@ping.example.org".to_owned(),
                "to …@ping.example.org",
            ),
            (
                "no disk 5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11, dead-beef".to_owned(),
                "no disk 5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11, dead-beef",
            ),
        ] {
            assert_eq!(said(&body), format!("{SAID}{shown}"));
        }
    }
}
