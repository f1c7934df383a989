//! What counts of a log mean, and how a log is written in a configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::clock::Clock;
use crate::probe::Probe;
use crate::probe::tests::read;

fn settings(keys: &str) -> Settings {
    let (probe, problems) = read(&format!(
        "log = {{ {keys}file = \"/l\", match = \"ERROR\" }}"
    ));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Log(settings)) = probe else {
        panic!("a log probe was read");
    };
    settings
}

fn told(count: u64) -> Told {
    Told {
        count,
        newest: (count > 0).then(|| "ERROR: disk".to_owned()),
        left: Left::Nothing,
        there: true,
    }
}

#[test]
fn the_number_of_lines_has_levels_and_the_newest_is_told() {
    let behind = Told {
        left: Left::Bytes(3 << 20),
        ..told(0)
    };
    let gone = Told {
        there: false,
        ..told(0)
    };
    let gone_after = Told {
        there: false,
        ..told(9)
    };
    for (keys, told, said) in [
        ("", told(0), "pass: 0 lines within 10 min"),
        (
            "",
            told(1),
            "warn: 1 line within 10 min (warn at 1), the newest: ERROR: disk",
        ),
        (
            "fail = 5, within = \"1h\", ",
            told(5),
            "fail: 5 lines within 1 h (fail at 5), the newest: ERROR: disk",
        ),
        ("warn = 3, ", told(2), "pass: 2 lines within 10 min"),
        (
            "",
            behind,
            "pass: 0 lines within 10 min, 3 MiB left for the next look",
        ),
        ("", gone, "unknown: there is no /l; nothing can be counted"),
        (
            "fail = 9, ",
            gone_after,
            "fail: 9 lines within 10 min (fail at 9), the newest: ERROR: disk; there is no /l; nothing can be counted",
        ),
    ] {
        let mut trace = Trace::start(Duration::from_secs(1));
        let outcome = settings(keys).judge(&told, &mut trace);
        assert_eq!(
            format!("{}: {}", outcome.verdict.word(), outcome.message()),
            said
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (keys, problem) in [
        ("match = \"a\"", "\"file\" is missing"),
        (
            "file = \"/l\", journal = true, match = \"a\"",
            "\"file\" beside \"journal\" is a second log",
        ),
        (
            "journal = false, match = \"a\"",
            "without its journal there is no log",
        ),
        (
            "file = \"/l\", match = \"a\", unit = \"nginx\"",
            "\"unit\" is of the journal; write journal = true beside it",
        ),
        (
            "journal = true, priority = \"error\"",
            "\"error\" is no \"priority\" that is known",
        ),
        ("journal = true, unit = \"\"", "\"unit\" names none"),
        (
            "journal = true, match = \"[\"",
            "\"match\" is not a regular",
        ),
        (
            "journal = true, directory = \"log\"",
            "\"directory\" is not a whole path",
        ),
        ("file = \"/l\"", "\"match\" is missing"),
        (
            "file = \"l\", match = \"a\"",
            "\"file\" is not a whole path",
        ),
        (
            "file = \"/l\", match = \"a\", ignore = \"[\"",
            "\"ignore\" is not a regular expression",
        ),
        (
            "file = \"/l\", match = \"a\", warn = 0",
            "\"warn\" is not such a number",
        ),
        (
            "file = \"/l\", match = \"a\", warn = 5, fail = 2",
            "\"warn\" is above \"fail\"",
        ),
    ] {
        let (_, problems) = read(&format!("log = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
}

/// What is said with a journalctl of our own, look by look, and the arguments of the last.
async fn asked(keys: &str, scripts: &[&str]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (fake, log) = (folder.path().join("journalctl"), folder.path().join("log"));
    let (probe, problems) = read(&format!("log = {{ journal = true{keys} }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Log(mut settings)) = probe else {
        panic!("a log probe was read");
    };
    let Place::Journal(journal) = &mut settings.place else {
        panic!("a journal is followed");
    };
    journal.journalctl = fake.display().to_string();
    let probe = Probe::Log(settings);
    let env = Env::new(Clock::start(), std::sync::Arc::default());
    let mut said = Vec::new();
    for script in scripts {
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >{}\n{script}\n",
            log.display()
        );
        fs::write(&fake, text).expect("it is ours");
        fs::set_permissions(&fake, PermissionsExt::from_mode(0o755)).expect("it is ours");
        let outcome = probe.run(&env, Duration::from_secs(20)).await;
        said.push(format!("{}: {}", outcome.verdict.word(), outcome.message()));
    }
    let arguments = fs::read_to_string(log).unwrap_or_default();
    (said, arguments.lines().map(str::to_owned).collect())
}

/// Where a first look begins.
const END: &str = "echo '-- No entries --'; echo '-- cursor: s=1;i=7'";

#[tokio::test]
async fn the_journal_is_read_from_its_end_with_what_was_chosen() {
    let keys = ", unit = [\"nginx\", \"php*\"], identifier = \"kernel\", priority = \"err\", directory = \"/j\"";
    let same = "echo '{\"__CURSOR\":\"s=1;i=7\",\"MESSAGE\":\"old\"}'";
    let more = format!("{same}; echo '{{\"__CURSOR\":\"s=1;i=8\",\"MESSAGE\":\"new\"}}'");
    let (said, arguments) = asked(keys, &[END, same, &more]).await;
    assert_eq!(
        said,
        [
            "pass: 0 lines within 10 min",
            "pass: 0 lines within 10 min",
            "warn: 1 line within 10 min (warn at 1), the newest: new",
        ]
    );
    assert_eq!(
        arguments,
        [
            "--no-pager",
            "--directory=/j",
            "--output=json",
            "--output-fields=MESSAGE",
            "--cursor=s=1;i=7",
            "--all",
            "--unit=nginx",
            "--unit=php*",
            "--identifier=kernel",
            "--priority=err",
        ]
    );
}

#[tokio::test]
async fn what_journalctl_cannot_do_is_unknown_with_its_reason() {
    let group = "unknown: we may not read all of the journal; add our user to the group systemd-journal \
                 (SupplementaryGroups= of our unit)";
    for (script, told) in [
        (
            "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2; echo '-- cursor: s=1'",
            group,
        ),
        (
            "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1",
            group,
        ),
        (
            "echo 'No journal files were found.' >&2; echo '-- No entries --'; exit 1",
            "unknown: there is no journal; nothing can be counted",
        ),
        (
            "echo 'Failed to open /j: No such file or directory' >&2; exit 1",
            "unknown: journalctl: exit code 1 Failed to open /j: No such file or directory",
        ),
        ("kill -KILL $$", "unknown: journalctl: killed by SIGKILL"),
    ] {
        assert_eq!(asked("", &[script]).await.0, [told], "{script}");
    }
    // What fails later loses nothing.
    let (said, _) = asked(
        "",
        &[
            END,
            "exit 2",
            "echo '{\"__CURSOR\":\"s=1;i=8\",\"MESSAGE\":\"new\"}'",
        ],
    )
    .await;
    assert_eq!(
        said[1..],
        [
            "unknown: journalctl: exit code 2",
            "warn: 1 line within 10 min (warn at 1), the newest: new",
        ]
    );
}

#[tokio::test]
async fn without_journalctl_a_journal_is_unknown() {
    let (probe, _) = read("log = { journal = true }");
    let Some(Probe::Log(mut settings)) = probe else {
        panic!("a log probe was read");
    };
    if let Place::Journal(journal) = &mut settings.place {
        journal.journalctl = "/no/such/journalctl".to_owned();
    }
    let env = Env::new(Clock::start(), std::sync::Arc::default());
    let outcome = Probe::Log(settings)
        .run(&env, Duration::from_secs(20))
        .await;
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert!(outcome.message().contains("cannot be run"), "{outcome:?}");
}
