//! A plan: how many users do what for how long, and what must hold for the run to pass.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use goose::GooseError;
use goose::threshold::Threshold;
use serde::Deserialize;

use crate::scenario::Kind;

/// The plans that come with the program.
const BUILT_IN: [(&str, &str); 5] = [
    ("smoke", include_str!("../plans/smoke.toml")),
    ("load", include_str!("../plans/load.toml")),
    ("stress", include_str!("../plans/stress.toml")),
    ("spike", include_str!("../plans/spike.toml")),
    ("soak", include_str!("../plans/soak.toml")),
];

/// What the help says of them.
pub(crate) const LIST: &str = "\
Plans:
  smoke   everything once, gently, in fifteen seconds (the default)
  load    an ordinary busy day, three minutes
  stress  more and more users, to find where it bends
  spike   a crowd arrives at once, and leaves
  soak    an hour of steady use, to find what grows

Exit codes: 0 every threshold held, 1 one did not or the daemon could not be tested,
64 usage, 78 the plan is not valid.";

/// A live stream must end before goose's own time limit for a request, which is a minute.
const LONGEST_HOLD: Duration = Duration::from_secs(50);

/// What a plan file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// What it is for, in a few words.
    pub(crate) about: String,
    /// Users at once; with `hatch_rate` and `run_time`, or a `shape` instead of the three.
    pub(crate) users: Option<usize>,
    /// Users started in a second.
    pub(crate) hatch_rate: Option<f64>,
    /// How long all of them go on.
    pub(crate) run_time: Option<Span>,
    /// Steps of users and the time to reach them, as goose's `--test-plan` has them: "10,30s;0,10s".
    pub(crate) shape: Option<String>,
    /// Rules on all requests together, in goose's words: "error-rate<1%", "p95<50ms", "rps>=100".
    #[serde(default)]
    pub(crate) thresholds: Vec<String>,
    /// Who comes.
    pub(crate) scenario: BTreeMap<Kind, Share>,
}

/// One scenario's part in a plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Share {
    /// How many of the users, against the weights of the others.
    pub(crate) weight: usize,
    /// The shortest and the longest pause after each step.
    pub(crate) wait: [Span; 2],
    /// Rules on each request of this scenario.
    #[serde(default)]
    pub(crate) thresholds: Vec<String>,
    /// For `live`: how long a stream is held open.
    pub(crate) hold: Option<Span>,
    /// For `jobs`: the heartbeats to ping.
    #[serde(default)]
    pub(crate) uuids: Vec<String>,
}

impl Plan {
    /// The plan of that name, or in the file of that path.
    pub(crate) fn load(name: &str) -> anyhow::Result<Self> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(text).with_context(|| format!("the plan {name}"));
        }
        let names: Vec<&str> = BUILT_IN.iter().map(|(known, _)| *known).collect();
        let text = std::fs::read_to_string(name).with_context(|| {
            format!(
                "{name:?} is neither a plan ({}) nor a file that can be read",
                names.join(", ")
            )
        })?;
        Self::parse(&text).with_context(|| format!("the plan {name}"))
    }

    /// Reads and checks it.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let plan: Self = toml::from_str(text)?;
        let ramp = (plan.users, plan.hatch_rate, plan.run_time);
        match (&plan.shape, ramp) {
            (Some(_), (None, None, None)) => {}
            (None, (Some(users), Some(_), Some(_))) => ensure!(
                users >= plan.scenario.len(),
                "{users} users are too few for {} scenarios: raise `users`, or leave one out",
                plan.scenario.len()
            ),
            (Some(_), _) => {
                bail!("`shape` says who comes when: take away users, hatch_rate, run_time")
            }
            (None, _) => bail!("say how many come: users, hatch_rate and run_time, or a shape"),
        }
        ensure!(!plan.scenario.is_empty(), "it has no [scenario.…]");
        for (kind, share) in &plan.scenario {
            share
                .check(*kind)
                .with_context(|| format!("[scenario.{}]", kind.name()))?;
        }
        check_rules(&plan.thresholds)?;
        Ok(plan)
    }

    /// Every rule of the plan in goose's words; those of a scenario become one for each of its requests.
    pub(crate) fn rules(&self, left_out: &[Kind]) -> Vec<String> {
        let ours = self
            .scenario
            .iter()
            .filter(|(kind, _)| !left_out.contains(kind))
            .flat_map(|(kind, share)| {
                kind.requests().iter().flat_map(|request| {
                    let each = move |rule: &String| format!("{rule} for {request}");
                    share.thresholds.iter().map(each)
                })
            });
        self.thresholds.iter().cloned().chain(ours).collect()
    }
}

