//! What an answer of a name server is worth. Pure.

use hickory_resolver::proto::op::{Message, ResponseCode};

use super::Settings;
use super::answer::{Match, shown};
use crate::core::metric::Unit;
use crate::core::outcome::Outcome;
use crate::core::text;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::level::Judgement;
use crate::probe::trace::Trace;

/// Most answers, and the longest piece of one, in a message.
const SHOWN: usize = 5;
const PIECE_CHARS: usize = 60;

/// The answers, sorted: servers turn their order, which is no news.
fn answers(settings: &Settings, message: &Message) -> Vec<String> {
    let records = message.answers.iter();
    let mut all: Vec<String> = records
        .filter_map(|record| shown(settings.kind, &record.data))
        .collect();
    all.sort();
    all
}

/// What the server said, in one word.
fn word(settings: &Settings, message: &Message) -> String {
    let code = message.metadata.response_code;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum; what is not listed is told by its number"
    )]
    match code {
        ResponseCode::NoError if answers(settings, message).is_empty() => "NODATA".to_owned(),
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        other => format!("code {}", u16::from(other)),
    }
}

/// The word in a sentence.
fn told(settings: &Settings, word: &str, at: &str) -> String {
    let (name, kind) = (settings.shown(), settings.kind);
    match word {
        "NOERROR" => format!("{name} has {kind} records"),
        "NODATA" => format!("{name} has no {kind} record (NODATA)"),
        "NXDOMAIN" => format!("{name} does not exist (NXDOMAIN)"),
        "SERVFAIL" => format!("{at} could not look up {name} (SERVFAIL)"),
        "REFUSED" => format!("{at} refuses to answer (REFUSED)"),
        other => format!("{at} answered {other}"),
    }
}

fn list(answers: &[String]) -> String {
    let pieces: Vec<String> = answers
        .iter()
        .take(SHOWN)
        .map(|answer| text::line(answer, PIECE_CHARS))
        .collect();
    let more = if answers.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", pieces.join(", "))
}

/// What is said of a good answer.
pub(super) fn said(settings: &Settings, message: &Message) -> String {
    let answers = answers(settings, message);
    if answers.is_empty() {
        return word(settings, message);
    }
    list(&answers)
}

