//! A heartbeat of the running daemon, found by its name.

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use super::answer::Answer;
use super::client::Daemon;
use super::status::{self, encoded};
use crate::settings::near;

/// What tells which there are.
pub(super) const LISTS: &str = "`belfry status` lists them";

/// The path of its pings, or what is answered instead; an error where nobody answers.
pub(super) async fn path(daemon: &Daemon, name: &str) -> anyhow::Result<Result<String, Answer>> {
    let path = format!("/api/v1/checks/{}", encoded(name));
    let check = daemon.ask(Method::GET, &path, Bytes::new()).await?;
    if check.status == 404 {
        let body = unknown(name, &names(daemon).await);
        return Ok(Err(said(404, &body)));
    }
    if check.status != 200 {
        return Ok(Err(check));
    }
    let check: Value = serde_json::from_str(&check.body)?;
    let url = check.get("ping_url").and_then(Value::as_str);
    let path = url.and_then(|url| url.get(url.find("/ping/")?..));
    Ok(path.map(str::to_owned).ok_or_else(|| {
        let why = if check["kind"] == "heartbeat" {
            format!("this user may not operate {name}; give its ping address instead")
        } else {
            format!("{name} is not a heartbeat; {LISTS}")
        };
        said(403, &why)
    }))
}

/// An error of our own in the form of those of the daemon.
fn said(status: u16, error: &str) -> Answer {
    let body = serde_json::json!({ "error": error }).to_string();
    Answer::of(status, body)
}

/// All heartbeats; none where they cannot be told.
async fn names(daemon: &Daemon) -> Vec<String> {
    let asked = daemon
        .ask(Method::GET, "/api/v1/status", Bytes::new())
        .await;
    let status = asked.and_then(Answer::json).unwrap_or_default();
    status::heartbeats(&status)
}

fn unknown(name: &str, known: &[String]) -> String {
    let meant = near(name, known.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!("did you mean \"{meant}\"? "));
    format!(
        "there is no heartbeat \"{}\"; {meant}{LISTS}",
        name.escape_debug()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_heartbeat_is_told_what_was_meant_and_what_lists_them() {
        let known = ["backup".to_owned(), "report".to_owned()];
        assert_eq!(
            unknown("backp", &known),
            "there is no heartbeat \"backp\"; did you mean \"backup\"? `belfry status` lists them"
        );
        assert_eq!(
            unknown("xyzzy", &known),
            "there is no heartbeat \"xyzzy\"; `belfry status` lists them"
        );
    }
}
