//! How TLS is asked for in protocols that begin in the clear. Data only.
//!
//! Every last pattern takes the whole answer, so that what is left of it would be something that was said
//! behind it.

use super::step::{Line, Step, hear, say};
use crate::settings::Section;

/// The dialogue up to the handshake.
#[derive(Debug)]
pub(super) struct Start {
    name: &'static str,
    lines: &'static [Line],
}

const fn start(name: &'static str, lines: &'static [Line]) -> Start {
    Start { name, lines }
}

/// RFC 4511, section 4.14: an extended request for 1.3.6.1.4.1.1466.20037.
const LDAP: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// `SSLRequest`: a startup message with a version of its own, 1234.5679.
pub(super) const POSTGRES: &[u8] = b"\x00\x00\x00\x08\x04\xd2\x16\x2f";
/// `Protocol::SSLRequest`: 32 bytes, number 1; `CLIENT_PROTOCOL_41`, `CLIENT_SSL`, `CLIENT_SECURE_CONNECTION`,
/// packets of 16 MiB, UTF-8.
const MYSQL: &[u8] = b"\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x21\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

static TABLE: &[Start] = &[
    start(
        "smtp",
        &[
            hear(r"^220(-.*\r?\n220)*( .*)?\r?\n", "^[45]"),
            say(b"EHLO belfry.invalid\r\n", r"^250 .*\r?\n", "^[45]"),
            say(b"STARTTLS\r\n", r"^220.*\r?\n", "^[45]"),
        ],
    ),
    start(
        "lmtp",
        &[
            hear(r"^220 .*\r?\n", "^[45]"),
            say(b"LHLO belfry.invalid\r\n", r"^250 .*\r?\n", "^[45]"),
            say(b"STARTTLS\r\n", r"^220.*\r?\n", "^[45]"),
        ],
    ),
    start(
        "imap",
        &[
            hear(r"^\* OK.*\r?\n", r"^\* (BYE|PREAUTH)"),
            say(b"a STARTTLS\r\n", r"^a OK.*\r?\n", "^a (NO|BAD)"),
        ],
    ),
    start(
        "pop3",
        &[
            hear(r"^\+OK.*\r?\n", "^-ERR"),
            say(b"STLS\r\n", r"^\+OK.*\r?\n", "^-ERR"),
        ],
    ),
    start(
        "ftp",
        &[
            hear(r"^220 .*\r?\n", "^[45]"),
            say(b"AUTH TLS\r\n", r"^234.*\r?\n", "^[45]"),
        ],
    ),
    start(
        "ldap",
        &[say(
            LDAP,
            r"(?s-u)\A\x30.*\x78.*\x0a\x01\x00\x04\x00\x04.*",
            r"(?s-u)\x0a\x01[^\x00]",
        )],
    ),
    start("postgres", &[say(POSTGRES, r"\AS", r"\A[NE]")]),
    start(
        "mysql",
        &[
            hear(r"(?s-u)\A...\x00\x0a[0-9].*\x00", r"(?s-u)\A....\xff"),
            say(MYSQL, "", ""),
        ],
    ),
    start(
        "nntp",
        &[
            hear(r"^20[01].*\r?\n", "^[45]"),
            say(b"STARTTLS\r\n", r"^382.*\r?\n", "^[45]"),
        ],
    ),
    start(
        "sieve",
        &[
            hear(r"^OK.*\r?\n", "^(NO|BYE)"),
            say(b"STARTTLS\r\n", r"^OK.*\r?\n", "^(NO|BYE)"),
        ],
    ),
];

impl Start {
    /// Reads `starttls`.
    pub(super) fn read(section: &mut Section<'_>) -> Option<&'static Self> {
        let names: Vec<&'static str> = TABLE.iter().map(|start| start.name).collect();
        Self::of(section.choice("starttls", &names)?)
    }

    pub(super) fn of(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|start| start.name == name)
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.lines.iter().map(Step::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_length_is_right() {
        assert!(TABLE.iter().all(|start| !start.steps().is_empty()));
        assert_eq!(usize::from(LDAP[1]), LDAP.len() - 2);
        assert_eq!(usize::from(MYSQL[0]), MYSQL.len() - 4);
    }

    #[test]
    fn agreement_is_taken_whole_and_a_refusal_is_seen_at_once() {
        for (name, agrees, refuses) in [
            ("smtp", "220 2.0.0 Ready\r\n", "454 not now\r\n"),
            ("imap", "a OK Begin\r\n", "a BAD what?\r\n"),
            ("pop3", "+OK Begin\r\n", "-ERR no\r\n"),
            ("ftp", "234 go\r\n", "502 no\r\n"),
            (
                "ldap",
                "0\x0c\x02\x01\x01x\x07\x0a\x01\0\x04\0\x04\0",
                "0\x0c\x02\x01\x01x\x07\x0a\x01\x02\x04\0\x04\0",
            ),
            ("postgres", "S", "N"),
            ("nntp", "382 go\r\n", "580 no\r\n"),
            ("sieve", "OK \"Begin\"\r\n", "NO \"no\"\r\n"),
        ] {
            let steps = Start::of(name).unwrap().steps();
            let last = steps.last().unwrap();
            let expect = last.expect.as_ref().unwrap();
            assert_eq!(expect.end(agrees.as_bytes()), Some(agrees.len()), "{name}");
            assert_eq!(expect.end(refuses.as_bytes()), None, "{name}");
            let refuse = last.refuse.as_ref().unwrap();
            assert!(refuse.matches(refuses.as_bytes()), "{name}");
            assert!(!refuse.matches(agrees.as_bytes()), "{name}");
        }
    }
}
