//! `belfry ack ID`: somebody is on it.

use std::process::ExitCode;

use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use super::Failure;
use super::client::Daemon;
use super::status::encoded;
use crate::config::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The incident, as its mail and `belfry status` name it.
    id: String,
    /// Who is on it; else who is logged in.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// What is being done.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let daemon = Daemon::of(source);
    // Under sudo it is the person that counts.
    let user = || {
        ["SUDO_USER", "USER"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    let by = arguments.by.clone().or_else(user).unwrap_or_default();
    let body = json!({ "by": by, "note": arguments.note }).to_string();
    super::block_on(async {
        let path = format!("/api/v1/incidents/{}/ack", encoded(&arguments.id));
        let asked = daemon.ask(Method::POST, &path, Bytes::from(body)).await?;
        anyhow::ensure!(
            asked.status != 404,
            "{}; `belfry status` lists those that are open",
            asked.told()
        );
        asked.json()
    })??;
    super::say(format_args!("{} is acknowledged", arguments.id));
    Ok(ExitCode::SUCCESS)
}
