//! In which order checks are looked at: composites after those that they are made of, which are looked at as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Look, gather};
use crate::clock::Clock;
use crate::config::Planned;
use crate::probe::{Env, Known, Probe};

/// What is known of checks by their names.
type Seen = BTreeMap<Arc<str>, Known>;

/// Runs all that are wanted, and whom they are made of; none for what is not configured.
pub(super) async fn looks(all: &[Planned], wanted: &[&Planned]) -> Vec<Option<Look>> {
    let by_name: BTreeMap<&str, &Planned> = all
        .iter()
        .map(|planned| (planned.check.name.as_ref(), planned))
        .collect();
    let mut waiting = needed(wanted, &by_name);
    let mut looked: BTreeMap<Arc<str>, Option<Look>> = BTreeMap::new();
    let mut seen = Seen::new();
    while !waiting.is_empty() {
        let names: BTreeSet<&str> = waiting.iter().map(|p| p.check.name.as_ref()).collect();
        let (ready, later): (Vec<&Planned>, Vec<&Planned>) = waiting
            .iter()
            .partition(|planned| members(planned).all(|name| !names.contains(name)));
        // A plan has no circles, so that somebody is always ready.
        if ready.is_empty() {
            break;
        }
        for (planned, look) in ready.iter().zip(round(&ready, seen.clone()).await) {
            seen.insert(
                Arc::clone(&planned.check.name),
                known(planned, look.as_ref()),
            );
            looked.insert(Arc::clone(&planned.check.name), look);
        }
        waiting = later;
    }
    let wanted = wanted.iter();
    let looks = wanted.map(|planned| looked.get(&planned.check.name).cloned().flatten());
    looks.collect()
}

/// Those that are wanted, and those that they are made of.
fn needed<'p>(wanted: &[&'p Planned], by_name: &BTreeMap<&str, &'p Planned>) -> Vec<&'p Planned> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&'p Planned> = wanted.iter().rev().copied().collect();
    let mut needed = Vec::new();
    while let Some(planned) = open.pop() {
        if names.insert(&planned.check.name) {
            needed.push(planned);
            open.extend(members(planned).filter_map(|name| by_name.get(name)));
        }
    }
    needed
}

fn members(planned: &Planned) -> impl Iterator<Item = &str> {
    let members = match planned.probe.as_deref() {
        Some(Probe::Composite(settings)) => settings.members(),
        _ => &[],
    };
    members.iter().map(|member| member.name.as_ref())
}

async fn round(ready: &[&Planned], seen: Seen) -> Vec<Option<Look>> {
    let env = Env::new(Clock::start(), Arc::default());
    let env = Arc::new(env.knowing(move |name| seen.get(name).cloned()));
    let look = |planned: &&Planned| {
        let configured = planned.check.not_configured.is_none();
        let probe = planned.probe.clone().filter(|_| configured)?;
        let (env, timeout) = (Arc::clone(&env), planned.check.timeout);
        Some(async move { probe.explain(&env, timeout).await })
    };
    gather(ready.iter().map(look).collect()).await
}

/// What a composite learns of a check that was looked at, or could not be.
fn known(planned: &Planned, look: Option<&Look>) -> Known {
    match look {
        Some((outcome, _)) => Known::look(outcome),
        None if planned.probe.is_some() => Known::nothing("not configured"),
        None => Known::nothing("only the running daemon knows"),
    }
}
