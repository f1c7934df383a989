//! What the documentation gives to units of systemd, as systemd reads it.

use std::fs::{create_dir, read_to_string, write};
use std::process::Command;

use crate::daemon::root;

/// The drop-ins in the documentation: the indented text after each line that names one.
fn drop_ins() -> Vec<String> {
    let docs = read_to_string(root().join("docs/heartbeats.md")).unwrap();
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in docs.lines() {
        let Some(code) = line.strip_prefix("    ") else {
            inside = false;
            continue;
        };
        if code.starts_with("# /etc/systemd/system/nightly-backup.service.d/") {
            found.push(String::new());
            inside = true;
        } else if inside {
            let text = found.last_mut().unwrap();
            text.push_str(code);
            text.push('\n');
        }
    }
    found
}

/// As it would be read on a machine where Belfry is installed.
fn installed(text: &str) -> String {
    text.replace("/usr/bin/belfry", env!("CARGO_BIN_EXE_belfry"))
}

#[test]
fn systemd_finds_nothing_to_complain_of_in_the_units_of_the_documentation() {
    let drop_ins = drop_ins();
    assert_eq!(drop_ins.len(), 2, "{drop_ins:?}");
    for drop_in in &drop_ins {
        let folder = tempfile::tempdir().unwrap();
        let unit = folder.path().join("nightly-backup.service");
        let job = "[Unit]\nDescription=Backup\n[Service]\nType=oneshot\nExecStart=/bin/true\n";
        write(&unit, job).unwrap();
        let more = folder.path().join("nightly-backup.service.d");
        create_dir(&more).unwrap();
        write(more.join("belfry.conf"), installed(drop_in)).unwrap();
        let failed = read_to_string(root().join("systemd/belfry-failed@.service")).unwrap();
        write(
            folder.path().join("belfry-failed@.service"),
            installed(&failed),
        )
        .unwrap();
        let verify = || {
            let mut command = Command::new("systemd-analyze");
            let output = command.arg("verify").arg(&unit).output();
            let output = output.expect("systemd-analyze is there (Debian: systemd)");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let said = verify();
        assert!(said.is_empty(), "{said}");
        // It would have said so: a key that there is not.
        let wrong = drop_in
            .replace("ExecStopPost", "ExecStopPast")
            .replace("OnFailure", "OnFail");
        write(more.join("belfry.conf"), installed(&wrong)).unwrap();
        let said = verify();
        assert!(said.contains("Unknown key"), "{said}");
    }
}

#[test]
fn what_the_drop_in_says_of_success_and_failure_is_what_a_shell_makes_of_it() {
    let drop_in = drop_ins().concat();
    let stop = drop_in
        .lines()
        .find_map(|line| line.strip_prefix("ExecStopPost=-/bin/sh -c '"));
    let script = stop.unwrap().strip_suffix('\'').unwrap();
    let script = script
        .replace("$$", "$")
        .replace("%p", "nightly-backup")
        .replace("/usr/bin/belfry", "/bin/echo");
    for (result, told) in [
        ("success", "ping nightly-backup\n"),
        ("exit-code", "ping nightly-backup --fail\n"),
        ("timeout", "ping nightly-backup --fail\n"),
        ("oom-kill", "ping nightly-backup --fail\n"),
    ] {
        let mut shell = Command::new("/bin/sh");
        let output = shell
            .args(["-c", &script])
            .env("SERVICE_RESULT", result)
            .output();
        assert_eq!(
            String::from_utf8_lossy(&output.unwrap().stdout),
            told,
            "{result}"
        );
    }
}
