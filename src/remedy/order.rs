//! In which order things are ended and begun: what depends on something is ended before it, and begun after it.

use std::time::Duration;

use super::{Remedy, Treatment};
use crate::probe::Errand;

/// Most dependents that are restarted along; a plan with more of them restarts the nearest.
const MOST: usize = 100;

/// One thing to do.
pub(super) struct Step<'a> {
    pub(super) errand: &'a Errand,
    pub(super) timeout: Duration,
}

/// All that belongs to the remedy of `ill`, in order.
pub(super) fn steps<'a>(ill: &'a Treatment, all: &'a [Treatment]) -> Vec<Step<'a>> {
    let step = |(treatment, errand): (&'a Treatment, &'a Errand)| Step {
        errand,
        timeout: treatment.timeout,
    };
    match &*ill.remedy {
        Remedy::Run(errand) => vec![step((ill, errand))],
        Remedy::Restart { .. } => {
            let order = family(ill, all);
            let stops = order
                .iter()
                .rev()
                .filter_map(|&one| Some((one, stop(one)?)));
            let starts = order.iter().filter_map(|&one| Some((one, start(one)?)));
            stops.chain(starts).map(step).collect()
        }
    }
}

/// It and those that can be restarted and cannot work without it, each after all that it depends on.
fn family<'a>(ill: &'a Treatment, all: &'a [Treatment]) -> Vec<&'a Treatment> {
    let mut members = vec![ill];
    let mut next = 0;
    while let Some(parent) = members.get(next) {
        let name = &parent.name;
        let child = |one: &&Treatment| one.depends_on.contains(name) && start(one).is_some();
        for one in all.iter().filter(child) {
            let is_new = members.iter().all(|member| member.check != one.check);
            if is_new && members.len() < MOST {
                members.push(one);
            }
        }
        next += 1;
    }
    // Nearest first is not enough: a grandchild may depend on the parent, too. The plan has no circles, so that
    // there is always one whose parents are all there.
    let mut order: Vec<&Treatment> = Vec::with_capacity(members.len());
    while !members.is_empty() {
        let is_ready = |one: &&Treatment| {
            let is_parent = |other: &&Treatment| one.depends_on.contains(&other.name);
            !members.iter().any(is_parent)
        };
        let ready = members.iter().copied().find(|one| is_ready(one));
        let first = ready.unwrap_or(members[0]);
        members.retain(|one| one.check != first.check);
        order.push(first);
    }
    order
}

fn stop(treatment: &Treatment) -> Option<&Errand> {
    match &*treatment.remedy {
        Remedy::Restart { stop, .. } => stop.as_deref(),
        Remedy::Run(_) => None,
    }
}

fn start(treatment: &Treatment) -> Option<&Errand> {
    match &*treatment.remedy {
        Remedy::Restart { start, .. } => Some(start),
        Remedy::Run(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::core::check::CheckId;

    fn treatment(number: u32, name: &str, depends_on: &[&str]) -> Treatment {
        let errand = |verb: &str| Box::new(Errand::unit(verb, name));
        Treatment {
            check: CheckId(number),
            name: name.into(),
            depends_on: depends_on.iter().map(|&name| name.into()).collect(),
            remedy: Arc::new(Remedy::Restart {
                stop: Some(errand("stop")),
                start: errand("start"),
            }),
            timeout: Duration::from_secs(1),
            settle: Duration::ZERO,
        }
    }

    fn told(ill: &Treatment, all: &[Treatment]) -> String {
        let steps = steps(ill, all).into_iter();
        let words: Vec<&str> = steps.map(|step| &*step.errand.what).collect();
        words.join(", ")
    }

    #[test]
    fn what_depends_on_it_is_ended_before_and_begun_after_it() {
        // The shop needs the pool and the database, the pool needs the database, the blog needs nothing.
        let all = [
            treatment(0, "shop", &["db", "pool"]),
            treatment(1, "pool", &["db"]),
            treatment(2, "db", &[]),
            treatment(3, "blog", &[]),
        ];
        assert_eq!(
            told(&all[2], &all),
            "stop shop, stop pool, stop db, start db, start pool, start shop"
        );
        assert_eq!(
            told(&all[1], &all),
            "stop shop, stop pool, start pool, start shop"
        );
        assert_eq!(told(&all[3], &all), "stop blog, start blog");
    }

    #[test]
    fn a_command_of_its_own_touches_nothing_else() {
        let fix = Treatment {
            remedy: Arc::new(Remedy::Run(Errand::unit("reload", "db"))),
            ..treatment(2, "db", &[])
        };
        let all = [treatment(0, "shop", &["db"]), fix.clone()];
        assert_eq!(told(&fix, &all), "reload db");
        // And what has no way to be begun is not ended either.
        let root = treatment(1, "disk", &[]);
        let db = Treatment {
            depends_on: vec!["disk".into()],
            ..fix
        };
        let all = [treatment(0, "shop", &["db"]), db, root.clone()];
        assert_eq!(told(&root, &all), "stop disk, start disk");
    }

    #[test]
    fn a_restart_is_told_in_one_word_where_it_is_one_unit() {
        let unit = |verb| Box::new(Errand::unit(verb, "nginx.service"));
        let (stop, start) = (Some(unit("stop")), unit("start"));
        let restart = Remedy::Restart { stop, start };
        assert_eq!(restart.what(), "restart nginx.service");
        let start = Remedy::Restart {
            stop: None,
            start: unit("start"),
        };
        assert_eq!(start.what(), "start nginx.service");
    }
}
