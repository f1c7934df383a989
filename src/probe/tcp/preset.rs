//! Protocols by name: the usual port, whether with TLS, and a short dialogue that only such a server can hold.
//! Data only. None of them logs in; a server that asks for a password has shown that it is there.

use super::starttls::{POSTGRES, Start};
use super::step::{Line, Step, hear, say};
use crate::settings::Section;

/// A protocol.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    pub(super) port: u16,
    /// Whether TLS comes first.
    pub(super) tls: bool,
    /// The protocol in which TLS is asked for.
    starttls: Option<&'static str>,
    /// How many of the lines the dialogue that starts TLS has had already.
    greeting: usize,
    lines: &'static [Line],
}

const SMTP: &[Line] = &[
    hear("^220( |$)", "^[45]"),
    say(b"EHLO belfry.invalid\r\n", "^250( |$)", "^[45]"),
    say(b"QUIT\r\n", "^221", "^[45]"),
];
const LMTP: &[Line] = &[
    hear("^220( |$)", "^[45]"),
    say(b"LHLO belfry.invalid\r\n", "^250( |$)", "^[45]"),
    say(b"QUIT\r\n", "^221", "^[45]"),
];
const IMAP: &[Line] = &[
    hear(r"^\* (OK|PREAUTH)", r"^\* BYE"),
    say(b"a LOGOUT\r\n", "^a OK", "^a (NO|BAD)"),
];
const POP3: &[Line] = &[hear(r"^\+OK", "^-ERR"), say(b"QUIT\r\n", r"^\+OK", "^-ERR")];
const FTP: &[Line] = &[
    hear("^220( |$)", "^[45]"),
    say(b"QUIT\r\n", "^221", "^[45]"),
];
const NNTP: &[Line] = &[hear("^20[01]", "^[45]"), say(b"QUIT\r\n", "^205", "^[45]")];
const SIEVE: &[Line] = &[
    hear("^OK", "^(NO|BYE)"),
    say(b"LOGOUT\r\n", "^OK", "^(NO|BYE)"),
];
const REDIS: &[Line] = &[say(b"PING\r\n", r"^(\+PONG|-NOAUTH )", "^-")];
/// RFC 4511, section 4.2: an anonymous bind. Success, and the answers of servers that want more of it, will do.
const LDAP: &[Line] = &[say(
    b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",
    r"(?s-u)\A\x30.{1,8}\x02\x01\x01\x61.{1,5}\x0a\x01[\x00\x08\x0d\x30\x31]",
    r"(?s-u)\x0a\x01[^\x00]",
)];
/// The protocol header of 0-9-1; it answers with Connection.Start (class 10, method 10).
const AMQP: &[Line] = &[say(
    b"AMQP\x00\x00\x09\x01",
    r"(?s-u)\A\x01\x00\x00.{4}\x00\x0a\x00\x0a",
    r"\AAMQP",
)];
/// CONNECT of MQTT 3.1.1 with a clean session and no name. Accepted, or not without a password or a name.
const MQTT: &[Line] = &[
    say(
        b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
        r"(?s-u)\A\x20\x02[\x00\x01][\x00\x02\x04\x05]",
        r"(?s-u)\A\x20\x02..",
    ),
    say(b"\xe0\x00", "", ""),
];
/// A greeting of protocol 10, or the packet of an error.
const MYSQL: &[Line] = &[hear(r"(?s-u)\A...\x00\x0a[0-9]", r"(?s-u)\A...\x00\xff")];
/// `OP_MSG` with `{ hello: 1, $db: "admin" }`.
const MONGODB: &[Line] = &[say(
    b"\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00\x1f\x00\x00\x00\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00",
    r"(?s-u)maxWireVersion",
    "errmsg",
)];

const fn plain(name: &'static str, port: u16, lines: &'static [Line]) -> Preset {
    Preset {
        name,
        port,
        tls: false,
        starttls: None,
        greeting: 1,
        lines,
    }
}

const fn secure(name: &'static str, port: u16, lines: &'static [Line]) -> Preset {
    Preset {
        tls: true,
        ..plain(name, port, lines)
    }
}

/// One whose client speaks first: nothing of it is over when TLS starts.
const fn silent(name: &'static str, port: u16, lines: &'static [Line]) -> Preset {
    Preset {
        greeting: 0,
        ..plain(name, port, lines)
    }
}

