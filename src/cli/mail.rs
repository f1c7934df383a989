//! `belfry mail test`: a mail through the running daemon, all the way to the relay's answer.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Failure, client};
use crate::config::{Plan, Source};

/// How long the relays get before we leave the rest to the page "Mail".
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send a test mail to everybody in [email] to, and wait for the relay's answer.
    Test,
}

pub(super) fn test(source: &Source) -> Result<ExitCode, Failure> {
    let plan = super::plan(source)?;
    let code = super::block_on(async {
        let known = tests(&plan).await?;
        client::ask(&plan, Method::POST, "/api/v1/mail/test", Bytes::new())
            .await?
            .json()?;
        let began = Instant::now();
        loop {
            let mut new = tests(&plan).await?;
            new.retain(|mail| {
                !known.contains(mail) && !known.iter().any(|old| nid(old) == nid(mail))
            });
            let done = !new.is_empty()
                && new
                    .iter()
                    .all(|mail| matches!(word(mail, "phase"), "accepted" | "refused"));
            if done || began.elapsed() > PATIENCE {
                return anyhow::Ok(report(&new));
            }
            sleep(Duration::from_millis(200)).await;
        }
    })??;
    Ok(code)
}

/// The test mails in the outbox.
async fn tests(plan: &Plan) -> anyhow::Result<Vec<Value>> {
    let outbox = client::ask(plan, Method::GET, "/api/v1/outbox", Bytes::new())
        .await?
        .json()?;
    let rows = outbox
        .get("notifications")
        .and_then(Value::as_array)
        .context("the daemon gave no outbox")?;
    Ok(rows
        .iter()
        .filter(|row| word(row, "kind") == "test")
        .cloned()
        .collect())
}

fn report(mails: &[Value]) -> ExitCode {
    if mails.is_empty() {
        eprintln!("nobody to tell: write [email] to = [\"you@example.org\"]");
        return super::FAILURE.into();
    }
    for mail in mails {
        println!(
            "{}: {} {}",
            word(mail, "to"),
            word(mail, "phase"),
            word(mail, "reply")
        );
    }
    let accepted = mails.iter().all(|mail| word(mail, "phase") == "accepted");
    if accepted {
        ExitCode::SUCCESS
    } else {
        super::FAILURE.into()
    }
}

fn nid(mail: &Value) -> &str {
    word(mail, "nid")
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}
