//! One ping to the daemon, by the heartbeat's name or at its address.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::time::timeout;

use super::spool::Letter;
use crate::cli::address::Address;
use crate::cli::answer::Answer;
use crate::cli::client::Daemon;
use crate::cli::heartbeat;

/// How long one attempt may take; the daemon answers when the ping is on its disk.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What became of a ping.
pub(super) enum Posted {
    Taken,
    /// It will never be taken; why.
    Refused(String),
    /// Nobody answers, or not yet; why.
    NotNow(String),
}

/// Tries once.
pub(super) async fn post(daemon: &Daemon, address: &Address, letter: &Letter) -> Posted {
    let asked = timeout(ATTEMPT, ask(daemon, address, letter)).await;
    match asked {
        Ok(Ok(answer)) => judged(&answer),
        Ok(Err(error)) => Posted::NotNow(format!("{error:#}")),
        Err(_) => Posted::NotNow(format!("no answer within {} s", ATTEMPT.as_secs())),
    }
}

/// What the daemon's answer means. Whoever is told to come back comes back.
fn judged(answer: &Answer) -> Posted {
    match answer.status {
        // hc-ping.com says so with a 200.
        200 if answer.body.contains("not found") => Posted::Refused(answer.body.clone()),
        200 if answer.body.contains("rate limited") => Posted::NotNow(answer.body.clone()),
        200..300 => Posted::Taken,
        408 | 429 | 500..600 => Posted::NotNow(answer.told()),
        _ => Posted::Refused(answer.told()),
    }
}

async fn ask(daemon: &Daemon, address: &Address, letter: &Letter) -> anyhow::Result<Answer> {
    let query = format!("rid={}&at={}", letter.rid, letter.at_ms);
    let body = Bytes::from(letter.body.clone());
    match address {
        Address::Url(url) => url.post(&letter.suffix, &query, body).await,
        Address::Path(path) => {
            let path = format!("{path}{}?{query}", letter.suffix);
            daemon.ask(Method::POST, &path, body).await
        }
        Address::Name(name) => {
            let path = match heartbeat::path(daemon, name).await? {
                Ok(path) => path,
                Err(answer) => return Ok(answer),
            };
            let path = format!("{path}{}?{query}", letter.suffix);
            daemon.ask(Method::POST, &path, body).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_what_never_will_be_and_what_waits() {
        for (status, body, what) in [
            (200, "OK", "taken"),
            (201, "Created", "taken"),
            (200, "OK (not found)", "refused"),
            (200, "OK (rate limited)", "not now"),
            (301, "", "refused"),
            (404, "not found", "refused"),
            (429, "", "not now"),
            (503, "", "not now"),
        ] {
            let body = body.to_owned();
            let found = match judged(&Answer::of(status, body)) {
                Posted::Taken => "taken",
                Posted::Refused(_) => "refused",
                Posted::NotNow(_) => "not now",
            };
            assert_eq!(found, what, "{status}");
        }
    }
}
