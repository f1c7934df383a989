//! What whoever starts the daemon by hand wants to read first.

use std::fmt::Write as _;

use crate::config::{Plan, Source};
use crate::listen::Listening;

/// Where it listens, what it watches, where mails go.
pub(super) fn text(plan: &Plan, source: &Source, listening: [&[Listening]; 3]) -> String {
    let mut text = format!(
        "Belfry {} on {}, configured by {source}\n\n",
        env!("CARGO_PKG_VERSION"),
        plan.node
    );
    let what = ["status page, API, pings", "hello page", "shrunken page"];
    for (listening, what) in listening.iter().zip(what) {
        for Listening { address, .. } in *listening {
            // Writing to a String cannot fail.
            writeln!(text, "  http://{address}/  {what}").expect("writes to memory");
        }
    }
    let own = plan
        .checks
        .iter()
        .filter(|planned| planned.check.name.starts_with("belfry."))
        .count();
    let heartbeats = plan
        .checks
        .iter()
        .filter(|planned| planned.check.heartbeat.is_some())
        .count();
    let checks = plan.checks.len() - own - heartbeats;
    let plural = |n: usize, one: &str| {
        if n == 1 {
            format!("1 {one}")
        } else {
            format!("{n} {one}s")
        }
    };
    writeln!(
        text,
        "\n  watching {}, {} and {own} of my own parts",
        plural(checks, "check"),
        plural(heartbeats, "heartbeat")
    )
    .expect("writes to memory");
    for planned in &plan.checks {
        if let Some(why) = &planned.check.not_configured {
            writeln!(text, "  {} is paused: {why}", planned.check.name).expect("writes to memory");
        }
    }
    let ways: Vec<String> = plan.email.relays.iter().map(ToString::to_string).collect();
    let to: Vec<&str> = plan.email.to.iter().map(|to| to.address.as_ref()).collect();
    write!(
        text,
        "  mails to {} leave by {}\n\n  Ctrl-C ends",
        to.join(", "),
        ways.join(", then ")
    )
    .expect("writes to memory");
    text
}
