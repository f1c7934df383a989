//! `belfry status`: what the running daemon says.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use super::Failure;
use super::client::Daemon;
use crate::config::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The answer of the API as it is.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let daemon = Daemon::of(source);
    let (text, notes) = super::block_on(async {
        let status = daemon
            .ask(Method::GET, "/api/v1/status", Bytes::new())
            .await?
            .json()?;
        let notes = notes(&daemon, &status);
        if arguments.json {
            return anyhow::Ok((serde_json::to_string_pretty(&status)?, notes));
        }
        let mut text = table(&status);
        let heartbeats = heartbeats(&status);
        if !heartbeats.is_empty() {
            text.push_str("\nping addresses\n");
        }
        for name in heartbeats {
            let address = ping_address(&daemon, &name).await;
            let address = address.unwrap_or_else(|error| format!("unknown: {error:#}"));
            writeln!(text, "  {name:<28} {address}")?;
        }
        Ok((text, notes))
    })??;
    super::say(text.trim_end());
    for note in notes {
        eprintln!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the job of a heartbeat reports in.
async fn ping_address(daemon: &Daemon, name: &str) -> anyhow::Result<String> {
    let path = format!("/api/v1/checks/{}", encoded(name));
    let asked = daemon.ask(Method::GET, &path, Bytes::new()).await?;
    let check = asked.json()?;
    let address = check.get("ping_url").and_then(Value::as_str);
    let address = address.context("the daemon does not tell it to us; ask on its own machine")?;
    Ok(address.to_owned())
}

/// In what the files and the daemon that runs are not of one mind.
fn notes(daemon: &Daemon, status: &Value) -> Vec<String> {
    if let Some(first) = daemon.problems.first() {
        let text = "the configuration has problems, and the daemon goes on with the one before";
        let see = "`belfry validate` says all of them";
        return vec![format!("{text}: {}; {see}", first.line())];
    }
    let known = names(status, |_| true);
    let planned = daemon.plan.checks.iter().map(|planned| &planned.check.name);
    planned
        .filter(|name| !known.iter().any(|known| *known == ***name))
        .map(|name| format!("{name} is in the configuration, but not in the daemon that runs"))
        .collect()
}

/// The names of the checks that the daemon has, of those that are wanted.
fn names(status: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let checks = list(status, "checks").iter();
    checks
        .filter(|check| wanted(check))
        .map(|check| word(check, "name").to_owned())
        .collect()
}

/// Those of them that are heartbeats.
pub(super) fn heartbeats(status: &Value) -> Vec<String> {
    names(status, |check| word(check, "kind") == "heartbeat")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// A name as a part of a path.
pub(super) fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What a check is called that cannot be seen now; its last message says why.
const UNKNOWN: &str = "unknown";

/// The state of a check for people, who want to know when it is that of before. Down stays down while nobody can look.
fn shown(check: &Value) -> &str {
    let state = word(check, "state");
    let is_known = check.get("known").and_then(Value::as_bool);
    if is_known == Some(false) && matches!(state, "new" | "up" | "degraded") {
        UNKNOWN
    } else {
        state
    }
}

/// The checks, worst first, then the open incidents.
fn table(status: &Value) -> String {
    let rank = |state: &str| {
        ["down", "degraded", UNKNOWN, "new", "paused", "up"]
            .iter()
            .position(|&s| s == state)
    };
    let mut checks: Vec<&Value> = list(status, "checks").iter().collect();
    checks.sort_by_key(|check| rank(shown(check)));
    let mut text = format!("{} is {}\n\n", word(status, "node"), word(status, "state"));
    for check in checks {
        let message = check
            .get("last")
            .map(|last| word(last, "message"))
            .unwrap_or_default();
        // Writing to a String cannot fail.
        writeln!(
            text,
            "  {:<9} {:<28} {message}",
            shown(check),
            word(check, "name")
        )
        .expect("writes to memory");
    }
    let incidents = list(status, "incidents");
    if !incidents.is_empty() {
        text.push_str("\nopen incidents\n");
    }
    for incident in incidents {
        let (id, check) = (word(incident, "id"), word(incident, "check"));
        let seen = if incident["acknowledged"] == true {
            " (acknowledged)"
        } else {
            ""
        };
        writeln!(
            text,
            "  {id} {check}: {}, {}{seen}",
            word(incident, "reason"),
            word(incident, "cause")
        )
        .expect("writes to memory");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_that_cannot_be_seen_is_unknown_and_says_why_but_one_that_is_down_stays_so() {
        let last =
            |verdict: &str| json!({ "verdict": verdict, "message": "may not open a socket" });
        let check = |name: &str, state: &str, last: Value| {
            let known = last["verdict"] != "unknown";
            json!({ "name": name, "state": state, "known": known, "last": last })
        };
        let status = json!({ "node": "n", "state": "up", "checks": [
            check("good", "up", last("pass")),
            check("fresh", "new", Value::Null),
            check("soon", "new", last("fail")),
            check("blind", "new", last("unknown")),
            check("lately", "up", last("unknown")),
            check("broken", "down", last("unknown")),
        ]});
        let text = table(&status);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(2)
            .map(|row| row.split_whitespace().collect())
            .collect();
        let told: Vec<&[&str]> = rows.iter().map(|row| &row[..2]).collect();
        assert_eq!(
            told,
            [
                ["down", "broken"],
                ["unknown", "blind"],
                ["unknown", "lately"],
                ["new", "fresh"],
                ["new", "soon"],
                ["up", "good"],
            ]
        );
        assert!(rows[1].ends_with(&["open", "a", "socket"]), "{text}");
    }
}