/// Judges the answer of the server `at`; an error is the end of the judgement.
pub(super) fn judge(
    settings: &Settings,
    message: &Message,
    at: &str,
    judgement: &mut Judgement,
    trace: &mut Trace,
) -> Looked<()> {
    let expected = &settings.expected;
    let word = word(settings, message);
    let holds = word == expected.rcode;
    trace.note(|| Finding::new("answer of the server", expected.rcode, &*word, holds));
    if !holds {
        let but = match expected.rcode {
            "NOERROR" => String::new(),
            other => format!(", expected {other}"),
        };
        let text = format!("{}{but}", told(settings, &word, at));
        // Our own name server says nothing of the target when it does not serve us.
        return Err(if word == "REFUSED" && settings.server.is_none() {
            Outcome::unknown(&format!("{text}; look at /etc/resolv.conf"))
        } else {
            Outcome::fail(&text)
        });
    }
    let answers = answers(settings, message);
    judgement.metric("answers", count(answers.len()), Unit::Count);
    if let Some(ttl) = message.answers.iter().map(|record| record.ttl).min() {
        judgement.metric("ttl", f64::from(ttl), Unit::Seconds);
    }
    if expected.answers.is_empty() {
        return Ok(());
    }
    let wrong = wrong(expected.how, &expected.answers, &answers);
    trace.note(|| {
        let how = match expected.how {
            Match::All => "all of",
            Match::Any => "one of",
            Match::Exact => "exactly",
        };
        let wanted = format!("{how} {}", list(&expected.answers));
        Finding::new("answers", wanted, list(&answers), wrong.is_none())
    });
    match wrong {
        None => Ok(()),
        Some(wrong) => {
            let (name, kind, found) = (settings.shown(), settings.kind, list(&answers));
            Err(Outcome::fail(&format!("{name} {kind} is {found}; {wrong}")))
        }
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// What is wrong with the answers.
fn wrong(how: Match, expected: &[String], found: &[String]) -> Option<String> {
    let less = |all: &[String], these: &[String]| -> Vec<String> {
        let missing = all.iter().filter(|one| !these.contains(one));
        missing.cloned().collect()
    };
    let (missing, more) = (less(expected, found), less(found, expected));
    match how {
        Match::Any if missing.len() < expected.len() => None,
        Match::Any => Some(format!("none of {}", list(expected))),
        Match::All | Match::Exact if !missing.is_empty() => {
            Some(format!("{} is missing", list(&missing)))
        }
        Match::Exact if !more.is_empty() => Some(format!("{} is not expected", list(&more))),
        Match::All | Match::Exact => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_resolver::proto::op::{MessageType, OpCode};
    use hickory_resolver::proto::rr::rdata::{A, CNAME, MX, TXT};
    use hickory_resolver::proto::rr::{Name, RData, Record};

    use super::*;
    use crate::probe::Probe;
    use crate::probe::tests::read;

    fn judged(keys: &str, code: ResponseCode, answers: Vec<RData>) -> String {
        let keys = format!("dns = {{ name = \"a.example\", server = \"192.0.2.53\", {keys} }}");
        let (probe, problems) = read(&keys);
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Probe::Dns(settings)) = probe else {
            panic!("a dns probe was read");
        };
        let mut message = Message::new(1, MessageType::Response, OpCode::Query);
        message.metadata.response_code = code;
        let name = Name::from_ascii("a.example.").unwrap();
        for (number, data) in answers.into_iter().enumerate() {
            let ttl = 60 + u32::try_from(number).unwrap();
            message.add_answer(Record::from_rdata(name.clone(), ttl, data));
        }
        let mut judgement = Judgement::default();
        let mut trace = Trace::start(Duration::from_secs(1));
        let outcome = match judge(
            &settings,
            &message,
            "192.0.2.53:53",
            &mut judgement,
            &mut trace,
        ) {
            Ok(()) => judgement.outcome(&said(&settings, &message)),
            Err(outcome) => outcome,
        };
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    fn a(last: u8) -> RData {
        RData::A(A::new(192, 0, 2, last))
    }

    #[test]
    fn every_way_to_have_no_answer_has_words_of_its_own() {
        for (code, said) in [
            (
                ResponseCode::NoError,
                "fail: a.example has no A record (NODATA)",
            ),
            (
                ResponseCode::NXDomain,
                "fail: a.example does not exist (NXDOMAIN)",
            ),
            (
                ResponseCode::ServFail,
                "fail: 192.0.2.53:53 could not look up a.example (SERVFAIL)",
            ),
            (
                ResponseCode::Refused,
                "fail: 192.0.2.53:53 refuses to answer (REFUSED)",
            ),
            (ResponseCode::NotImp, "fail: 192.0.2.53:53 answered NOTIMP"),
            (
                ResponseCode::YXDomain,
                "fail: 192.0.2.53:53 answered code 6",
            ),
        ] {
            assert_eq!(judged("", code, vec![]), said);
        }
        let cname = RData::CNAME(CNAME(Name::from_ascii("b.example.").unwrap()));
        assert_eq!(
            judged("", ResponseCode::NoError, vec![cname]),
            "fail: a.example has no A record (NODATA)"
        );
    }

    #[test]
    fn a_code_can_be_what_is_expected() {
        let nx =
            |rcode: &str, code, answers| judged(&format!("rcode = \"{rcode}\""), code, answers);
        assert_eq!(
            nx("NXDOMAIN", ResponseCode::NXDomain, vec![]),
            "pass: NXDOMAIN"
        );
        assert_eq!(nx("NODATA", ResponseCode::NoError, vec![]), "pass: NODATA");
        assert_eq!(
            nx("NXDOMAIN", ResponseCode::NoError, vec![a(7)]),
            "fail: a.example has A records, expected NXDOMAIN"
        );
    }

    #[test]
    fn answers_are_compared_as_asked() {
        let two = || vec![a(8), a(7)];
        for (keys, said) in [
            ("", "pass: 192.0.2.7, 192.0.2.8"),
            ("expect = \"192.0.2.7\"", "pass: 192.0.2.7, 192.0.2.8"),
            (
                "expect = [\"192.0.2.7\", \"192.0.2.9\"]",
                "fail: a.example A is 192.0.2.7, 192.0.2.8; 192.0.2.9 is missing",
            ),
            (
                "expect = [\"192.0.2.7\", \"192.0.2.9\"], match = \"any\"",
                "pass: 192.0.2.7, 192.0.2.8",
            ),
            (
                "expect = [\"192.0.2.9\"], match = \"any\"",
                "fail: a.example A is 192.0.2.7, 192.0.2.8; none of 192.0.2.9",
            ),
            (
                "expect = [\"192.0.2.7\"], match = \"exact\"",
                "fail: a.example A is 192.0.2.7, 192.0.2.8; 192.0.2.8 is not expected",
            ),
            (
                "expect = [\"192.0.2.8\", \"192.0.2.7\"], match = \"exact\"",
                "pass: 192.0.2.7, 192.0.2.8",
            ),
        ] {
            assert_eq!(judged(keys, ResponseCode::NoError, two()), said, "{keys}");
        }
        let mx = RData::MX(MX::new(10, Name::from_ascii("Mail.Example.").unwrap()));
        assert_eq!(
            judged(
                "type = \"MX\", expect = \"10 mail.example\"",
                ResponseCode::NoError,
                vec![mx]
            ),
            "pass: 10 mail.example"
        );
        let txt = RData::TXT(TXT::new(vec![
            "v=spf1 ".to_owned(),
            "\u{1b}-all".to_owned(),
        ]));
        assert_eq!(
            judged("type = \"TXT\"", ResponseCode::NoError, vec![txt]),
            "pass: v=spf1  -all"
        );
    }
}