impl Share {
    fn check(&self, kind: Kind) -> anyhow::Result<()> {
        ensure!(
            self.weight > 0,
            "`weight` must be at least 1; or leave the scenario out"
        );
        ensure!(
            self.wait[0].0 <= self.wait[1].0,
            "`wait` is the shortest and the longest pause, in that order"
        );
        ensure!(
            self.hold.is_some() == (kind == Kind::Live),
            "`hold` stands with the scenario live, and there only"
        );
        if let Some(hold) = self.hold {
            ensure!(hold.0 <= LONGEST_HOLD, "`hold` is at most {LONGEST_HOLD:?}");
        }
        ensure!(
            self.uuids.is_empty() || kind == Kind::Jobs,
            "`uuids` stands with the scenario jobs, and there only"
        );
        for rule in &self.thresholds {
            ensure!(
                !rule.contains(" for "),
                "{rule:?}: which request it is for is known here"
            );
        }
        check_rules(&self.thresholds)
    }
}

/// Lets goose read the rules, so that a wrong one is found before anything runs.
fn check_rules(rules: &[String]) -> anyhow::Result<()> {
    for rule in rules {
        if let Err(error) = rule.parse::<Threshold>() {
            let GooseError::InvalidOption { detail, .. } = error else {
                return Err(error.into());
            };
            bail!("{detail}");
        }
    }
    Ok(())
}

/// A length of time with its unit: `200ms`, `30s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let each = match unit {
            "ms" => Some(Duration::from_millis(1)),
            "s" => Some(Duration::from_secs(1)),
            "m" => Some(Duration::from_mins(1)),
            "h" => Some(Duration::from_hours(1)),
            _ => None,
        };
        number
            .parse()
            .ok()
            .zip(each)
            .and_then(|(count, each)| each.checked_mul(count))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a time; write it as 200ms, 30s, 5m or 1h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "about = 'a test'\nusers = 2\nhatch_rate = 2\nrun_time = '1s'\n\
        [scenario.hello]\nweight = 1\nwait = ['0ms', '10ms']\nthresholds = ['p95<50ms']\n";

    #[test]
    fn every_built_in_plan_is_valid_and_named_in_the_help() {
        for (name, _) in BUILT_IN {
            Plan::load(name).unwrap();
            assert!(
                LIST.contains(&format!("\n  {name} ")),
                "{name} is not in the help"
            );
        }
    }

    #[test]
    fn a_rule_of_a_scenario_becomes_one_for_each_of_its_requests() {
        let plan = Plan::parse(GOOD).unwrap();
        assert_eq!(
            plan.rules(&[]),
            ["p95<50ms for GET hello", "p95<50ms for GET shrunken"]
        );
        assert_eq!(plan.rules(&[Kind::Hello]), [""; 0]);
    }

    #[test]
    fn what_is_wrong_in_a_plan_is_said_in_its_own_words() {
        let told = |from: &str, to: &str| {
            assert!(GOOD.contains(from));
            format!("{:#}", Plan::parse(&GOOD.replace(from, to)).unwrap_err())
        };
        assert!(told("users = 2\n", "").contains("say how many come"));
        assert!(told("users = 2", "users = 0").contains("too few"));
        assert!(told("users = 2", "shape = '1,1s'").contains("take away"));
        assert!(told("'1s'", "'1'").contains("is not a time"));
        assert!(told("'1s'", "1").contains("run_time"));
        assert!(told("users = 2", "users = 2\nusres = 2").contains("usres"));
        assert!(told("scenario.hello", "scenario.hallo").contains("hallo"));
        assert!(told("weight = 1", "weight = 0").contains("at least 1"));
        assert!(told("'0ms'", "'1s'").contains("in that order"));
        assert!(told("p95<50ms", "p95=50ms").contains("operator"));
        assert!(told("p95<50ms", "p95<50ms for GET /").contains("is known here"));
        assert!(told("weight = 1", "weight = 1\nhold = '2s'").contains("live"));
        assert!(told("weight = 1", "weight = 1\nuuids = ['u']").contains("jobs"));
    }
}
