//! `belfry check`: every check once, now, without the daemon.

use std::process::ExitCode;

use serde_json::json;
use tokio::task::JoinSet;

use super::Failure;
use crate::config::{Planned, Source};
use crate::core::outcome::{Outcome, Verdict};
use crate::probe::Finding;

mod explain;
mod rounds;

/// What one check found, and why.
type Look = (Outcome, Vec<Finding>);

/// Most probes at once.
const AT_ONCE: usize = 64;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only these checks; else all but Belfry's own.
    names: Vec<String>,
    /// One JSON object per check and line.
    #[arg(long)]
    json: bool,
    /// Tell what was asserted one by one, with what was expected and what was found, and how the time was spent.
    #[arg(long)]
    explain: bool,
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let plan = super::plan(source)?;
    let unknown = arguments.names.iter().find(|name| {
        !plan
            .checks
            .iter()
            .any(|p| p.check.name.as_ref() == name.as_str())
    });
    if let Some(name) = unknown {
        return Err(anyhow::anyhow!("there is no check \"{name}\"; `belfry validate` lists problems, `belfry check` runs all").into());
    }
    let wanted: Vec<&Planned> = plan
        .checks
        .iter()
        .filter(|planned| is_wanted(planned, &arguments.names))
        .collect();
    if wanted.is_empty() {
        super::say("there is nothing to run: the configuration has no check with a probe");
        return Ok(ExitCode::SUCCESS);
    }
    let looks = super::block_on(rounds::looks(&plan.checks, &wanted))?;
    let width = wanted
        .iter()
        .map(|planned| planned.check.name.chars().count())
        .max()
        .unwrap_or(0);
    for (planned, look) in wanted.iter().zip(&looks) {
        let style = Style {
            width,
            json: arguments.json,
            explain: arguments.explain,
        };
        print(planned, look.as_ref(), &style);
    }
    Ok(worst(looks.iter().flatten().map(|(outcome, _)| outcome)).into())
}

fn is_wanted(planned: &Planned, names: &[String]) -> bool {
    let name = planned.check.name.as_ref();
    let named = names.iter().any(|wanted| wanted == name);
    planned.probe.is_some() && (named || (names.is_empty() && !name.starts_with("belfry.")))
}

/// Awaits these looks, a bounded number at once. One that breaks off inside has seen nothing: unknown.
async fn gather<L>(looks: Vec<Option<L>>) -> Vec<Option<Look>>
where
    L: Future<Output = Look> + Send + 'static,
{
    let crashed = || {
        let outcome = Outcome::unknown("the probe crashed; this is a bug");
        (outcome, Vec::new())
    };
    let mut outcomes: Vec<Option<Look>> = looks
        .iter()
        .map(|look| look.as_ref().map(|_| crashed()))
        .collect();
    let mut running = JoinSet::new();
    let looks = looks.into_iter().enumerate();
    let mut waiting = looks.filter_map(|(place, look)| Some((place, look?)));
    loop {
        while running.len() < AT_ONCE {
            let Some((place, look)) = waiting.next() else {
                break;
            };
            running.spawn(async move { (place, look.await) });
        }
        match running.join_next().await {
            Some(Ok((place, outcome))) => outcomes[place] = Some(outcome),
            // What it was stands on standard error already.
            Some(Err(_)) => {}
            None => return outcomes,
        }
    }
}

/// How it is printed.
struct Style {
    width: usize,
    json: bool,
    explain: bool,
}

fn print(planned: &Planned, look: Option<&Look>, style: &Style) {
    let name = &planned.check.name;
    let (outcome, width) = (look.map(|(outcome, _)| outcome), style.width);
    let (verdict, message) = outcome.map_or_else(
        || {
            let why = planned.check.not_configured.as_deref().unwrap_or_default();
            ("paused", format!("not configured: {why}"))
        },
        |outcome| (outcome.verdict.word(), outcome.message()),
    );
    if style.json {
        let latency_ms = outcome
            .and_then(Outcome::latency)
            .map(|span| span.as_secs_f64() * 1_000.0);
        let mut line = json!({"name": name, "kind": planned.check.kind, "verdict": verdict, "latency_ms": latency_ms, "message": message});
        if let Some((_, findings)) = look.filter(|_| style.explain) {
            line["findings"] = findings.iter().map(explain::json).collect();
        }
        super::say(line);
    } else {
        super::say(format_args!("{verdict:<8} {name:<width$}  {message}"));
        if let Some((outcome, findings)) = look.filter(|_| style.explain) {
            let text = explain::text(&planned.check.target, outcome, findings);
            super::say(text.trim_end());
        }
    }
}

/// The exit code of the worst: fail before unknown before warn before pass, as Nagios ranks them.
fn worst<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> u8 {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Warn => 1,
        Verdict::Unknown => 2,
        Verdict::Fail => 3,
    };
    outcomes
        .map(|outcome| outcome.verdict)
        .max_by_key(|&verdict| rank(verdict))
        .map_or(0, Verdict::code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_probe_that_crashes_has_seen_nothing_and_says_so_to_whoever_reads_the_exit_code() {
        let look = |crashes: bool| async move {
            assert!(!crashes, "as a bug would");
            (Outcome::pass("well"), Vec::new())
        };
        let outcomes = gather(vec![Some(look(false)), Some(look(true)), None]).await;
        let words: Vec<&str> = outcomes
            .iter()
            .map(|look| look.as_ref().map_or("none", |(o, _)| o.verdict.word()))
            .collect();
        assert_eq!(words, ["pass", "unknown", "none"]);
        assert_eq!(worst(outcomes.iter().flatten().map(|(o, _)| o)), 3);
    }
}
