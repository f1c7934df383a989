//! `belfry rotate NAME`: another address for a heartbeat.

use std::process::ExitCode;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use super::Failure;
use super::client::Daemon;
use super::heartbeat;
use super::status::encoded;
use crate::config::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The heartbeat.
    name: String,
    /// No former address is heard any more from now on: it got into the wrong hands.
    #[arg(long)]
    now: bool,
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let daemon = Daemon::of(source);
    let said = super::block_on(async {
        let action = if arguments.now {
            "rotate-now"
        } else {
            "rotate"
        };
        let path = format!("/api/v1/checks/{}/{action}", encoded(&arguments.name));
        let asked = daemon.ask(Method::POST, &path, Bytes::new()).await?;
        if asked.status == 404 {
            // It says what was meant, and how to find out.
            heartbeat::path(&daemon, &arguments.name)
                .await?
                .map_err(|answer| anyhow::anyhow!(answer.told()))?;
        }
        asked.json()
    })??;
    let url = said.get("ping_url").and_then(Value::as_str);
    let url = url.context("the daemon gave no ping address")?;
    super::say(url);
    let until = said.get("old_heard_until").and_then(Value::as_str);
    super::say(match until {
        Some(until) => format!("the old one is heard until {until}"),
        None => "no former one is heard any more".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}
