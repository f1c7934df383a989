//! Remedies by the real binary: what is healed, what is not, and what a crash leaves behind.

use std::path::Path;

use crate::daemon::{Daemon, until};

/// A check of a file that has to be there, and what is done when it is not.
fn flag(file: &Path, remedy: &str) -> String {
    format!(
        "[check.flag]\nfile = {{ path = \"{}\" }}\nevery = \"200ms\"\nretry_every = \"200ms\"\nfail_after = 3\nflapping = \"off\"\nremedy = {{ {remedy} }}\n",
        file.display()
    )
}

/// What is said of the remedies of the check.
fn told(daemon: &Daemon) -> Vec<String> {
    told_of(daemon, "flag")
}

fn told_of(daemon: &Daemon, check: &str) -> Vec<String> {
    let check = daemon.json(&format!("/api/v1/checks/{check}"));
    let log = check["remedy"]["log"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |entry: &serde_json::Value| entry["text"].as_str().unwrap_or_default().to_owned();
    log.iter().map(text).collect()
}

fn mails(daemon: &Daemon) -> Vec<String> {
    let files = std::fs::read_dir(daemon.data().join("mail"));
    let files = files
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path());
    files
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .map(|path| std::fs::read_to_string(path).expect("a mail"))
        .collect()
}

