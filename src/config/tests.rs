//! Configurations, good and bad, as people write them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::core::schedule::Schedule;
use crate::core::state::Threshold;

mod files;
mod heartbeats;
mod isolation;
mod mistakes;
mod ours;
mod remedies;
mod shipped;

/// A folder with these files, loaded with nothing in the environment.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            // Whatever the umask says: nobody else may name what is run.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            fs::set_permissions(path, mode).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, name: &str) -> Result<Plan, Vec<Problem>> {
        load_with(&Source::File(self.path(name)), &|_| None)
    }
}

fn plan(text: &str) -> Plan {
    let folder = Folder::with(&[("belfry.toml", text)]);
    folder
        .load("belfry.toml")
        .unwrap_or_else(|problems| panic!("{}", render(&problems, false)))
}

/// All problems of a text, each on a line, the file without its folder.
fn problems(text: &str) -> Vec<String> {
    problems_of(&[("belfry.toml", text)])
}

fn problems_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = Folder::with(files);
    let root = format!("{}/", folder.0.path().display());
    let problems = folder
        .load(files[0].0)
        .expect_err("there must be a problem");
    problems
        .iter()
        .map(|problem| problem.line().replace(&root, ""))
        .collect()
}

/// Asserts that a text has one problem, and that it says all of these.
fn one_problem(text: &str, says: &[&str]) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    for part in says {
        assert!(
            found[0].contains(part),
            "{text}\n{} does not say {part}",
            found[0]
        );
    }
}

fn check<'p>(plan: &'p Plan, name: &str) -> &'p crate::core::check::Check {
    let mut checks = plan.checks.iter().map(|planned| planned.check.as_ref());
    checks
        .find(|check| check.name.as_ref() == name)
        .unwrap_or_else(|| panic!("no check {name}"))
}

const SHOP: &str = "[check.shop]\ntcp = { address = \"127.0.0.1:1\" }\n";

#[test]
fn a_long_chain_of_parents_is_followed_to_its_end() {
    let link = |i: usize| {
        format!(
            "[check.c{i}]\ntcp = {{ address = \"127.0.0.1:1\" }}\ndepends_on = \"c{}\"\n",
            i + 1
        )
    };
    let mut text: String = (0..5_000).map(link).collect();
    text.push_str("[check.c5000]\ntcp = { address = \"127.0.0.1:1\" }\n");
    assert!(plan(&text).checks.len() > 5_000);
}

#[test]
fn a_check_inherits_the_defaults_and_says_otherwise() {
    let plan = plan(
        "[daemon]\ntimezone = \"Europe/Berlin\"\n[email]\nto = [\"ops@example.org\"]\n\
         [defaults]\nevery = \"1m\"\ntimeout = \"2s\"\nretry_every = \"5s\"\nfail_after = \"3 of 5\"\nrecover_after = 2\nflapping = \"off\"\nalert_degraded = true\n\
         [check.a]\ntcp = { address = \"127.0.0.1:1\" }\n\
         [check.b]\ntcp = { address = \"127.0.0.1:1\" }\nevery = \"1s\"\nretry_every = \"500ms\"\nfail_after = 1\nflapping = \"2 in 1m\"\nto = \"B <b@example.org>\"\ngroup = \"Bees\"\nrunbook = \"https://example.org/b\"\n\
         [check.c]\ntcp = { address = \"127.0.0.1:1\" }\ncron = \"0 3 * * *\"\n\
         [heartbeat.d]\nevery = \"10m\"\n[heartbeat.e]\ncron = \"0 3 * * *\"\n",
    );
    let (a, b) = (check(&plan, "a"), check(&plan, "b"));
    assert_eq!(a.schedule, Schedule::Every(Duration::from_mins(1)));
    assert_eq!(
        (a.timeout, a.retry_every),
        (Duration::from_secs(2), Some(Duration::from_secs(5)))
    );
    assert_eq!(
        (a.fail_after, a.recover_after, a.flapping),
        (Threshold { bad: 3, of: 5 }, 2, None)
    );
    assert!(a.alert_degraded);
    assert_eq!(
        (a.group.as_ref(), a.recipients[0].address.as_ref()),
        ("Checks", "ops@example.org")
    );
    assert_eq!(
        (b.retry_every, b.fail_after),
        (Some(Duration::from_millis(500)), Threshold::in_a_row(1))
    );
    assert_eq!(b.flapping.map(|flapping| flapping.turns), Some(2));
    assert_eq!(
        (b.group.as_ref(), b.recipients[0].address.as_ref()),
        ("Bees", "b@example.org")
    );
    assert_eq!(
        check(&plan, "c").schedule.to_string(),
        "cron 0 3 * * * (Europe/Berlin)"
    );
    let (job, nightly) = (check(&plan, "d"), check(&plan, "e"));
    assert_eq!(
        (job.kind.as_ref(), job.group.as_ref(), job.fail_after),
        ("heartbeat", "Jobs", Threshold::in_a_row(1))
    );
    let grace = |check: &crate::core::check::Check| check.heartbeat.as_ref().map(|rule| rule.grace);
    assert_eq!(
        grace(job),
        Some(Duration::from_mins(10)),
        "as long as the interval"
    );
    assert_eq!(
        grace(nightly),
        Some(Duration::from_hours(1)),
        "but at most an hour"
    );
    assert_eq!(
        check(&plan, "belfry.hello").fail_after,
        Threshold::in_a_row(2),
        "not the defaults"
    );
}

