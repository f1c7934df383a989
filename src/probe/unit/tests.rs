//! Units as systemctl tells of them, and systemctl itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::*;
use crate::clock::Clock;
use crate::probe::Probe;
use crate::probe::tests::read;

const NOW: Time = Time::from_millis(1_800_000_000_000);
const RUNNING: &str =
    "Result=success\nNRestarts=0\nLoadState=loaded\nActiveState=active\nSubState=running\n";

fn settings(keys: &str) -> Settings {
    let (probe, problems) = read(&format!("unit = {{ {keys}name = \"nginx.service\" }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Unit(settings)) = probe else {
        panic!("a unit probe was read");
    };
    settings
}

fn judged(settings: &Settings, text: &str, before: Option<Before>, at: Time) -> (String, Before) {
    let properties = Properties::parse(text).expect("it has a state");
    let mut trace = Trace::start(Duration::from_secs(1));
    let (outcome, now) = settings.judge(&properties, before, at, &mut trace);
    (
        format!("{}: {}", outcome.verdict.word(), outcome.message()),
        now,
    )
}

#[test]
fn the_state_is_what_is_wanted_or_is_told_with_its_reason() {
    for (keys, text, told) in [
        ("", RUNNING, "pass: active (running)"),
        (
            "",
            "LoadState=loaded\nActiveState=reloading\nSubState=reload\n",
            "pass: reloading (reload)",
        ),
        (
            "",
            "LoadState=loaded\nActiveState=active\nSubState=waiting\n",
            "pass: active (waiting)",
        ),
        (
            "",
            "Result=exit-code\nNRestarts=5\nLoadState=loaded\nActiveState=failed\nSubState=failed\n",
            "fail: failed (failed): exit-code",
        ),
        (
            "",
            "Result=success\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n",
            "fail: inactive (dead)",
        ),
        (
            "",
            "LoadState=loaded\nActiveState=activating\nSubState=start\n",
            "warn: activating (start)",
        ),
        (
            "",
            "Result=oom-kill\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\n",
            "fail: activating (auto-restart): oom-kill",
        ),
        (
            "",
            "LoadState=not-found\nActiveState=inactive\nSubState=dead\n",
            "fail: there is no unit nginx.service; inactive (dead)",
        ),
        (
            "",
            "LoadState=masked\nActiveState=inactive\nSubState=dead\n",
            "fail: nginx.service is masked: it cannot be started; inactive (dead)",
        ),
        (
            "",
            "LoadState=bad-setting\nActiveState=inactive\nSubState=dead\n",
            "fail: nginx.service is not loaded (bad-setting); see systemctl status; inactive (dead)",
        ),
        (
            "",
            "LoadState=loaded\nActiveState=deactivating\nSubState=stop-sigterm\n",
            "fail: deactivating (stop-sigterm)",
        ),
        (
            "active = [\"inactive\"], ",
            "Result=success\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n",
            "pass: inactive (dead)",
        ),
        (
            "active = \"inactive\", ",
            "Result=exit-code\nLoadState=loaded\nActiveState=failed\nSubState=failed\n",
            "fail: failed (failed): exit-code",
        ),
    ] {
        assert_eq!(judged(&settings(keys), text, None, NOW).0, told, "{text}");
    }
    assert_eq!(Properties::parse("garbage\n=\nActiveState=\n"), None);
}

#[test]
fn restarts_are_counted_from_the_first_look_on_and_for_an_hour() {
    let usual = settings("restarts_fail = 3, ");
    let with = |count: u64| RUNNING.replace("NRestarts=0", &format!("NRestarts={count}"));
    let (told, before) = judged(&usual, &with(7), None, NOW);
    assert_eq!(told, "pass: active (running)");
    let (told, before) = judged(&usual, &with(9), Some(before), NOW);
    assert_eq!(told, "warn: restarts 2 (warn at 1)");
    // Started by hand, so that the counter began anew, and again by systemd since.
    let soon = NOW + Duration::from_mins(30);
    let (told, before) = judged(&usual, &with(1), Some(before), soon);
    assert_eq!(told, "fail: restarts 3 (fail at 3)");
    let (told, before) = judged(
        &usual,
        &with(1),
        Some(before),
        NOW + Duration::from_hours(1),
    );
    assert_eq!(told, "warn: restarts 1 (warn at 1)");
    let (told, _) = judged(
        &usual,
        &with(1),
        Some(before),
        soon + Duration::from_hours(1),
    );
    assert_eq!(told, "pass: active (running)");
}

#[test]
fn a_name_is_that_of_one_unit() {
    for (keys, problem) in [
        ("", "\"name\" is missing"),
        ("name = \"--all\"", "\"name\" is no unit"),
        ("name = \"a*\"", "\"name\" is no unit"),
        ("name = \"a b\"", "\"name\" is no unit"),
        (
            "name = \"a\", active = [\"up\"]",
            "\"active\" is no list of states",
        ),
        (
            "name = \"a\", active = []",
            "\"active\" is no list of states",
        ),
    ] {
        let (_, problems) = read(&format!("unit = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
}

/// The outcome with a systemctl of our own.
async fn asked(script: &str) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (fake, log) = (folder.path().join("systemctl"), folder.path().join("log"));
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >{}\n{script}\n",
        log.display()
    );
    fs::write(&fake, text).expect("it is ours");
    fs::set_permissions(&fake, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let mut settings = settings("");
    settings.systemctl = fake.display().to_string();
    let env = Env::new(Clock::start(), Arc::default());
    let outcome = Probe::Unit(settings)
        .run(&env, Duration::from_secs(20))
        .await;
    let arguments = fs::read_to_string(log).unwrap_or_default();
    let said = format!("{}: {}", outcome.verdict.word(), outcome.message());
    (said, arguments.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn systemctl_is_asked_for_one_unit_and_its_refusals_are_unknown() {
    let (told, arguments) = asked(&format!("printf '{RUNNING}'")).await;
    assert_eq!(told, "pass: active (running)");
    let property = "--property=LoadState,ActiveState,SubState,Result,NRestarts";
    assert_eq!(
        arguments,
        ["show", "--no-pager", property, "--", "nginx.service"]
    );
    for (script, told) in [
        (
            "echo 'System has not been booted with systemd as init system (PID 1). Can'\"'\"'t operate.' >&2; exit 1",
            "unknown: systemd does not run here (it is not process 1); look at the process instead",
        ),
        (
            "echo 'Failed to connect to bus: Permission denied' >&2; exit 1",
            "unknown: systemctl: exit code 1 Failed to connect to bus: Permission denied",
        ),
        ("exit 0", "unknown: systemctl told no state of the unit"),
        ("kill -KILL $$", "unknown: systemctl: killed by SIGKILL "),
    ] {
        assert_eq!(asked(script).await.0, told.trim_end(), "{script}");
    }
}

#[tokio::test]
async fn without_systemd_or_its_command_a_unit_is_unknown() {
    let env = Env::new(Clock::start(), Arc::default());
    let mut settings = settings("");
    settings.systemctl = "/no/such/systemctl".to_owned();
    let outcome = Probe::Unit(settings.clone())
        .run(&env, Duration::from_secs(20))
        .await;
    assert!(outcome.message().contains("cannot be run"), "{outcome:?}");
    if !std::path::Path::new("/run/systemd/system").exists() {
        settings.systemctl = "systemctl".to_owned();
        let outcome = Probe::Unit(settings)
            .run(&env, Duration::from_secs(20))
            .await;
        assert_eq!(
            outcome.verdict,
            crate::core::outcome::Verdict::Unknown,
            "{outcome:?}"
        );
    }
}
