//! `belfry status`: what the running daemon says.

use std::fmt::Write as _;
use std::process::ExitCode;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use super::{Failure, client};
use crate::config::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The answer of the API as it is.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let plan = super::plan(source)?;
    let text = super::block_on(async {
        let status = client::ask(&plan, Method::GET, "/api/v1/status", Bytes::new())
            .await?
            .json()?;
        if arguments.json {
            return anyhow::Ok(serde_json::to_string_pretty(&status)?);
        }
        let mut text = table(&status);
        for planned in plan
            .checks
            .iter()
            .filter(|planned| planned.check.heartbeat.is_some())
        {
            let path = format!("/api/v1/checks/{}", encoded(&planned.check.name));
            let check = client::ask(&plan, Method::GET, &path, Bytes::new())
                .await?
                .json()?;
            let url = check.get("ping_url").and_then(Value::as_str).unwrap_or("");
            writeln!(text, "  {:<28} {url}", planned.check.name)?;
        }
        Ok(text)
    })??;
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// A name as a part of a path.
pub(super) fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The checks, worst first, then the open incidents.
fn table(status: &Value) -> String {
    let word = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let list = |key: &str| {
        status
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let rank = |state: &str| {
        ["down", "degraded", "new", "paused", "up"]
            .iter()
            .position(|&s| s == state)
    };
    let mut checks = list("checks");
    checks.sort_by_key(|check| rank(&word(check, "state")));
    let mut text = format!("{} is {}\n\n", word(status, "node"), word(status, "state"));
    for check in &checks {
        let message = check
            .get("last")
            .map(|last| word(last, "message"))
            .unwrap_or_default();
        // Writing to a String cannot fail.
        writeln!(
            text,
            "  {:<9} {:<28} {message}",
            word(check, "state"),
            word(check, "name")
        )
        .expect("writes to memory");
    }
    let incidents = list("incidents");
    if !incidents.is_empty() {
        text.push_str("\nopen incidents\n");
    }
    for incident in &incidents {
        let (id, check) = (word(incident, "id"), word(incident, "check"));
        writeln!(
            text,
            "  {id} {check}: {}, {}",
            word(incident, "reason"),
            word(incident, "cause")
        )
        .expect("writes to memory");
    }
    if checks
        .iter()
        .any(|check| word(check, "kind") == "heartbeat")
    {
        text.push_str("\nping addresses\n");
    }
    text
}
