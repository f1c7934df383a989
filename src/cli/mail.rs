//! `belfry mail test`: a mail through the running daemon, all the way to the relay's answer.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::Failure;
use super::client::Daemon;
use crate::config::Source;

/// How long the relays get before we leave the rest to the page "Mail".
const PATIENCE: Duration = Duration::from_mins(1);
/// How long between two looks at the outbox: shorter than a person waits, longer than a relay needs.
const BETWEEN: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send a test mail to everybody in [email] to, and wait for the relay's answer.
    Test,
}

pub(super) fn test(source: &Source) -> Result<ExitCode, Failure> {
    let daemon = Daemon::of(source);
    let code = super::block_on(async {
        let before = ids(&tests(&daemon).await?);
        let asked = daemon
            .ask(Method::POST, "/api/v1/mail/test", Bytes::new())
            .await?;
        let queued = asked.json()?.get("queued").and_then(Value::as_u64);
        let queued = usize::try_from(queued.context("the daemon did not say how many it sends")?)?;
        let began = Instant::now();
        loop {
            let mut new = tests(&daemon).await?;
            new.retain(|mail| !before.contains(word(mail, "id")));
            let done = new.len() >= queued && new.iter().all(is_final);
            if done || began.elapsed() > PATIENCE {
                return report(&new);
            }
            sleep(BETWEEN).await;
        }
    })??;
    Ok(code)
}

/// The test mails in the outbox.
async fn tests(daemon: &Daemon) -> anyhow::Result<Vec<Value>> {
    let outbox = daemon
        .ask(Method::GET, "/api/v1/outbox", Bytes::new())
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

/// What each of them is known by.
fn ids(mails: &[Value]) -> BTreeSet<String> {
    mails
        .iter()
        .map(|mail| word(mail, "id").to_owned())
        .collect()
}

fn is_final(mail: &Value) -> bool {
    matches!(word(mail, "phase"), "accepted" | "refused")
}

fn report(mails: &[Value]) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !mails.is_empty(),
        "the daemon took the order, but shows no test mail; look at its page Mail"
    );
    for mail in mails {
        let (to, phase, reply) = (word(mail, "to"), word(mail, "phase"), word(mail, "reply"));
        super::say(format_args!("{to}: {phase} {reply}"));
    }
    let accepted = mails.iter().all(|mail| word(mail, "phase") == "accepted");
    Ok(if accepted {
        ExitCode::SUCCESS
    } else {
        super::FAILURE.into()
    })
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}