#[test]
fn the_same_text_makes_the_same_roster() {
    let folder = Folder::with(&[("belfry.toml", "[heartbeat.job]\nevery = \"1d\"\n")]);
    let (one, two) = (
        folder.load("belfry.toml").unwrap(),
        folder.load("belfry.toml").unwrap(),
    );
    assert_eq!(
        one.roster(),
        two.roster(),
        "a reload without a change is no change"
    );
    let fresh = |plan: &Plan| check(plan, "job").heartbeat.as_ref().map(|rule| rule.fresh);
    assert_ne!(fresh(&one), fresh(&two));
    fs::write(
        folder.path("belfry.toml"),
        "[heartbeat.job]\nevery = \"2d\"\n",
    )
    .unwrap();
    assert_ne!(one.roster(), folder.load("belfry.toml").unwrap().roster());
}

#[test]
fn a_port_that_was_free_is_asked_once_it_is_known() {
    let mut plan = plan("[listen]\nstatus = \"127.0.0.1:0\"\nhello = \"127.0.0.1:0\"\n");
    let probe = |plan: &Plan| {
        let mut checks = plan.checks.iter();
        let status = checks.find(|planned| planned.check.name.as_ref() == "belfry.status");
        status.and_then(|planned| planned.probe.clone())
    };
    assert_eq!(probe(&plan), None, "nobody can be asked at port 0");
    let mut bound = plan.listen.clone();
    bound.status[0].set_port(40_001);
    bound.hello[0].set_port(40_002);
    plan.bind(bound.clone());
    assert_eq!(plan.listen, bound);
    assert!(probe(&plan).is_some());
    assert!(check(&plan, "belfry.status").target.contains("40001"));
    assert!(check(&plan, "belfry.hello").target.contains("40002"));
    assert!(check(&plan, "belfry.shrunken").target.contains("3000"));
}

#[test]
fn a_hello_page_can_be_switched_off_and_ports_may_be_free_ones() {
    let plan = plan(
        "[listen]\nhello = \"off\"\nshrunken = []\nstatus = [\"127.0.0.1:0\", \"[::1]:0\"]\n[check.\"belfry.hello\"]\nevery = \"1m\"\n",
    );
    assert!(plan.listen.hello.is_empty() && plan.listen.shrunken.is_empty());
    assert_eq!(plan.listen.status.len(), 2);
    assert!(
        plan.checks
            .iter()
            .all(|planned| !planned.check.name.contains("hello"))
    );
}

#[test]
fn a_page_for_all_is_asked_on_loopback() {
    let plan = plan("[listen]\nstatus = \"0.0.0.0:8080\"\nhello = \"[::]:5000\"\n");
    assert!(
        check(&plan, "belfry.status")
            .target
            .contains("127.0.0.1:8080")
    );
    assert!(check(&plan, "belfry.hello").target.contains("[::1]:5000"));
}
