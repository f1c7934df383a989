//! Answers as texts: those that are expected, and those that came.

use hickory_resolver::proto::rr::{RData, RecordType};

use crate::settings::Section;

/// What a server should say. Beside the codes of RFC 1035, NODATA: the name exists, but has no such record.
const RCODES: [&str; 7] = [
    "NOERROR", "NODATA", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP",
];

/// How what came must be like what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    All,
    Any,
    Exact,
}

/// What should come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) rcode: &'static str,
    /// In canonical form; empty where any answer will do.
    pub(super) answers: Vec<String>,
    pub(super) how: Match,
}

impl Expected {
    /// Reads `expect`, `match` and `rcode`.
    pub(super) fn read(section: &mut Section<'_>, kind: RecordType, most: usize) -> Self {
        let texts = section.strings("expect").unwrap_or_default();
        if texts.len() > most {
            section.refuse("expect", "too many answers", format!("at most {most}"));
        }
        let mut answers = Vec::with_capacity(texts.len());
        for (text, span) in texts {
            match canonical(kind, &text) {
                Some(answer) => answers.push(answer),
                None => section.report.at(
                    section.source,
                    span,
                    format!("\"{text}\" can be no answer of this type"),
                    Some(format!("write it as in {}", example(kind))),
                ),
            }
        }
        let how = match section.choice("match", &["all", "any", "exact"]) {
            Some("any") => Match::Any,
            Some("exact") => Match::Exact,
            Some(_) | None => Match::All,
        };
        let rcode = section.choice("rcode", &RCODES).unwrap_or("NOERROR");
        if rcode != "NOERROR" && !answers.is_empty() {
            let hint = "leave out one of them: there are no answers then";
            section.refuse("expect", "\"expect\" beside \"rcode\"", hint);
        }
        Self {
            rcode,
            answers,
            how,
        }
    }
}

fn example(kind: RecordType) -> &'static str {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum of which we ask for a few"
    )]
    match kind {
        RecordType::A => "\"192.0.2.7\"",
        RecordType::AAAA => "\"2001:db8::7\"",
        RecordType::MX => "\"10 mail.example.org\"",
        RecordType::SRV => "\"10 5 5060 sip.example.org\"",
        RecordType::CAA => "\"0 issue letsencrypt.org\"",
        RecordType::SOA => "\"ns.example.org admin.example.org 1 7200 900 1209600 86400\"",
        _ => "\"www.example.org\"",
    }
}

/// An answer as it is compared: addresses in one spelling, names in small letters without the last dot, texts
/// as they are. None where it can be no answer of this kind.
pub(super) fn canonical(kind: RecordType, text: &str) -> Option<String> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum; what is not listed is made of names and numbers"
    )]
    match kind {
        RecordType::A => Some(text.parse::<std::net::Ipv4Addr>().ok()?.to_string()),
        RecordType::AAAA => Some(text.parse::<std::net::Ipv6Addr>().ok()?.to_string()),
        RecordType::TXT => {
            let bare = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            Some(bare.unwrap_or(text).to_owned())
        }
        RecordType::CAA => Some(text.replace('"', "")),
        kind => {
            let words: Vec<String> = text.split_whitespace().map(plain).collect();
            let fits = match kind {
                RecordType::MX => words.len() == 2,
                RecordType::SRV => words.len() == 4,
                RecordType::SOA => words.len() == 7,
                _ => words.len() == 1,
            };
            fits.then(|| words.join(" "))
        }
    }
}

fn plain(word: &str) -> String {
    let bare = word.strip_suffix('.').filter(|bare| !bare.is_empty());
    bare.unwrap_or(word).to_ascii_lowercase()
}

/// A record that came, in canonical form; none where it is of another kind.
pub(super) fn shown(kind: RecordType, data: &RData) -> Option<String> {
    if data.record_type() != kind {
        return None;
    }
    if let RData::TXT(txt) = data {
        // Several strings are one text (RFC 7208, section 3.3).
        return Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned());
    }
    canonical(kind, &data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_in_one_spelling() {
        for (kind, text, form) in [
            (RecordType::A, "192.0.2.7", Some("192.0.2.7")),
            (RecordType::A, "2001:db8::7", None),
            (RecordType::AAAA, "2001:DB8:0:0::7", Some("2001:db8::7")),
            (
                RecordType::MX,
                "10  Mail.Example.org.",
                Some("10 mail.example.org"),
            ),
            (RecordType::MX, "0 .", Some("0 .")),
            (RecordType::MX, "mail.example.org", None),
            (RecordType::NS, "NS1.example.", Some("ns1.example")),
            (RecordType::TXT, "\"v=spf1 -ALL\"", Some("v=spf1 -ALL")),
            (
                RecordType::CAA,
                "0 issue \"ca.example\"",
                Some("0 issue ca.example"),
            ),
            (RecordType::SRV, "1 2 3 a.example.", Some("1 2 3 a.example")),
        ] {
            assert_eq!(canonical(kind, text).as_deref(), form, "{text}");
        }
    }
}