#[test]
fn what_a_command_heals_is_on_the_page_and_in_no_mail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flag");
    let touch = format!(
        "run = [\"/usr/bin/touch\", \"{}\"], after = 2, settle = \"0s\"",
        file.display()
    );
    let daemon = Daemon::started(&flag(&file, &touch));
    daemon.until("healed", |d| d.state("flag") == "up");
    let told = told(&daemon);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("/usr/bin/touch: done after"),
        "{told:?}"
    );
    let (_, page) = daemon.get("/checks/flag").unwrap();
    assert!(page.contains("/usr/bin/touch: done after"));
    assert_eq!(mails(&daemon), Vec::<String>::new());
    assert_eq!(
        daemon.json("/api/v1/incidents")["incidents"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn what_it_does_not_heal_is_mailed_with_what_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flag");
    let broken = "run = [\"/bin/sh\", \"-c\", \"echo no such service >&2; exit 5\"], after = 1, limit = \"2 per 1h\", settle = \"0s\"";
    let daemon = Daemon::started(&flag(&file, broken));
    daemon.until("mailed", |d| !mails(d).is_empty());
    let mails = mails(&daemon);
    let plain = mails[0].replace("=\r\n", "");
    let (_, tried) = plain.split_once("What was tried").expect(&plain);
    let lines = tried.matches("/bin/sh failed: exit code 5: no such service");
    assert!(lines.count() >= 2, "{plain}");
    assert_eq!(told(&daemon).len(), 2);
}

#[test]
fn every_way_in_which_a_remedy_can_fail_is_said() {
    let ways = [
        (
            "run = [\"/no/such/fix\"]",
            "/no/such/fix failed: /no/such/fix cannot be run: there is no such file, or its interpreter is missing (after ",
        ),
        (
            "run = [\"/bin/sleep\", \"600\"], timeout = \"1s\"",
            "/bin/sleep failed: did not end within 1 s (after ",
        ),
        (
            "run = [\"/bin/sh\", \"-c\", \"kill -KILL $$$$\"]",
            "/bin/sh failed: killed by SIGKILL (after ",
        ),
        (
            "run = [\"/bin/true\"], user = \"nosuchuser\"",
            "/bin/true failed: there is no user nosuchuser; create it (after ",
        ),
        (
            "run = [\"/bin/pwd\"], directory = \"/no/such\"",
            "/bin/pwd failed: there is no directory /no/such to run it in (after ",
        ),
        (
            "stop = [\"/bin/false\"], start = [\"/bin/true\"]",
            "/bin/false, then /bin/true: /bin/false failed: exit code 1 (after ",
        ),
        (
            "restart = \"no-such.service\"",
            "restart no-such.service: stop no-such.service failed: exit code ",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let check = |(number, (remedy, _)): (usize, &(&str, &str))| {
        let rest = "after = 1, limit = \"1 per 1h\", settle = \"0s\"";
        flag(&folder.path().join("none"), &format!("{remedy}, {rest}"))
            .replace("[check.flag]", &format!("[check.flag-{number}]"))
    };
    let checks: String = ways.iter().enumerate().map(check).collect();
    let daemon = Daemon::started(&checks);
    for (number, (_, said)) in ways.iter().enumerate() {
        let name = format!("flag-{number}");
        daemon.until("told", |d| !told_of(d, &name).is_empty());
        let told = told_of(&daemon, &name);
        assert!(told[0].starts_with(said), "{told:?}");
    }
}

#[test]
fn a_remedy_that_is_taken_out_while_it_waits_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let (none, go) = (folder.path().join("none"), folder.path().join("go"));
    let rest = "after = 1, limit = \"1 per 1h\", settle = \"0s\"";
    let waits = format!(
        "run = [\"/bin/sh\", \"-c\", \"until [ -e {} ]; do sleep 0.05; done\"], {rest}",
        go.display()
    );
    let (first, second) = (
        flag(&none, &waits),
        flag(&none, &format!("run = [\"/bin/true\"], {rest}"))
            .replace("check.flag", "check.second"),
    );
    let daemon = Daemon::started(&format!("{first}{second}"));
    let tried = |d: &Daemon, check: &str| {
        d.json(&format!("/api/v1/checks/{check}"))["remedy"]["running_since"].is_string()
    };
    daemon.until("both wait", |d| tried(d, "flag") && tried(d, "second"));
    let (without, _) = second.split_once("remedy").unwrap();
    daemon.configure(&format!("{first}{without}"));
    daemon.until("in force", |d| {
        d.json("/api/v1/checks/second")["remedy"]["what"].is_null()
    });
    std::fs::write(go, "").unwrap();
    daemon.until("told", |d| !told_of(d, "second").is_empty());
    assert_eq!(
        told_of(&daemon, "second"),
        ["not done: the configuration has it no more"]
    );
}

#[test]
fn a_remedy_that_was_under_way_at_a_crash_is_not_done_again_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (file, runs) = (folder.path().join("flag"), folder.path().join("runs"));
    let hangs = format!(
        "run = [\"/bin/sh\", \"-c\", \"echo run >> {}; exec sleep 600\"], after = 1, limit = \"1 per 1h\"",
        runs.display()
    );
    let mut daemon = Daemon::started(&flag(&file, &hangs));
    let count = || {
        std::fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    until("running", || count() == 1, String::new);
    daemon.kill();
    daemon.start();
    daemon.until("told", |d| !told(d).is_empty());
    assert_eq!(
        told(&daemon),
        ["not known how it ended: Belfry was restarted meanwhile"]
    );
    daemon.until("mailed", |d| mails(d).len() == 1);
    assert_eq!(count(), 1);
}

#[test]
fn a_configuration_that_others_can_write_changes_nothing_before_they_cannot_any_more() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flag");
    std::fs::write(&file, "").unwrap();
    let daemon = Daemon::started(&flag(&file, "run = [\"/bin/true\"]"));
    daemon.until("up", |d| d.state("flag") == "up");
    let mode = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(daemon.config(), mode).unwrap();
    };
    mode(0o664);
    daemon.until("refused", |d| d.state("belfry.config") == "down");
    daemon.until("said what to run", |d| {
        let (_, page) = d.get("/").unwrap_or_default();
        page.contains("names what is run") && page.contains("run: chmod g-w ")
    });
    assert_eq!(daemon.state("flag"), "up", "what was in force goes on");
    mode(0o644);
    daemon.until("in force again", |d| d.state("belfry.config") == "up");
}