static TABLE: &[Preset] = &[
    plain("ssh", 22, &[hear(r"^SSH-(2\.0|1\.99)-", "")]),
    plain("smtp", 25, SMTP),
    secure("smtps", 465, SMTP),
    Preset {
        starttls: Some("smtp"),
        ..plain("submission", 587, SMTP)
    },
    plain("lmtp", 24, LMTP),
    plain("imap", 143, IMAP),
    secure("imaps", 993, IMAP),
    plain("pop3", 110, POP3),
    secure("pop3s", 995, POP3),
    plain("sieve", 4190, SIEVE),
    plain("ftp", 21, FTP),
    secure("ftps", 990, FTP),
    plain("nntp", 119, NNTP),
    secure("nntps", 563, NNTP),
    silent("redis", 6379, REDIS),
    secure("rediss", 6379, REDIS),
    silent(
        "memcached",
        11211,
        &[say(
            b"version\r\n",
            "^VERSION ",
            "^(-|(CLIENT_|SERVER_)?ERROR)",
        )],
    ),
    plain("mysql", 3306, MYSQL),
    silent("mongodb", 27017, MONGODB),
    plain("postgres", 5432, &[say(POSTGRES, r"\A[SN]", r"\AE")]),
    silent("ldap", 389, LDAP),
    secure("ldaps", 636, LDAP),
    silent("amqp", 5672, AMQP),
    secure("amqps", 5671, AMQP),
    silent("mqtt", 1883, MQTT),
    secure("mqtts", 8883, MQTT),
    silent("clamav", 3310, &[say(b"zPING\x00", r"\APONG", "ERROR")]),
    silent(
        "spamd",
        783,
        &[say(
            b"PING SPAMC/1.2\r\n\r\n",
            r"\ASPAMD/[0-9.]+ 0 ",
            r"\ASPAMD/[0-9.]+ [1-9]",
        )],
    ),
    plain("rsync", 873, &[hear(r"\A@RSYNCD: [0-9]", "^@ERROR")]),
    plain("vnc", 5900, &[hear(r"\ARFB [0-9]{3}\.[0-9]{3}\n", "")]),
];

impl Preset {
    /// Reads `preset`.
    pub(super) fn read(section: &mut Section<'_>) -> Option<&'static Self> {
        let names: Vec<&'static str> = TABLE.iter().map(|preset| preset.name).collect();
        let name = section.choice("preset", &names)?;
        TABLE.iter().find(|preset| preset.name == name)
    }

    /// How TLS is started.
    pub(super) fn start(&self) -> Option<&'static Start> {
        Start::of(self.starttls?)
    }

    /// What is said; where TLS was `started` by a dialogue, a part of it is over.
    pub(super) fn steps(&self, started: bool) -> Vec<Step> {
        let over = if started { self.greeting } else { 0 };
        self.lines.iter().skip(over).map(Step::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_name_is_one() {
        let names: BTreeSet<&str> = TABLE.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for preset in TABLE {
            assert!(!preset.steps(false).is_empty(), "{}", preset.name);
            assert_eq!(preset.starttls.is_some(), preset.start().is_some());
        }
    }

    #[test]
    fn lengths_in_binary_questions_are_right() {
        let question = |name: &str| {
            let preset = TABLE.iter().find(|preset| preset.name == name).unwrap();
            preset.lines[0].send
        };
        let (ldap, mqtt, mongodb) = (question("ldap"), question("mqtt"), question("mongodb"));
        assert_eq!(usize::from(ldap[1]), ldap.len() - 2);
        assert_eq!(usize::from(mqtt[1]), mqtt.len() - 2);
        assert_eq!(usize::from(mongodb[0]), mongodb.len());
        assert_eq!(usize::from(mongodb[21]), mongodb.len() - 21);
        assert_eq!(question("postgres").len(), 8);
    }

    #[test]
    fn what_servers_really_say_is_known() {
        for (name, step, says, good) in [
            ("ssh", 0, &b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], true),
            ("ssh", 0, b"SSH-1.5-old\r\n", false),
            ("smtp", 0, b"220-mail.example\r\n220 ready\r\n", true),
            ("smtp", 1, b"250-mail.example\r\n250-SIZE\r\n250 HELP\r\n", true),
            ("smtp", 1, b"250-mail.example\r\n250-SIZE\r\n", false),
            ("imap", 1, b"* BYE\r\na OK done\r\n", true),
            ("redis", 0, b"-NOAUTH Authentication required.\r\n", true),
            ("redis", 0, b"-LOADING Redis is loading\r\n", false),
            ("mysql", 0, b"\x5b\x00\x00\x00\x0a8.0.36\x00", true),
            ("mysql", 0, b"\x5b\x00\x00\x00\x0a5.5.5-10.11-MariaDB\x00", true),
            ("mysql", 0, b"\x46\x00\x00\x00\xff\x6a\x04Host is blocked", false),
            ("ldap", 0, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", true),
            ("ldap", 0, b"\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00", true),
            ("ldap", 0, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x34\x04\x00\x04\x00", false),
            ("amqp", 0, b"\x01\x00\x00\x00\x00\x01\xdc\x00\x0a\x00\x0a\x00\x09", true),
            ("amqp", 0, b"AMQP\x00\x01\x00\x00", false),
            ("mqtt", 0, b"\x20\x02\x00\x05", true),
            ("mqtt", 0, b"\x20\x02\x00\x03", false),
            ("postgres", 0, b"N", true),
            ("clamav", 0, b"PONG\x00", true),
            ("spamd", 0, b"SPAMD/1.5 0 PONG\r\n", true),
            ("rsync", 0, b"@RSYNCD: 31.0 sha512 sha256\n", true),
            ("nntp", 0, b"201 no posting\r\n", true),
            ("sieve", 0, b"\"IMPLEMENTATION\" \"x\"\r\nOK \"ready\"\r\n", true),
            ("mongodb", 0, b"\x08ismaster\x00\x01\x10maxWireVersion\x00", true),
        ] {
            let preset = TABLE.iter().find(|preset| preset.name == name).unwrap();
            let steps = preset.steps(false);
            let expect = steps[step].expect.as_ref().unwrap();
            assert_eq!(expect.matches(says), good, "{name}: {}", says.escape_ascii());
        }
    }
}
