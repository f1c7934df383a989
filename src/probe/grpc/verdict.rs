//! What an answer is worth. Pure.

use super::call::Answer;
use super::message::{self, Health};
use crate::core::outcome::Outcome;
use crate::probe::error::Looked;
use crate::probe::finding::Finding;
use crate::probe::trace::Trace;

/// The names of statuses, by their number.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Judges the answer of the server `at` about `service`; an error where it is not serving.
pub(super) fn judge(service: &str, answer: &Answer, at: &str, trace: &mut Trace) -> Looked<()> {
    let whose = if service.is_empty() {
        at.to_owned()
    } else {
        format!("{service} at {at}")
    };
    let status = answer.status.map_or_else(|| "none".to_owned(), name);
    let is_ok = answer.status == Some(0);
    trace.note(|| Finding::new("status of gRPC", "OK", status.as_str(), is_ok));
    if !is_ok {
        let more = if answer.message.is_empty() {
            String::new()
        } else {
            format!(": {}", answer.message)
        };
        let text = match &*status {
            "none" => format!("{at} broke off without a status of gRPC"),
            "NOT_FOUND" if !service.is_empty() => {
                format!("{at} does not know the service {service} (NOT_FOUND{more})")
            }
            "UNIMPLEMENTED" => format!("{at} does not tell its health (UNIMPLEMENTED{more})"),
            _ => format!("{at} answers with {status}{more}"),
        };
        return Err(Outcome::fail(&text));
    }
    let health = message::response(&answer.body);
    let word = health.map_or_else(|| "no health".to_owned(), Health::word);
    let serves = health == Some(Health::Serving);
    trace.note(|| Finding::new("health", "SERVING", word.as_str(), serves));
    match health {
        Some(Health::Serving) => Ok(()),
        Some(Health::Unknown | Health::NotServing | Health::ServiceUnknown | Health::Other(_)) => {
            Err(Outcome::fail(&format!("{whose} is {word}")))
        }
        None => Err(Outcome::fail(&format!(
            "{at} answers with something else than a health"
        ))),
    }
}

fn name(status: u16) -> String {
    let name = STATUSES.get(usize::from(status));
    name.map_or_else(|| format!("status {status}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_health_and_every_status_has_its_word() {
        let judged = |service: &str, status: Option<u16>, message: &str, health: u8| {
            let answer = Answer {
                status,
                message: message.to_owned(),
                body: vec![0, 0, 0, 0, 2, 8, health],
            };
            let mut trace = Trace::start(Duration::from_secs(1));
            match judge(service, &answer, "a:1", &mut trace) {
                Ok(()) => "pass".to_owned(),
                Err(outcome) => outcome.message(),
            }
        };
        assert_eq!(judged("", Some(0), "", 1), "pass");
        assert_eq!(judged("", Some(0), "", 2), "a:1 is NOT_SERVING");
        assert_eq!(judged("x.Y", Some(0), "", 0), "x.Y at a:1 is UNKNOWN");
        assert_eq!(
            judged("x.Y", Some(0), "", 3),
            "x.Y at a:1 is SERVICE_UNKNOWN"
        );
        assert_eq!(judged("", Some(0), "", 9), "a:1 is status 9");
        assert_eq!(
            judged("x.Y", Some(5), "no such", 1),
            "a:1 does not know the service x.Y (NOT_FOUND: no such)"
        );
        assert_eq!(judged("", Some(5), "", 1), "a:1 answers with NOT_FOUND");
        assert_eq!(
            judged("", Some(12), "", 1),
            "a:1 does not tell its health (UNIMPLEMENTED)"
        );
        assert_eq!(
            judged("", Some(14), "later", 1),
            "a:1 answers with UNAVAILABLE: later"
        );
        assert_eq!(judged("", Some(99), "", 1), "a:1 answers with status 99");
        assert_eq!(
            judged("", None, "", 1),
            "a:1 broke off without a status of gRPC"
        );
        assert_eq!(
            judged("", Some(0), "", 0x80),
            "a:1 answers with something else than a health"
        );
    }
}
