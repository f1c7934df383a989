//! What a mail says: its subject and its text, as a person would read it.

use mail_parser::MessageParser;

use crate::core::text;

/// Longest subject, in characters; a line of RFC 5322 has 998.
const SUBJECT_CHARS: usize = 1_000;
/// Parts that are read for text; a mail of a job has one or two.
const PARTS: usize = 8;

/// A mail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) subject: String,
    /// The plain text, and the HTML as it is written, where there is some: words are sought in both.
    pub(super) text: String,
    /// What is shown: the subject and the text.
    pub(super) shown: String,
}

impl Letter {
    /// Of what came over the wire, which may be cut.
    pub(super) fn read(raw: &[u8]) -> Self {
        let Some(mail) = MessageParser::default().parse(raw) else {
            let text = String::from_utf8_lossy(raw).into_owned();
            return Self {
                subject: String::new(),
                shown: text.clone(),
                text,
            };
        };
        let subject = text::line(mail.subject().unwrap_or_default(), SUBJECT_CHARS);
        let plain: Vec<_> = (0..PARTS).map_while(|part| mail.body_text(part)).collect();
        let plain = plain.join("\n");
        let html = mail.html_body.first().and_then(|&part| {
            let part = mail.parts.get(usize::try_from(part).ok()?)?;
            part.is_text_html().then(|| part.text_contents()).flatten()
        });
        let shown = if subject.is_empty() {
            plain.clone()
        } else {
            format!("Subject: {subject}\n\n{plain}")
        };
        let text = html.map_or_else(|| plain.clone(), |html| format!("{plain}\n{html}"));
        Self {
            subject,
            text,
            shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Letter {
        Letter::read(lines.join("\r\n").as_bytes())
    }

    #[test]
    fn subject_and_text_are_read_as_a_person_would() {
        let plain = read(&["Subject: backup done", "From: a@b", "", "42 files", ""]);
        assert_eq!(
            (plain.subject.as_str(), plain.text.as_str()),
            ("backup done", "42 files\r\n")
        );
        assert!(plain.shown.starts_with("Subject: backup done\n\n42 files"));
        let encoded = read(&[
            "Subject: =?UTF-8?B?RXJmb2xnIOKckw==?=",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "",
            "ZmVydGln",
            "",
        ]);
        assert_eq!(
            (encoded.subject.as_str(), encoded.text.as_str()),
            ("Erfolg ✓", "fertig")
        );
        let both = read(&[
            "Subject: two",
            "Content-Type: multipart/alternative; boundary=x",
            "",
            "--x",
            "Content-Type: text/plain",
            "",
            "plain words",
            "--x",
            "Content-Type: text/html",
            "",
            "<p>other <b>words</b></p>",
            "--x--",
            "",
        ]);
        assert!(both.text.contains("plain words"), "{both:?}");
        assert!(both.text.contains("<b>words</b>"), "{both:?}");
        assert!(!both.shown.contains("<b>"), "{both:?}");
    }

    #[test]
    fn whatever_comes_is_read_without_harm() {
        let deep = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n".repeat(2_000);
        let long = format!("Subject: {}\r\n\r\n", "é".repeat(50_000));
        for raw in ["", "\r\n", "no header at all", "Subject:\r\n", &deep, &long] {
            let letter = Letter::read(raw.as_bytes());
            assert!(letter.subject.chars().count() <= SUBJECT_CHARS);
        }
        let hostile = read(&["Subject: a\u{1b}[31m\u{202e}b", "", "\u{0}x"]);
        assert!(!hostile.subject.contains('\u{1b}'), "{hostile:?}");
        Letter::read(&[0xff; 1_000]);
    }
}
