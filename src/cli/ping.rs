//! `belfry ping NAME`: one ping to the running daemon, or to whoever has the address.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use tokio::time::timeout;

use super::address::Address;
use super::client::Daemon;
use super::{Failure, heartbeat};
use crate::config::Source;

/// How long an answer is waited for; the daemon answers when the ping is on its disk.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The heartbeat's name, or its ping address: `https://…/ping/UUID`, or `/ping/UUID` at the daemon.
    name: String,
    /// The job has started.
    #[arg(long, group = "signal")]
    start: bool,
    /// The job has failed.
    #[arg(long, group = "signal")]
    fail: bool,
    /// Only a note.
    #[arg(long, group = "signal", value_name = "TEXT")]
    log: Option<String>,
    /// The job ended with this exit code.
    #[arg(long, group = "signal", value_name = "CODE")]
    exit: Option<u8>,
}

impl Arguments {
    /// What comes after the ping address, and the body.
    fn suffix(&self) -> (String, Bytes) {
        match (self.start, self.fail, &self.log, self.exit) {
            (true, ..) => ("/start".to_owned(), Bytes::new()),
            (_, true, ..) => ("/fail".to_owned(), Bytes::new()),
            (_, _, Some(text), _) => ("/log".to_owned(), Bytes::from(text.clone())),
            (_, _, _, Some(code)) => (format!("/{code}"), Bytes::new()),
            _ => (String::new(), Bytes::new()),
        }
    }
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let address = Address::of(&arguments.name)?;
    let (suffix, body) = arguments.suffix();
    let said = super::block_on(async {
        let answer = match &address {
            Address::Url(url) => {
                let posted = timeout(PATIENCE, url.post(&suffix, "", body)).await;
                posted.with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))??
            }
            Address::Name(name) => {
                let daemon = Daemon::of(source);
                let place = match heartbeat::path(&daemon, name).await? {
                    Ok(path) => path,
                    Err(answer) => anyhow::bail!(answer.told()),
                };
                let path = format!("{place}{suffix}");
                daemon.ask(Method::POST, &path, body).await?
            }
            Address::Path(path) => {
                let path = format!("{path}{suffix}");
                Daemon::of(source).ask(Method::POST, &path, body).await?
            }
        };
        anyhow::ensure!(
            matches!(answer.status, 200 | 201),
            "the daemon answered {}",
            answer.told()
        );
        anyhow::Ok(answer.body)
    })??;
    super::say(said);
    Ok(ExitCode::SUCCESS)
}
