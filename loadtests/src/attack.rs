//! Puts a plan into goose's terms.

use std::path::Path;

use anyhow::Context as _;
use goose::config::{GooseConfiguration, GooseDefault, GooseDefaultType};
use goose::{GooseAttack, GooseError};

use crate::args::Args;
use crate::plan::Plan;
use crate::scenario::Tally;
use crate::target::{Found, Target};

/// Options of goose that say themselves who comes when; with one of them the plan's own say is left out.
const OWN_SHAPE: [&str; 13] = [
    "--test-plan",
    "--users",
    "-u",
    "--increase-rate",
    "-r",
    "--increase-time",
    "-s",
    "--run-time",
    "-t",
    "--decrease-rate",
    "--decrease-time",
    "--iterations",
    "--no-reset-metrics",
];

/// The attack, ready to be executed. What was given to goose itself wins over the plan.
pub(crate) fn prepare(
    args: &Args,
    mut goose: GooseConfiguration,
    plan: &Plan,
    target: &Target,
    found: &Found,
    tally: &Tally,
) -> anyhow::Result<GooseAttack> {
    for report in [&args.report, &args.json].into_iter().flatten() {
        goose.report_file.push(utf8(report)?.to_owned());
    }
    let talkative = goose.verbose > 0;
    let own_rules = !goose.threshold.is_empty();
    let mut attack = GooseAttack::initialize_with_config(goose).map_err(|e| explain(&e))?;
    for (kind, share) in &plan.scenario {
        if !found.left_out.contains(kind) {
            let scenario = kind
                .scenario(share, target, found, tally)
                .map_err(|e| explain(&e))?;
            attack = attack.register_scenario(scenario);
        }
    }
    let defaults = || -> Result<Box<GooseAttack>, GooseError> {
        // The remote controls could point the test elsewhere, and two tests would fight for their port.
        let mut attack = attack
            .set_default(GooseDefault::NoTelnet, true)?
            .set_default(GooseDefault::Host, target.status.as_str())?;
        if !talkative {
            attack = attack.set_default(GooseDefault::Quiet, 1)?;
        }
        if !own_rules {
            for rule in plan.rules(&found.left_out) {
                attack = attack.set_default(GooseDefault::Threshold, rule.as_str())?;
            }
            // A rule that fails is shown with its figure at the end; the run goes on, for the report's sake.
            attack = attack.set_default(GooseDefault::NoThresholdAbort, true)?;
        }
        shape(attack, args, plan)
    };
    defaults().map(|attack| *attack).map_err(|e| explain(&e))
}

/// Who comes when.
fn shape(
    mut attack: Box<GooseAttack>,
    args: &Args,
    plan: &Plan,
) -> Result<Box<GooseAttack>, GooseError> {
    if let Some(shape) = &plan.shape {
        if !args.goose_has(&OWN_SHAPE) {
            attack = attack.set_default(GooseDefault::TestPlan, shape.as_str())?;
        }
        return Ok(attack);
    }
    if args.goose_has(&["--test-plan"]) {
        return Ok(attack);
    }
    if let Some(users) = plan.users {
        attack = attack.set_default(GooseDefault::Users, users)?;
    }
    if let Some(rate) = plan.hatch_rate
        && !args.goose_has(&["--increase-time", "-s"])
    {
        attack = attack.set_default(GooseDefault::IncreaseRate, rate.to_string().as_str())?;
    }
    if let Some(time) = plan.run_time
        && !args.goose_has(&["--iterations"])
    {
        let seconds = usize::try_from(time.0.as_secs()).unwrap_or(usize::MAX);
        attack = attack.set_default(GooseDefault::RunTime, seconds)?;
    }
    Ok(attack)
}

/// Goose takes the names of files as text.
fn utf8(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .with_context(|| format!("the name {} is not UTF-8", path.display()))
}

/// Goose's error with the part that helps.
pub(crate) fn explain(error: &GooseError) -> anyhow::Error {
    let GooseError::InvalidOption {
        option,
        value,
        detail,
    } = error
    else {
        return anyhow::anyhow!("{error}");
    };
    anyhow::anyhow!("{option} {value:?}: {detail}")
}
